/**
 * What it costs that the paths in the arguments of a call are looked at before it leaves: calls of 1 KB without a path and
 * with five, and, where there is an earlier build to compare with (`--before`), the same with that one.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CALL_COST, type Caller, MAIN_BUSY, measureCalls, startCaller } from '../lib/call-cost.ts';
import type { Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import type { Goal } from '../lib/results.ts';
import { inRounds, type Point } from '../lib/rounds.ts';
import { RAW } from '../lib/servers.ts';
import type { SideName } from '../lib/sides.ts';

const SIDES: readonly SideName[] = ['rea', 'rea-before'];
const WITHOUT = 'no path';
const WITH = 'five paths';
const BYTES = 1000;
const PATHS = 5;
const LIMITS: Readonly<Record<string, { must: number; aim: number }>> = {
  [WITHOUT]: { must: 1.05, aim: 1 },
  [WITH]: { must: 1.2, aim: 1.1 },
};
const BUSY = { must: 1.05, aim: 1 };

export const paths: Program = {
  name: 'paths',
  title: 'Paths in arguments',
  summary: 'calls of 1 KB without a path and with five of them',
  quickSeconds: 15,
  run: async (context) => {
    const { quick, sides } = context;
    const repetitions = context.repetitions ?? (quick ? 3 : 7);
    const recorder = new Recorder(CALL_COST);
    const callers: Caller[] = [];
    const points: Point[] = [];
    for (const side of sides.available(SIDES)) {
      const caller = await startCaller(context, side, RAW);
      callers.push(caller);
      for (const [scenario, args] of Object.entries(argumentsIn(caller.gateway.dir))) {
        const measure = () => measureCalls(caller, args, quick ? 300 : 1500);
        points.push({ scenario, side, measure });
      }
    }
    await inRounds(context, recorder, points, { repetitions, warmUp: true });
    for (const { gateway } of callers) await gateway.stop();
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: goals(recorder, callers.length > 1),
      notes: [
        `Each call has ${BYTES} bytes of arguments, text of several lines and, in one scenario, ${PATHS} paths of files that there are. The result has 100 bytes.`,
        'The bar of five paths is about a build that does not look at paths (`--before`); without one, calls without a path stand for it, which are looked at, too.',
        `The raw client makes one call at a time. ${MAIN_BUSY}`,
      ],
    };
  },
};

/** By scenario, with files in this directory. */
function argumentsIn(dir: string): Readonly<Record<string, object>> {
  const folder = join(dir, 'documents');
  mkdirSync(folder, { recursive: true });
  const files = Array.from({ length: PATHS }, (_, at) => join(folder, `report-${at}.txt`));
  for (const file of files) writeFileSync(file, '');
  const text = (bytes: number) => 'A line of an ordinary text.\n'.repeat(bytes / 28);
  const rest = BYTES - JSON.stringify(files).length;
  return { [WITHOUT]: { text: text(BYTES) }, [WITH]: { files, text: text(rest) } };
}

function goals(recorder: Recorder, hasBefore: boolean): Goal[] {
  const place = (metric: string, scenario: string, side: SideName) => ({ metric, scenario, side });
  const against = (metric: string, scenario: string, limits: { must: number; aim: number }) =>
    recorder.ratio(
      `${scenario}, ${metric}`,
      place(metric, scenario, 'rea'),
      place(metric, scenario, 'rea-before'),
      limits,
    );
  const common = { limit: 'at most', unit: '×' } as const;
  if (!hasBefore) {
    const part = recorder.ratio(
      'p50',
      place('p50', WITH, 'rea'),
      place('p50', WITHOUT, 'rea'),
      LIMITS[WITH] as { must: number; aim: number },
    );
    return [{ ...common, figure: 'call with five paths ÷ with none', parts: [part] }];
  }
  return [
    {
      ...common,
      figure: 'call of 1 KB ÷ the earlier build',
      parts: Object.entries(LIMITS).map(([scenario, limits]) => against('p50', scenario, limits)),
    },
    {
      ...common,
      figure: 'main thread ÷ the earlier build',
      parts: Object.keys(LIMITS).map((scenario) => against('main busy', scenario, BUSY)),
    },
  ];
}
