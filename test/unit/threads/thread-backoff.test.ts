import { expect, test } from 'vitest';
import { ThreadBackoff } from '#src/main/threads/thread-backoff.ts';

const POLICY = {
  intensity: 5,
  periodMs: 30_000,
  backoffMs: 200,
  backoffMaxMs: 5000,
  stableMs: 10_000,
};

/** Delays after losses of a thread that each time had run for `ranMs`. */
function delays(losses: number, ranMs: number): number[] {
  const backoff = new ThreadBackoff(POLICY);
  let now = 0;
  return Array.from({ length: losses }, () => {
    backoff.started(now);
    now += ranMs;
    const delay = backoff.lost(now, 0.5);
    now += delay;
    return delay;
  });
}

test('replaces a thread at once, then later and later up to the slowest back-off', () => {
  expect(delays(7, 10)).toEqual([0, 100, 200, 400, 3750, 3750, 3750]);
});

test('replaces a thread at once that had run for long, however often that was before', () => {
  expect(delays(10, 60_000)).toEqual(Array.from({ length: 10 }, () => 0));
});

test('counts a thread that could not be started as a loss', () => {
  const backoff = new ThreadBackoff(POLICY);
  backoff.started(0);
  expect(backoff.lost(20_000, 0.5)).toBe(0);
  expect(backoff.lost(40_000, 0.5)).toBe(100);
});
