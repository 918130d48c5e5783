/**
 * What it costs a gateway to be looked at: calls to four servers at a fixed pace, with nobody looking and with some who
 * do, whoever they are.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { atPace } from './load.ts';
import { mainThreadMs } from './procfs.ts';
import type { Context, Program } from './program.ts';
import { goalPart, Recorder } from './recorder.ts';
import { inRounds } from './rounds.ts';
import type { Started } from './scope.ts';
import { RAW } from './servers.ts';
import type { Gateway, SideName } from './sides.ts';
import { quantile } from './statistics.ts';
import { type Connection, untilServing } from './wire.ts';

/** Those who look. */
export interface Lookers extends Pick<Program, 'name' | 'title' | 'summary'> {
  readonly count: number;
  /** Of one and of several, like `watcher` and `watchers`. */
  readonly one: string;
  readonly several: string;
  readonly notes: readonly string[];
  /** Starts them all. Resolves when they have begun to look. */
  start(context: Context, gateway: Gateway): Promise<readonly Started[]>;
  /** Milliseconds on a CPU of all of them so far. */
  spentMs(gateway: Gateway): number;
}

const SERVERS = ['s0', 's1', 's2', 's3'];
const EVERY_MS = 10;
const GRACE_MS = 4000;
/** They have started, and have asked for the first time. */
const SETTLE_MS = 4000;
const SIDE: SideName = 'rea';
const NOBODY = 'nobody looks';

export function lookedAt(lookers: Lookers): Program {
  const { name, title, summary, count, one, several, notes } = lookers;
  const watched = `${count} ${several}`;
  return {
    name,
    title,
    summary,
    quickSeconds: 40,
    run: async (context) => {
      const { quick } = context;
      const repetitions = context.repetitions ?? (quick ? 1 : 2);
      const recorder = new Recorder([
        { name: 'p50', unit: 'ms', better: 'lower' },
        { name: 'p99', unit: 'ms', better: 'lower', plot: 'linear' },
        { name: 'main busy', unit: '% of a core', better: 'lower' },
        { name: `each ${one}`, unit: '% of a core', better: 'lower' },
        { name: 'lateness of the generator p99', unit: 'ms', better: 'lower', control: true },
      ]);
      const points = [NOBODY, watched].map((scenario) => ({
        scenario,
        side: SIDE,
        measure: () => measure(context, scenario === watched ? lookers : null, one),
      }));
      await inRounds(context, recorder, points, { repetitions, firstInQuick: SIDE });
      const at = (metric: string, scenario: string) => ({ metric, scenario, side: SIDE });
      const busy = (scenario: string) => recorder.values(at('main busy', scenario));
      const more = busy(watched).flatMap((value, round) => {
        const alone = busy(NOBODY)[round];
        return alone === undefined ? [] : [value - alone];
      });
      const p99 = (scenario: string) => at('p99', scenario);
      return {
        repetitions,
        metrics: recorder.metrics,
        figures: recorder.figures(),
        goals: [
          {
            figure: `main thread with ${watched}, more than with none`,
            limit: 'at most',
            unit: '% of a core',
            parts: [goalPart('main busy', more, { must: 2, aim: 1 })],
          },
          {
            figure: `p99 with ${watched} ÷ with none`,
            limit: 'at most',
            unit: '×',
            parts: [recorder.ratio('p99', p99(watched), p99(NOBODY), { must: 1.2, aim: 1.1 })],
          },
        ],
        notes: [
          `A call every ${EVERY_MS} ms to one of ${SERVERS.length} servers. The ${several} share the cores with the gateway and its servers, which is most of what the p99 shows.`,
          ...notes,
        ],
      };
    },
  };
}

async function measure(
  context: Context,
  lookers: Lookers | null,
  one: string,
): Promise<Record<string, number>> {
  const { sides, scope, node, quick } = context;
  const servers = SERVERS.map((name) => RAW.server(node, name));
  const gateway = await sides.start(SIDE, servers);
  let looking: readonly Started[] = [];
  try {
    const connection = await gateway.connect();
    await untilServing(
      connection,
      SERVERS.map((name) => gateway.tool(name, RAW.tool)),
    );
    looking = (await lookers?.start(context, gateway)) ?? [];
    const spent = () => lookers?.spentMs(gateway) ?? Number.NaN;
    await pause(SETTLE_MS);
    const ms = quick ? 4000 : 10_000;
    await paced(gateway, connection, 500);
    const [main, others] = [mainThreadMs(gateway.pid), spent()];
    const begun = performance.now();
    const { latencies, lateness } = await paced(gateway, connection, ms);
    const took = performance.now() - begun;
    return {
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      'main busy': ((mainThreadMs(gateway.pid) - main) * 100) / took,
      [`each ${one}`]: ((spent() - others) * 100) / took / (lookers?.count ?? 1),
      'lateness of the generator p99': quantile(lateness, 0.99),
    };
  } finally {
    for (const each of looking) await scope.stop(each, 'SIGTERM');
    await gateway.stop();
    scope.sweep(gateway.dir);
  }
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
