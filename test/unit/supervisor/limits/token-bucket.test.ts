import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TokenBucket } from '#src/workers/supervisor/limits/token-bucket.ts';

const rate = { perSecond: 10, burst: 5 };

describe('a token bucket', () => {
  test('lets a burst through, then one for each share of a second', () => {
    const bucket = new TokenBucket(rate, 0);
    const take = (now: number) => bucket.take(now);
    expect([0, 0, 0, 0, 0, 0].map(take)).toEqual([true, true, true, true, true, false]);
    expect([99, 100, 100, 200].map(take)).toEqual([false, true, false, true]);
  });

  test('fills up to a burst and no further', () => {
    const bucket = new TokenBucket(rate, 0);
    const taken = Array.from({ length: 20 }, () => bucket.take(60_000)).filter(Boolean);
    expect(taken).toHaveLength(5);
  });

  test('tells how long to wait for the next', () => {
    const bucket = new TokenBucket(rate, 0);
    expect(bucket.waitMs(0)).toBe(0);
    for (let taken = 0; taken < 5; taken += 1) bucket.take(0);
    expect(bucket.waitMs(0)).toBe(100);
    expect(bucket.waitMs(30)).toBe(70);
    expect(bucket.take(100)).toBe(true);
  });

  test('never gives more than its rate, also to a clock that stands or goes back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 200 }), { maxLength: 200 }), (steps) => {
        const bucket = new TokenBucket(rate, 0);
        let now = 0;
        let forward = 0;
        let taken = 0;
        for (const step of steps) {
          now += step;
          forward += Math.max(0, step);
          if (bucket.take(now)) taken += 1;
        }
        expect(taken).toBeLessThanOrEqual(rate.burst + (forward / 1000) * rate.perSecond + 1e-6);
      }),
    );
  });
});
