/**
 * What revision 2026-07-28 costs: the same calls with a client and a server that make a handshake, and with a client and a
 * server that make none but say with every request who they are.
 */
import { oneByOne } from '../lib/load.ts';
import { mainThreadMs } from '../lib/procfs.ts';
import type { Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { inRounds, type Point } from '../lib/rounds.ts';
import { RAW, RAW_SESSIONLESS } from '../lib/servers.ts';
import type { Gateway, SideName } from '../lib/sides.ts';
import { median } from '../lib/statistics.ts';
import { type Connection, untilServing } from '../lib/wire.ts';

const PAIRS = [
  ['rea', 'rea-sessionless'],
  ['rea-http', 'rea-http-sessionless'],
] as const satisfies readonly (readonly [SideName, SideName])[];
const LARGE = '10 MB';
const SIZES = { '100 B': 100, '10 KB': 10_000, [LARGE]: 10_000_000 };
type Size = keyof typeof SIZES;
const MOST = 1.1;

export const revisions: Program = {
  name: 'revisions',
  title: 'A call at revision 2026-07-28',
  summary: 'a call without a handshake, with all that each request says of its client',
  quickSeconds: 15,
  run: async (context) => {
    const { quick, sides, node, progress } = context;
    const repetitions = context.repetitions ?? (quick ? 3 : 7);
    const recorder = new Recorder([
      { name: 'p50', unit: 'ms', better: 'lower' },
      { name: 'main busy', unit: 'ms', better: 'lower' },
    ]);
    const gateways: Gateway[] = [];
    const points: Point[] = [];
    for (const side of sides.available(PAIRS.flat())) {
      progress.step(`starting ${side}`);
      const kind = side.endsWith('sessionless') ? RAW_SESSIONLESS : RAW;
      const gateway = await sides.start(side, [kind.server(node, 'one')]);
      gateways.push(gateway);
      const connection = await gateway.connect();
      await untilServing(connection, [gateway.tool('one', kind.tool)]);
      for (const scenario of Object.keys(SIZES) as Size[]) {
        const measure = () => measured(gateway, connection, scenario, quick);
        points.push({ scenario, side, measure });
      }
    }
    await inRounds(context, recorder, points, { repetitions, warmUp: true });
    for (const gateway of gateways) await gateway.stop();
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: PAIRS.map(([handshake, sessionless]) => ({
        figure: `call at 2026-07-28 ÷ with a handshake, ${handshake === 'rea' ? 'stdio' : 'HTTP'}`,
        limit: 'at most' as const,
        unit: '×',
        parts: (Object.keys(SIZES) as Size[]).map((scenario) => {
          const metric = scenario === LARGE ? 'main busy' : 'p50';
          return recorder.ratio(
            `${scenario}, ${metric}`,
            { metric, scenario, side: sessionless },
            { metric, scenario, side: handshake },
            { must: MOST, aim: 1 },
          );
        }),
      })),
      notes: [
        'The result has the size. Client and server are raw: what they need for the revision themselves is small.',
        'main busy: CPU time of the gateway’s main thread for each call.',
      ],
    };
  },
};

async function measured(
  gateway: Gateway,
  connection: Connection,
  size: Size,
  quick: boolean,
): Promise<Record<string, number>> {
  const { pid } = gateway;
  const params = { name: gateway.tool('one', RAW.tool), arguments: { bytes: SIZES[size] } };
  const ms = quick ? 250 : 1000;
  const call = async () => (await connection.request('tools/call', params)).ok;
  const before = mainThreadMs(pid);
  const latencies = await oneByOne(call, { ms, calls: 10, capMs: 4 * ms });
  return {
    p50: median(latencies),
    'main busy': (mainThreadMs(pid) - before) / latencies.length,
  };
}
