/** What it costs a gateway to be watched: ten `rea status --watch`, each on a terminal of its own. */
import { cleanEnvironment } from '../lib/environment.ts';
import { lookedAt } from '../lib/looked-at.ts';
import { commandLine, processesUnder, processMs } from '../lib/procfs.ts';
import type { Context, Program } from '../lib/program.ts';
import type { Started } from '../lib/scope.ts';
import { type Gateway, REA } from '../lib/sides.ts';

const WATCHERS = 10;

export const watchers: Program = lookedAt({
  name: 'watchers',
  title: 'Ten watchers',
  summary: 'a gateway that is watched by ten people, and by nobody',
  count: WATCHERS,
  one: 'watcher',
  several: 'watchers',
  notes: ['Each watcher runs on a terminal of its own (`script`), and does nothing but look.'],
  start: async (context, gateway) =>
    Array.from({ length: WATCHERS }, () => watcher(context, gateway)),
  spentMs: ({ dir }) => watchersMs(dir),
});

/** On a terminal of its own; what it draws is not looked at. */
function watcher({ scope, node }: Context, { dir }: Gateway): Started {
  const started = scope.spawn(
    'script',
    ['-qec', `exec '${node}' '${REA}' status --watch --cwd '${dir}'`, '/dev/null'],
    { cwd: dir, env: { ...cleanEnvironment(dir, node), TERM: 'xterm' } },
  );
  started.child.stdout.resume();
  return started;
}

/** Milliseconds on a CPU of all watchers of a directory. */
function watchersMs(dir: string): number {
  const pids = processesUnder(dir).filter((pid) => commandLine(pid).includes('--watch'));
  return pids.reduce((sum, pid) => sum + processMs(pid), 0);
}
