/**
 * Four healthy servers share a gateway with sixteen bad ones. Calls to the healthy ones are begun at a
 * fixed pace, first while all is calm, then while the sixteen storm, in the same gateway process.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { atPace, type Paced } from '../lib/load.ts';
import { mainThreadMs, memoryOf } from '../lib/procfs.ts';
import type { Context, Program } from '../lib/program.ts';
import { goalPart, Recorder } from '../lib/recorder.ts';
import { inRounds } from '../lib/rounds.ts';
import { RAW, stormServer } from '../lib/servers.ts';
import type { Gateway, SideName } from '../lib/sides.ts';
import { quantile } from '../lib/statistics.ts';
import { type Connection, outcomeOf, untilServing } from '../lib/wire.ts';

const SIDES: readonly SideName[] = ['in-process', 'rea', 'rea-before', 'mcp-hub'];
const HEALTHY = ['h0', 'h1', 'h2', 'h3'];
const BAD = Array.from({ length: 16 }, (_, at) => `b${at}`);
const EVERY_MS = 5;
/** After a storm a call may still be answered; later it counts as unanswered. */
const GRACE_MS = 4000;
const CALM_WAIT_MS = 500;

interface Storm {
  readonly kind: string;
  readonly title: string;
  readonly withoutBackoff?: boolean;
  /** Limits of its p99 ÷ calm. */
  readonly p99?: { readonly must: number; readonly aim: number };
}

const STORMS: readonly Storm[] = [
  { kind: 'crash', title: 'crash' },
  { kind: 'crash', title: 'crash, no back-off', withoutBackoff: true },
  { kind: 'big-results', title: '20 MB results' },
  { kind: 'big-unasked', title: '20 MB unasked' },
  { kind: 'garbage', title: 'garbage' },
  { kind: 'stderr', title: 'flood of stderr', p99: { must: 5, aim: 2 } },
  { kind: 'endless-line', title: 'endless line' },
  { kind: 'notifications', title: 'notification flood' },
  { kind: 'burn', title: 'CPU burn', p99: { must: 40, aim: 20 } },
  { kind: 'hog', title: 'memory hog' },
];
const ORDINARY_P99 = { must: 15, aim: 5 };

export const storm: Program = {
  name: 'storm',
  title: 'Healthy servers while sixteen others storm',
  summary: 'calls to 4 healthy servers while 16 others crash, flood, burn, hog',
  quickSeconds: 75,
  run: async (context) => {
    const { quick, sides } = context;
    const repetitions = context.repetitions ?? (quick ? 1 : 2);
    const recorder = new Recorder([
      { name: 'p50', unit: 'ms', better: 'lower', plot: 'log' },
      { name: 'p99', unit: 'ms', better: 'lower', plot: 'log' },
      { name: 'calm p50', unit: 'ms', better: 'lower' },
      { name: 'calm p99', unit: 'ms', better: 'lower' },
      { name: 'unanswered or failed', unit: '% of calls', better: 'lower' },
      { name: 'outcome unknown', unit: 'calls', better: 'lower' },
      { name: 'peak RSS of the gateway', unit: 'MiB', better: 'lower', plot: 'linear' },
      { name: 'main busy', unit: '% of a core', better: 'lower' },
      { name: 'lateness of the generator p99', unit: 'ms', better: 'lower', control: true },
    ]);
    const points = STORMS.flatMap((one) =>
      sides
        .available(SIDES)
        // It never restarts a server, so there is no back-off to leave out.
        .filter((side) => one.withoutBackoff !== true || side !== 'mcp-hub')
        .map((side) => ({
          scenario: one.title,
          side,
          // Goals compare rea's own storm with its own calm; the others are there to be seen beside it.
          atMost: side.startsWith('rea') ? repetitions : Math.ceil(repetitions / 2),
          measure: () => weather(context, side, one),
        })),
    );
    await inRounds(context, recorder, points, { repetitions, firstInQuick: 'rea' });
    const at = (metric: string, { title }: Storm) => ({ metric, scenario: title, side: 'rea' });
    const parts = (metric: string, limits: (one: Storm) => { must: number; aim: number }) =>
      STORMS.map((one) =>
        recorder.ratio(one.title, at(metric, one), at(`calm ${metric}`, one), limits(one)),
      );
    const peaks = STORMS.filter(({ kind }) => kind.startsWith('big')).map((one) =>
      goalPart(one.title, recorder.values(at('peak RSS of the gateway', one)), {
        must: 600,
        aim: 400,
      }),
    );
    const unknown = (one: Storm) => recorder.values(at('outcome unknown', one));
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: [
        {
          figure: 'healthy p50 under a storm ÷ calm',
          limit: 'at most',
          unit: '×',
          parts: parts('p50', () => ({ must: 2, aim: 1.5 })),
        },
        {
          figure: 'healthy p99 under a storm ÷ calm',
          limit: 'at most',
          unit: '×',
          parts: parts('p99', ({ p99 }) => p99 ?? ORDINARY_P99),
        },
        {
          figure: 'healthy calls that end with outcome `unknown`',
          limit: 'at most',
          unit: 'calls',
          parts: [
            goalPart(
              'all storms',
              STORMS.some((one) => unknown(one).length > 0) ? [sum(STORMS.flatMap(unknown))] : [],
              { must: 0, aim: 0 },
            ),
          ],
        },
        { figure: 'RSS under a 20 MB storm', limit: 'at most', unit: 'MiB', parts: peaks },
      ],
      notes: [
        `A call every ${EVERY_MS} ms to one of 4 healthy servers, begun whether the last one was answered or not; one without an answer ${GRACE_MS / 1000} s after the storm counts with the time it has waited.`,
        '20 MB results: the same client calls all sixteen, each again as soon as it has answered, so healthy answers share the connection with them. 20 MB unasked: the servers write answers to ids that nobody used.',
        'The others are measured half as often.',
        'Outcome unknown counts the healthy calls, in calm and storm, that rea says may or may not have been executed. A goal counts those of all storms and repetitions.',
        'crash, no back-off: rea is configured to restart at once and for ever; it is the only storm outside of the default configuration. mcp-hub does not restart servers.',
        'Gateways built on the SDK close the connection to a server whose message has more than 10 MiB: what they stay quick by under 20 MB storms is not carrying them.',
        'Lateness is how long the load generator itself waited for a CPU; latencies are counted from when a call was really begun, but reading its answer may have to wait in the same way.',
      ],
    };
  },
};

/** Calm and storm in one gateway process. */
async function weather(
  { sides, scope, node, quick }: Context,
  side: SideName,
  { kind, withoutBackoff = false }: Storm,
): Promise<Record<string, number>> {
  const trigger = join(scope.directory(), 'storm');
  const servers = [
    ...HEALTHY.map((name) => RAW.server(node, name)),
    ...BAD.map((name) => stormServer(node, name, kind, trigger)),
  ];
  const gateway = await sides.start(side, servers, { withoutBackoff });
  try {
    const connection = await gateway.connect();
    await untilServing(connection, [
      ...HEALTHY.map((name) => gateway.tool(name, RAW.tool)),
      ...BAD.map((name) => gateway.tool(name, 'calm')),
    ]);
    await pause(CALM_WAIT_MS);
    const ms = quick ? 1000 : 3000;
    await healthy(gateway, connection, 500);
    const calm = await healthy(gateway, connection, ms);
    const main = mainThreadMs(gateway.pid);
    const begun = performance.now();
    writeFileSync(trigger, '');
    const stopCalls = kind === 'big-results' ? callBig(gateway, connection) : () => undefined;
    // All have seen the trigger.
    await pause(200);
    const stormy = await healthy(gateway, connection, ms);
    stopCalls();
    return {
      p50: quantile(stormy.latencies, 0.5),
      p99: quantile(stormy.latencies, 0.99),
      'calm p50': quantile(calm.latencies, 0.5),
      'calm p99': quantile(calm.latencies, 0.99),
      'unanswered or failed': (stormy.failures * 100) / stormy.latencies.length,
      // The others say nothing of the kind.
      'outcome unknown': side.startsWith('rea') ? calm.unknown + stormy.unknown : Number.NaN,
      'peak RSS of the gateway': memoryOf(gateway.pid).peakMiB,
      'main busy': ((mainThreadMs(gateway.pid) - main) * 100) / (performance.now() - begun),
      'lateness of the generator p99': quantile(stormy.lateness, 0.99),
    };
  } finally {
    await gateway.stop();
    scope.sweep(gateway.dir);
  }
}

interface Healthy extends Paced {
  /** Calls that rea says may or may not have been executed. */
  readonly unknown: number;
}

async function healthy(gateway: Gateway, connection: Connection, ms: number): Promise<Healthy> {
  let turn = 0;
  let unknown = 0;
  const call = async () => {
    const server = HEALTHY[turn++ % HEALTHY.length] as string;
    const params = { name: gateway.tool(server, RAW.tool), arguments: RAW.args };
    const reply = await connection.request('tools/call', params);
    if (outcomeOf(reply) === 'unknown') unknown++;
    return reply.ok;
  };
  const paced = await atPace(call, { everyMs: EVERY_MS, ms, graceMs: GRACE_MS });
  return { ...paced, unknown };
}

function sum(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0);
}

/** One 20 MB call in flight to each bad server until told to stop. */
function callBig(gateway: Gateway, connection: Connection): () => void {
  let stopped = false;
  const lane = async (server: string) => {
    const params = { name: gateway.tool(server, 'big'), arguments: {} };
    while (!stopped) {
      const { ok } = await connection.request('tools/call', params);
      // A gateway that refuses must not be asked in a busy loop.
      if (!ok) await pause(20);
    }
  };
  for (const server of BAD) void lane(server);
  return () => {
    stopped = true;
  };
}
