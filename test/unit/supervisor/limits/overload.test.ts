/** When a server that is over its budget is read again, and when main learns of it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isPaused,
  NO_OVERLOAD,
  type Overload,
  onOverBudget,
  onPauseOver,
} from '#src/workers/supervisor/limits/overload.ts';

const GAP_MS = 500;
const SUSTAINED_MS = 3000;

/** A pause of `ms`, and how long the server is then within its budget. */
interface Pause {
  readonly ms: number;
  readonly gapMs: number;
}

interface Run {
  readonly reports: readonly number[];
  readonly last: Overload;
}

function run(pauses: readonly Pause[]): Run {
  const reports: number[] = [];
  let overload = NO_OVERLOAD;
  let now = 0;
  for (const { ms, gapMs } of pauses) {
    const [paused, verdict] = onOverBudget(overload, now);
    if (verdict === 'pause_and_report') reports.push(now);
    expect(isPaused(paused)).toBe(true);
    now += ms;
    overload = onPauseOver(paused, now);
    expect(isPaused(overload)).toBe(false);
    now += gapMs;
  }
  return { reports, last: overload };
}

/** By another way: first the overloads as lists of the times at which they pause, then the reports. */
function expectedReports(pauses: readonly Pause[]): number[] {
  const overloads: number[][] = [];
  let now = 0;
  let quietMs = Number.POSITIVE_INFINITY;
  for (const { ms, gapMs } of pauses) {
    if (quietMs > GAP_MS) overloads.push([]);
    overloads.at(-1)?.push(now);
    now += ms + gapMs;
    quietMs = gapMs;
  }
  return overloads.flatMap((times) => times.find((at) => at - times[0]! >= SUSTAINED_MS) ?? []);
}

const pause: fc.Arbitrary<Pause> = fc.record({
  ms: fc.integer({ min: 1, max: 1500 }),
  gapMs: fc.oneof({ weight: 6, arbitrary: fc.nat(GAP_MS) }, fc.nat(2 * GAP_MS)),
});

describe('whatever a server says', () => {
  test('an overload is reported once, as soon as it is sustained', () => {
    fc.assert(
      fc.property(fc.array(pause, { maxLength: 40 }), (pauses) => {
        expect(run(pauses).reports).toEqual(expectedReports(pauses));
      }),
    );
  });
});

test('a burst pauses and is not reported', () => {
  const [overload, verdict] = onOverBudget(NO_OVERLOAD, 10);
  expect([isPaused(overload), verdict]).toEqual([true, 'pause']);
});

test('a pause that is prolonged is one overload, and reported during it', () => {
  let overload = NO_OVERLOAD;
  const verdicts = [0, 2999, 3000, 6000].map((at) => {
    const [next, verdict] = onOverBudget(overload, at);
    overload = next;
    return verdict;
  });
  expect(verdicts).toEqual(['pause', 'pause', 'pause_and_report', 'pause']);
});

test('pauses exactly half a second apart are one overload', () => {
  const [first] = onOverBudget(NO_OVERLOAD, 0);
  const resumed = onPauseOver(first, 2500);
  expect(onOverBudget(resumed, 3000)[1]).toBe('pause_and_report');
  expect(onOverBudget(resumed, 3001)[1]).toBe('pause');
});

test('the end of a pause changes nothing where there is none', () => {
  expect(onPauseOver(NO_OVERLOAD, 5)).toBe(NO_OVERLOAD);
  const resumed = onPauseOver(onOverBudget(NO_OVERLOAD, 0)[0], 10);
  expect(onPauseOver(resumed, 20)).toBe(resumed);
});
