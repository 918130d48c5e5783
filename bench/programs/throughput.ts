/**
 * Many calls in flight: calls per second, and what a call costs the gateway's main thread and the whole
 * gateway. CPU time is the most trustworthy figure on a busy machine.
 */
import { inParallel } from '../lib/load.ts';
import { mainThreadMs, processMs } from '../lib/procfs.ts';
import type { Context, Program } from '../lib/program.ts';
import { goalPart, Recorder } from '../lib/recorder.ts';
import { inRounds } from '../lib/rounds.ts';
import { RAW } from '../lib/servers.ts';
import { type Gateway, isPeer, type SideName } from '../lib/sides.ts';
import { median } from '../lib/statistics.ts';
import { type Connection, untilServing } from '../lib/wire.ts';

const STDIO: readonly SideName[] = ['direct', 'in-process', 'rea', 'rea-before', 'rea-free'];
const HTTP: readonly SideName[] = [
  'rea-http',
  'rea-http-free',
  'mcp-hub',
  'mcp-proxy',
  'supergateway',
];
const SIZES = { '100 B': 100, '10 KB': 10_000, '1 MB': 1_000_000, '10 MB': 10_000_000 };
type Size = keyof typeof SIZES;
const IN_FLIGHT = 64;
/** Large ones take long and vary little. */
const AT_MOST_LARGE = 2;
/** 64 of 10 MB take the slow sides more than half a minute. */
const QUICK_IN_FLIGHT_LARGE = 8;

interface Running {
  readonly side: SideName;
  readonly gateway: Gateway;
  readonly connection: Connection;
}

export const throughput: Program = {
  name: 'throughput',
  title: 'Throughput with 64 calls in flight',
  summary: 'calls per second with 64 in flight, and CPU time per call',
  quickSeconds: 30,
  run: async (context) => {
    const { quick, sides, progress } = context;
    const repetitions = context.repetitions ?? (quick ? 2 : 3);
    const recorder = new Recorder([
      { name: 'throughput', unit: 'calls/s', better: 'higher', plot: 'log' },
      { name: 'main busy', unit: 'ms per call', better: 'lower', plot: 'log' },
      { name: 'CPU of the gateway', unit: 'ms per call', better: 'lower' },
      { name: 'load generator busy', unit: 'of one core', better: 'lower', control: true },
    ]);
    const running: Running[] = [];
    for (const side of sides.available([...STDIO, ...HTTP])) {
      progress.step(`starting ${side}`);
      const gateway = await sides.start(side, [RAW.server(context.node, 'one')]);
      const connection = await gateway.connect();
      await untilServing(connection, [gateway.tool('one', RAW.tool)]);
      running.push({ side, gateway, connection });
    }
    const points = (Object.keys(SIZES) as Size[]).flatMap((size) =>
      running
        .filter(({ side }) => !tooLarge(side, size, quick))
        .map((one) => ({
          scenario: size,
          side: one.side,
          measure: () => measure(context, one, size),
          warmUp: SIZES[size] < 1_000_000,
          atMost: SIZES[size] < 1_000_000 ? repetitions : quick ? 1 : AT_MOST_LARGE,
        })),
    );
    await inRounds(context, recorder, points, { repetitions, warmUp: true });
    for (const { gateway } of running) await gateway.stop();
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: goals(recorder, quick),
      notes: [
        `${IN_FLIGHT} calls in flight on one connection, raw client, light server; with 10 MB in a quick run ${QUICK_IN_FLIGHT_LARGE} and once. 10 MB (in a quick run also 1 MB) over stdio only. 1 MB and more at most ${AT_MOST_LARGE} times.`,
        'rea-free and rea-http-free are the same build with `audit: off`; goals are about the default.',
        'Main busy is the time on a CPU of the gateway’s main thread (schedstat); CPU is that of all its threads, without its servers.',
        `The load generator was busy ${busiest(recorder)} of a core at most (median of a scenario): where it is near 1, the figure is a lower bound.`,
        'rea masks secrets in results, as is its default; the others do not.',
      ],
    };
  },
};

/** Large bodies are a matter of the raw transports. */
function tooLarge(side: SideName, size: Size, quick: boolean): boolean {
  return HTTP.includes(side) && SIZES[size] >= (quick ? 1_000_000 : 10_000_000);
}

async function measure(
  { quick }: Context,
  { side, gateway, connection }: Running,
  size: Size,
): Promise<Record<string, number>> {
  const large = SIZES[size] > 1_000_000;
  const inFlight = quick && large ? QUICK_IN_FLIGHT_LARGE : IN_FLIGHT;
  const params = { name: gateway.tool('one', RAW.tool), arguments: { bytes: SIZES[size] } };
  const [main, all] = [mainThreadMs(gateway.pid), processMs(gateway.pid)];
  const { callsPerSecond, calls, generatorBusy } = await inParallel(
    async () => (await connection.request('tools/call', params)).ok,
    inFlight,
    { ms: quick ? 700 : 1500, calls: inFlight, capMs: 60_000 },
  );
  const figures = { throughput: callsPerSecond, 'load generator busy': generatorBusy };
  // Without a gateway there is only the server.
  if (side === 'direct') return figures;
  return {
    ...figures,
    'main busy': (mainThreadMs(gateway.pid) - main) / calls,
    'CPU of the gateway': (processMs(gateway.pid) - all) / calls,
  };
}

function goals(recorder: Recorder, quick: boolean) {
  const against = (metric: string, scenario: Size, must: number, aim: number) => {
    const place = (side: SideName) => ({ metric, scenario, side });
    return recorder.ratio(scenario, place('rea'), place('in-process'), { must, aim });
  };
  const note = quick ? `10 MB with ${QUICK_IN_FLIGHT_LARGE} in flight (quick run)` : '64 in flight';
  return [
    {
      figure: 'throughput ÷ in-process SDK gateway',
      limit: 'at least',
      unit: '×',
      parts: [
        against('throughput', '100 B', 1.8, 2),
        against('throughput', '10 KB', 1.8, 2),
        against('throughput', '1 MB', 2.5, 4),
        against('throughput', '10 MB', 8, 10),
      ],
      note,
    },
    {
      figure: 'the same with redaction of results',
      limit: 'at least',
      unit: '×',
      parts: [
        against('throughput', '100 B', 1.5, 2),
        against('throughput', '10 KB', 0.8, 1.5),
        against('throughput', '1 MB', 0.8, 1.5),
        against('throughput', '10 MB', 1.5, 4),
      ],
      note: 'rea masks results by default, so these are the figures of the throughput above beside limits that allow for it; what it costs is in [decision 27](decisions/0027-results.md)',
    },
    {
      figure: 'HTTP throughput ÷ the best gateway from npm',
      limit: 'at least',
      unit: '×',
      parts: (['100 B', '10 KB'] as const).map((size) => againstBest(recorder, size)),
      note,
    },
    {
      figure: 'main-thread busy per call ÷ in-process SDK gateway',
      limit: 'at most',
      unit: '×',
      parts: [
        against('main busy', '100 B', 0.7, 0.6),
        against('main busy', '10 KB', 0.6, 0.5),
        against('main busy', '1 MB', 0.1, 0.06),
        against('main busy', '10 MB', 0.05, 0.02),
      ],
      note,
    },
  ] as const;
}

/** The best one of each round, whichever it is. */
function againstBest(recorder: Recorder, scenario: Size) {
  const values = (side: SideName) => recorder.values({ metric: 'throughput', scenario, side });
  const ratios = values('rea-http').flatMap((own, round) => {
    const theirs = HTTP.filter(isPeer).flatMap((peer) => values(peer)[round] ?? []);
    return theirs.length === 0 ? [] : [own / Math.max(...theirs)];
  });
  return goalPart(scenario, ratios, { must: 1.5, aim: 3 });
}

function busiest(recorder: Recorder): string {
  const values = recorder
    .figures()
    .filter(({ metric }) => metric === 'load generator busy')
    .map((figure) => median(figure.values));
  return Math.max(0, ...values).toFixed(2);
}
