/** What it costs a gateway when its page is open: ten tabs, each of which asks as the page does. */
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '../lib/environment.ts';
import { lookedAt } from '../lib/looked-at.ts';
import { pageOf } from '../lib/page.ts';
import { commandLine, processesUnder, processMs } from '../lib/procfs.ts';
import type { Program } from '../lib/program.ts';

const TABS = 10;
const ASKING = fileURLToPath(new URL('../servers/tabs.mjs', import.meta.url));

export const tabs: Program = lookedAt({
  name: 'tabs',
  title: 'Ten tabs',
  summary:
    'a gateway whose page is open ten times, is served and not looked at, and was never asked for',
  count: TABS,
  one: 'tab',
  several: 'tabs',
  notes: [
    'The tabs are one process without a browser, which asks for what is new ten times in 700 ms, calls and all, over connections that it keeps.',
  ],
  unseen: {
    scenario: 'the page was opened and closed',
    start: (context, gateway) => void pageOf(context, gateway),
  },
  start: async (context, gateway) => {
    const { scope, node } = context;
    const env = cleanEnvironment(gateway.dir, node);
    const args = [ASKING, String(TABS)];
    const started = scope.spawn(node, args, { cwd: gateway.dir, env });
    started.child.stdin.end(pageOf(context, gateway));
    started.child.stdout.resume();
    return [started];
  },
  spentMs: ({ dir }) =>
    processesUnder(dir)
      .filter((pid) => commandLine(pid).includes(ASKING))
      .reduce((sum, pid) => sum + processMs(pid), 0),
});
