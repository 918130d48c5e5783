/** What it costs a gateway when its page is open: ten tabs, each of which asks as the page does. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '../lib/environment.ts';
import { lookedAt } from '../lib/looked-at.ts';
import { commandLine, processesUnder, processMs } from '../lib/procfs.ts';
import type { Context, Program } from '../lib/program.ts';
import { type Gateway, REA } from '../lib/sides.ts';

const TABS = 10;
const ASKING = fileURLToPath(new URL('../servers/tabs.mjs', import.meta.url));

export const tabs: Program = lookedAt({
  name: 'tabs',
  title: 'Ten tabs',
  summary: 'a gateway whose page is open ten times, and not at all',
  count: TABS,
  one: 'tab',
  several: 'tabs',
  notes: [
    'The tabs are one process without a browser, which asks for what is new ten times in 700 ms, calls and all, over connections that it keeps.',
  ],
  start: async (context, gateway) => {
    const { scope, node } = context;
    const env = cleanEnvironment(gateway.dir, node);
    const args = [ASKING, String(TABS)];
    const started = scope.spawn(node, args, { cwd: gateway.dir, env });
    started.child.stdin.end(addressOf(context, gateway));
    started.child.stdout.resume();
    return [started];
  },
  spentMs: ({ dir }) =>
    processesUnder(dir)
      .filter((pid) => commandLine(pid).includes(ASKING))
      .reduce((sum, pid) => sum + processMs(pid), 0),
});

/** Has the page served. */
function addressOf({ node }: Context, gateway: Gateway): string {
  const args = [REA, 'ui', '--json', '--cwd', gateway.dir];
  const { stdout, stderr } = spawnSync(node, args, {
    encoding: 'utf8',
    env: cleanEnvironment(gateway.dir, node),
  });
  if (stdout === '') throw new Error(`rea ui: ${stderr}`);
  return (JSON.parse(stdout) as { url: string }).url;
}
