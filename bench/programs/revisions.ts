/**
 * What revision 2026-07-28 costs: the same calls with a client and a server that make a handshake, and with a client and a
 * server that make none but say with every request who they are.
 */
import { CALL_COST, type Caller, MAIN_BUSY, measureCalls, startCaller } from '../lib/call-cost.ts';
import type { Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { inRounds, type Point } from '../lib/rounds.ts';
import { RAW, RAW_SESSIONLESS } from '../lib/servers.ts';
import type { SideName } from '../lib/sides.ts';

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
    const { quick, sides } = context;
    const repetitions = context.repetitions ?? (quick ? 3 : 7);
    const recorder = new Recorder(CALL_COST);
    const callers: Caller[] = [];
    const points: Point[] = [];
    for (const side of sides.available(PAIRS.flat())) {
      const kind = side.endsWith('sessionless') ? RAW_SESSIONLESS : RAW;
      const caller = await startCaller(context, side, kind);
      callers.push(caller);
      for (const [scenario, bytes] of Object.entries(SIZES)) {
        const measure = () => measureCalls(caller, { bytes }, quick ? 250 : 1000);
        points.push({ scenario, side, measure });
      }
    }
    await inRounds(context, recorder, points, { repetitions, warmUp: true });
    for (const { gateway } of callers) await gateway.stop();
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
        MAIN_BUSY,
      ],
    };
  },
};
