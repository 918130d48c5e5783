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
  readonly spentMs: (gateway: Gateway) => number;
  /** What is there to be looked at once somebody has asked for it, and nobody looks. @default nothing */
  readonly unseen?: {
    readonly scenario: string;
    readonly start: (context: Context, gateway: Gateway) => void;
  };
}

const SERVERS = ['s0', 's1', 's2', 's3'];
const EVERY_MS = 10;
const GRACE_MS = 4000;
/** They have started, and have asked for the first time. */
const SETTLE_MS = 4000;
const SIDE: SideName = 'rea';
/** Of main, once its garbage is collected: to a tenth of a MiB, which resident memory does not tell. */
const IN_USE = 'memory in use';
const TELLER = new URL('../../test/support/tell-live-bytes.mjs', import.meta.url).href;
const MIB = 1024 * 1024;
const NOBODY = 'nobody looks';

export function lookedAt(lookers: Lookers): Program {
  const { name, title, summary, count, one, several, notes, unseen } = lookers;
  const watched = `${count} ${several}`;
  return {
    name,
    title,
    summary,
    quickSeconds: unseen === undefined ? 40 : 60,
    run: async (context) => {
      const { quick } = context;
      const repetitions = context.repetitions ?? (quick ? 1 : 2);
      const recorder = new Recorder([
        { name: 'p50', unit: 'ms', better: 'lower' },
        { name: 'p99', unit: 'ms', better: 'lower', plot: 'linear' },
        { name: 'main busy', unit: '% of a core', better: 'lower' },
        { name: `each ${one}`, unit: '% of a core', better: 'lower' },
        { name: IN_USE, unit: 'MiB', better: 'lower' },
        { name: 'lateness of the generator p99', unit: 'ms', better: 'lower', control: true },
      ]);
      const point = (scenario: string, begin: Begin) => ({
        scenario,
        side: SIDE,
        measure: () => measure(context, begin, lookers),
      });
      const left = unseen === undefined ? [] : [unseen];
      const points = [
        point(NOBODY, () => []),
        ...left.map(({ scenario, start }) =>
          point(scenario, (gateway) => {
            start(context, gateway);
            return [];
          }),
        ),
        point(watched, (gateway) => lookers.start(context, gateway)),
      ];
      await inRounds(context, recorder, points, { repetitions, firstInQuick: SIDE });
      const at = (metric: string, scenario: string) => ({ metric, scenario, side: SIDE });
      const more = (scenario: string, metric = 'main busy') => {
        const without = recorder.values(at(metric, NOBODY));
        return recorder.values(at(metric, scenario)).flatMap((value, round) => {
          const alone = without[round];
          return alone === undefined ? [] : [value - alone];
        });
      };
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
            parts: [goalPart('main busy', more(watched), { must: 2, aim: 1 })],
          },
          {
            figure: `p99 with ${watched} ÷ with none`,
            limit: 'at most',
            unit: '×',
            parts: [recorder.ratio('p99', p99(watched), p99(NOBODY), { must: 1.2, aim: 1.1 })],
          },
          ...left.map(({ scenario }) => ({
            figure: `memory of main when ${scenario}, more than with nothing to look at`,
            limit: 'at most' as const,
            unit: 'MiB',
            parts: [goalPart(IN_USE, more(scenario, IN_USE), { must: 2, aim: 1 })],
          })),
          ...left.map(({ scenario }) => ({
            figure: `p99 when ${scenario} ÷ with nothing to look at`,
            limit: 'at most' as const,
            unit: '×',
            parts: [recorder.ratio('p99', p99(scenario), p99(NOBODY), { must: 1.1, aim: 1.05 })],
          })),
        ],
        notes: [
          `A call every ${EVERY_MS} ms to one of ${SERVERS.length} servers. The ${several} share the cores with the gateway and its servers, which is most of what the p99 shows.`,
          ...notes,
        ],
      };
    },
  };
}

type Begin = (gateway: Gateway) => readonly Started[] | Promise<readonly Started[]>;

async function measure(
  context: Context,
  begin: Begin,
  { one, count, spentMs }: Lookers,
): Promise<Record<string, number>> {
  const { sides, scope, node, quick } = context;
  const servers = SERVERS.map((name) => RAW.server(node, name));
  const gateway = await sides.start(SIDE, servers, { nodeArgs: [`--import=${TELLER}`] });
  let looking: readonly Started[] = [];
  try {
    const connection = await gateway.connect();
    await untilServing(
      connection,
      SERVERS.map((name) => gateway.tool(name, RAW.tool)),
    );
    looking = await begin(gateway);
    const spent = () => (looking.length === 0 ? Number.NaN : spentMs(gateway));
    await pause(SETTLE_MS);
    const ms = quick ? 4000 : 10_000;
    await paced(gateway, connection, 500);
    const [main, others] = [mainThreadMs(gateway.pid), spent()];
    const begun = performance.now();
    const { latencies, lateness } = await paced(gateway, connection, ms);
    const took = performance.now() - begun;
    const busy = mainThreadMs(gateway.pid) - main;
    const lookersMs = spent() - others;
    return {
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      'main busy': (busy * 100) / took,
      [`each ${one}`]: (lookersMs * 100) / took / count,
      [IN_USE]: await inUse(gateway),
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

/** MiB of main's. */
async function inUse(gateway: Gateway): Promise<number> {
  const told = () => [...gateway.stderr().matchAll(/^live bytes: (\d+)$/gm)].at(-1)?.[1];
  process.kill(gateway.pid, 'SIGUSR2');
  const end = performance.now() + GRACE_MS;
  while (told() === undefined) {
    if (performance.now() > end) throw new Error('the gateway does not tell the bytes in use');
    await pause(10);
  }
  return Number(told()) / MIB;
}
