/**
 * What it costs a gateway to be watched: calls to four servers at a fixed pace, with nobody looking and with ten
 * `rea status --watch`, each on a terminal of its own.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { atPace } from '../lib/load.ts';
import { commandLine, mainThreadMs, processesUnder, processMs } from '../lib/procfs.ts';
import type { Context, Program } from '../lib/program.ts';
import { goalPart, Recorder } from '../lib/recorder.ts';
import { inRounds } from '../lib/rounds.ts';
import type { Started } from '../lib/scope.ts';
import { RAW } from '../lib/servers.ts';
import { type Gateway, REA, type SideName } from '../lib/sides.ts';
import { quantile } from '../lib/statistics.ts';
import { type Connection, untilServing } from '../lib/wire.ts';

const SERVERS = ['s0', 's1', 's2', 's3'];
const WATCHERS = 10;
const EVERY_MS = 10;
const GRACE_MS = 4000;
/** A watcher has started, and has asked for the first time. */
const SETTLE_MS = 4000;
const SIDE: SideName = 'rea';
const SCENARIO = { nobody: 'nobody looks', watched: `${WATCHERS} watchers` } as const;

export const watchers: Program = {
  name: 'watchers',
  title: 'Ten watchers',
  summary: 'a gateway that is watched by ten people, and by nobody',
  quickSeconds: 40,
  run: async (context) => {
    const { quick } = context;
    const repetitions = context.repetitions ?? (quick ? 1 : 5);
    const recorder = new Recorder([
      { name: 'p50', unit: 'ms', better: 'lower' },
      { name: 'p99', unit: 'ms', better: 'lower', plot: 'linear' },
      { name: 'main busy', unit: '% of a core', better: 'lower' },
      { name: 'each watcher', unit: '% of a core', better: 'lower' },
      { name: 'lateness of the generator p99', unit: 'ms', better: 'lower', control: true },
    ]);
    const points = [SCENARIO.nobody, SCENARIO.watched].map((scenario) => ({
      scenario,
      side: SIDE,
      measure: () => measure(context, scenario === SCENARIO.watched ? WATCHERS : 0),
    }));
    await inRounds(context, recorder, points, { repetitions, firstInQuick: SIDE });
    const at = (metric: string, scenario: string) => ({ metric, scenario, side: SIDE });
    const busy = (scenario: string) => recorder.values(at('main busy', scenario));
    const more = busy(SCENARIO.watched).flatMap((value, round) => {
      const alone = busy(SCENARIO.nobody)[round];
      return alone === undefined ? [] : [value - alone];
    });
    const p99 = (scenario: string) => at('p99', scenario);
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: [
        {
          figure: `main thread with ${WATCHERS} watchers, more than with none`,
          limit: 'at most',
          unit: '% of a core',
          parts: [goalPart('main busy', more, { must: 2, aim: 1 })],
        },
        {
          figure: `p99 with ${WATCHERS} watchers ÷ with none`,
          limit: 'at most',
          unit: '×',
          parts: [
            recorder.ratio('p99', p99(SCENARIO.watched), p99(SCENARIO.nobody), {
              must: 1.2,
              aim: 1.1,
            }),
          ],
        },
      ],
      notes: [
        `A call every ${EVERY_MS} ms to one of ${SERVERS.length} servers. The watchers share the cores with the gateway and its servers, which is most of what the p99 shows.`,
        'Each watcher runs on a terminal of its own (`script`), and does nothing but look.',
      ],
    };
  },
};

async function measure(context: Context, count: number): Promise<Record<string, number>> {
  const { sides, scope, node, quick } = context;
  const servers = SERVERS.map((name) => RAW.server(node, name));
  const gateway = await sides.start(SIDE, servers);
  const watching = Array.from({ length: count }, () => watcher(context, gateway));
  try {
    const connection = await gateway.connect();
    await untilServing(
      connection,
      SERVERS.map((name) => gateway.tool(name, RAW.tool)),
    );
    await pause(SETTLE_MS);
    const ms = quick ? 4000 : 15_000;
    await paced(gateway, connection, 500);
    const [main, others] = [mainThreadMs(gateway.pid), watchersMs(gateway.dir)];
    const begun = performance.now();
    const { latencies, lateness } = await paced(gateway, connection, ms);
    const took = performance.now() - begun;
    return {
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      'main busy': ((mainThreadMs(gateway.pid) - main) * 100) / took,
      'each watcher': ((watchersMs(gateway.dir) - others) * 100) / took / count,
      'lateness of the generator p99': quantile(lateness, 0.99),
    };
  } finally {
    for (const one of watching) await scope.stop(one, 'SIGTERM');
    await gateway.stop();
    scope.sweep(gateway.dir);
  }
}

/** On a terminal of its own; what it draws is not looked at. */
function watcher({ scope, node }: Context, { dir }: Gateway): Started {
  const started = scope.spawn(
    'script',
    ['-qec', `exec '${node}' '${REA}' status --watch --cwd '${dir}'`, '/dev/null'],
    { cwd: dir, env: { PATH: process.env['PATH'] ?? '', HOME: dir, TERM: 'xterm' } },
  );
  started.child.stdout.resume();
  return started;
}

/** Milliseconds on a CPU of all watchers of a directory. */
function watchersMs(dir: string): number {
  const pids = processesUnder(dir).filter((pid) => commandLine(pid).includes('--watch'));
  return pids.reduce((sum, pid) => sum + processMs(pid), 0);
}

function paced(gateway: Gateway, connection: Connection, ms: number) {
  let turn = 0;
  const call = async () => {
    const server = SERVERS[turn++ % SERVERS.length] as string;
    const params = { name: gateway.tool(server, RAW.tool), arguments: RAW.args };
    return (await connection.request('tools/call', params)).ok;
  };
  return atPace(call, { everyMs: EVERY_MS, ms, graceMs: GRACE_MS });
}
