/**
 * The order of measuring: every point once in each round, the sides of a scenario one after the other in
 * random order, so that a busy moment of the machine does not fall on one side only.
 */
import type { Context } from './program.ts';
import type { Recorder } from './recorder.ts';
import type { NODE_ALONE, SideName } from './sides.ts';
import { shuffled } from './statistics.ts';

export interface Point {
  readonly scenario: string;
  readonly side: SideName | typeof NODE_ALONE;
  /** Values by metric. What it throws is what this side did instead; it is not tried again. */
  measure(): Promise<Readonly<Record<string, number>>>;
  /** Whether it takes part in the round that only warms up. @default true */
  readonly warmUp?: boolean;
  /** Rounds in which it is measured. @default all */
  readonly atMost?: number;
}

/**
 * @param warmUp whether a round comes first that is not recorded.
 * @param firstInQuick the side that a quick run, which may have no time for all, measures everywhere before the others.
 */
export async function inRounds(
  { random, progress, deadline, quick }: Context,
  recorder: Recorder,
  points: readonly Point[],
  {
    repetitions,
    warmUp = false,
    firstInQuick = null,
  }: { repetitions: number; warmUp?: boolean; firstInQuick?: SideName | null },
): Promise<void> {
  const scenarios = [...new Set(points.map(({ scenario }) => scenario))];
  const isFirst = ({ side }: Point) => quick && side === firstInQuick;
  const sooner = points.filter(isFirst);
  const later = points.filter((point) => !isFirst(point));
  const turns = [sooner, later].flatMap((some) =>
    scenarios.map((scenario) => some.filter((point) => point.scenario === scenario)),
  );
  const failed = new Set<Point>();
  for (let round = warmUp ? 0 : 1; round <= repetitions; round++) {
    for (const turn of turns) {
      for (const point of shuffled(turn, random)) {
        const { scenario, side, atMost = repetitions } = point;
        if (failed.has(point) || round > atMost || (round === 0 && point.warmUp === false))
          continue;
        if (performance.now() > deadline) {
          leaveOut(recorder, point);
          continue;
        }
        const which = round === 0 ? 'warm-up' : `round ${round} of ${repetitions}`;
        progress.step(`${scenario}, ${side}, ${which}`);
        try {
          const values = await point.measure();
          if (round > 0) recorder.add(scenario, side, values);
        } catch (error) {
          // Whatever a gateway fails with is a result, and no reason to lose those of the others.
          failed.add(point);
          recorder.remark({ metric: recorder.first, scenario, side }, messageOf(error));
        }
      }
    }
  }
}

/** Fewer repetitions are a matter of the spread; none at all must be said. */
function leaveOut(recorder: Recorder, { scenario, side }: Omit<Point, 'measure'>): void {
  const place = { metric: recorder.first, scenario, side };
  if (recorder.values(place).length === 0) recorder.remark(place, 'left out: the time was up');
}

export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
