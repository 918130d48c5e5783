import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { initialRestart, onDeath, onStable } from '#src/shared/machines/restart.ts';

const policy = {
  intensity: 5,
  periodMs: 30_000,
  backoffMs: 200,
  backoffMaxMs: 30_000,
  stableMs: 5000,
};

/** Deaths at these times; returns the delays. */
function delays(times: readonly number[], random: number, stableAfter: readonly number[] = []) {
  let state = initialRestart;
  return times.map((at, index) => {
    const decision = onDeath(policy, at, random, state);
    state = stableAfter.includes(index) ? onStable(decision.state) : decision.state;
    return [decision.delayMs, decision.crashLoop];
  });
}

describe('the restart policy', () => {
  test('restarts at once, then doubles, then keeps the slowest back-off', () => {
    expect(delays([0, 1, 2, 3, 4, 5], 0.5)).toEqual([
      [0, false],
      [100, false],
      [200, false],
      [400, false],
      [22_500, true],
      [22_500, true],
    ]);
  });

  test('draws from the whole of a back-off, and from its upper half in a crash loop', () => {
    expect(delays([0, 1], 0)[1]).toEqual([0, false]);
    expect(delays([0, 1, 2, 3, 4], 0)[4]).toEqual([15_000, true]);
    expect(delays([0, 1, 2, 3, 4], 0.999_999)[4]?.[0]).toBeCloseTo(30_000, 0);
  });

  test('counts deaths that never held ready, however far apart', () => {
    const hourly = [0, 1, 2, 3, 4].map((hour) => hour * 3_600_000);
    expect(delays(hourly, 0.5).map(([, loop]) => loop)).toEqual([false, false, false, false, true]);
  });

  test('counts deaths within the period, also of a server that held ready', () => {
    const times = [0, 6000, 12_000, 18_000, 24_000];
    const seen = delays(times, 0.5, [0, 1, 2, 3, 4]);
    expect(seen.map(([, loop]) => loop)).toEqual([false, false, false, false, true]);
  });

  test('forgets both once ready was held and the period is over', () => {
    expect(delays([0, 60_000, 120_000], 0.5, [0, 1])).toEqual([
      [0, false],
      [0, false],
      [0, false],
    ]);
  });

  test('makes a crash loop of the first death when the intensity is one', () => {
    const decision = onDeath({ ...policy, intensity: 1 }, 0, 0, initialRestart);
    expect(decision).toMatchObject({ delayMs: 15_000, crashLoop: true });
  });

  test('never waits longer than the slowest back-off and remembers a bounded past', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(40_000), fc.double({ min: 0, max: 0.999, noNaN: true }))),
        (deaths) => {
          let now = 0;
          let state = initialRestart;
          for (const [later, random] of deaths) {
            now += later;
            const decision = onDeath(policy, now, random, state);
            state = decision.state;
            expect(decision.delayMs).toBeGreaterThanOrEqual(0);
            expect(decision.delayMs).toBeLessThanOrEqual(policy.backoffMaxMs);
            expect(state.deaths.length).toBeLessThanOrEqual(policy.intensity);
          }
        },
      ),
    );
  });
});
