import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import {
  type BlockerPolicy,
  type BlockerState,
  DEFAULT_BLOCKER_POLICY,
  INITIAL_BLOCKER,
  step,
} from '#src/shared/machines/session-blocker.ts';

// A safety net for a busy machine: the properties take well under a second each.
vi.setConfig({ testTimeout: 60_000 });

const MINUTE = 60_000;

/** Times at which the blocker fires when the circuit opens at `openings`. */
function firings(openings: readonly number[], policy: BlockerPolicy = DEFAULT_BLOCKER_POLICY) {
  let state: BlockerState = INITIAL_BLOCKER;
  const fired: number[] = [];
  for (const at of openings) {
    const [next, effects] = step(policy, at, state, { type: 'opened' });
    state = next;
    if (effects.length > 0) fired.push(at);
  }
  return fired;
}

const minutes = (...values: readonly number[]) => values.map((value) => value * MINUTE);

test.each([
  ['not at the second opening', minutes(0, 1), []],
  ['at the third opening', minutes(0, 1, 2), minutes(2)],
  ['when the third comes exactly at the end of the window', minutes(0, 5, 10), minutes(10)],
  ['not when the third comes later', [0, 5 * MINUTE, 10 * MINUTE + 1], []],
  ['when any three fit into the window', minutes(0, 6, 11, 14), minutes(14)],
  ['once for an episode that goes on for hours', minutes(0, 1, 2, 3, 12, 21, 30, 39), minutes(2)],
  ['again after ten quiet minutes', minutes(0, 1, 2, 12, 13, 14), minutes(2, 14)],
  [
    'not again after nearly ten',
    [...minutes(0, 1, 2), 12 * MINUTE - 1, ...minutes(13, 14)],
    minutes(2),
  ],
])('fires %s', (_, openings, expected) => {
  expect(firings(openings)).toEqual(expected);
});

test('says how many openings in how long', () => {
  const armed: BlockerState = { kind: 'armed', openedAt: [1000, 2000] };
  const [, effects] = step(DEFAULT_BLOCKER_POLICY, 4000, armed, { type: 'opened' });
  expect(effects).toEqual([{ type: 'session_blocker', opens: 3, withinMs: 3000 }]);
});

test('a tick ends the episode after ten quiet minutes and not before', () => {
  const fired: BlockerState = { kind: 'fired', lastOpenAt: 0 };
  const tick = { type: 'tick' } as const;
  expect(step(DEFAULT_BLOCKER_POLICY, 10 * MINUTE - 1, fired, tick)[0]).toBe(fired);
  expect(step(DEFAULT_BLOCKER_POLICY, 10 * MINUTE, fired, tick)[0]).toEqual(INITIAL_BLOCKER);
});

test('takes its numbers from the policy', () => {
  const policy = { opens: 2, windowMs: 100, rearmMs: 50 };
  expect(firings([0, 100], policy)).toEqual([100]);
  expect(firings([0, 101], policy)).toEqual([]);
  expect(firings([0, 10, 60, 70], policy)).toEqual([10, 70]);
});

test('fires at the first opening when one is enough', () => {
  expect(firings([5], { opens: 1, windowMs: 100, rearmMs: 50 })).toEqual([5]);
});

test('fires exactly when an outside observer with the whole history says so', () => {
  const gaps = fc.array(fc.oneof(fc.nat(12 * MINUTE), fc.constantFrom(5 * MINUTE, 10 * MINUTE)));
  fc.assert(
    fc.property(gaps, (steps) => {
      let at = 0;
      const openings = steps.map((gap) => (at += gap));
      expect(firings(openings)).toEqual(byHistory(openings));
    }),
    { numRuns: 1000 },
  );
});

/** Splits the history into episodes by its quiet times, then looks for the first three in a window. */
function byHistory(openings: readonly number[]): number[] {
  const fired: number[] = [];
  let quietSince = Number.NEGATIVE_INFINITY;
  let inEpisode = false;
  let from = 0;
  openings.forEach((at, index) => {
    if (inEpisode && at - quietSince >= 10 * MINUTE) {
      inEpisode = false;
      from = index;
    }
    quietSince = at;
    const third = openings[index - 2];
    if (inEpisode || index - 2 < from || third === undefined || at - third > 10 * MINUTE) return;
    inEpisode = true;
    fired.push(at);
  });
  return fired;
}
