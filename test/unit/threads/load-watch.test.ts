/** Which server takes most of a shared thread: a table of readings at given times. */
import { expect, test } from 'vitest';
import { LoadWatch } from '#src/main/threads/load-watch.ts';

const MS = 1000;

/** The finding at the end of readings every `stepMs`; slot 0 works for `share` of the time. */
function lastOf(watch: LoadWatch, from: number, looks: number, stepMs: number, share: number) {
  let found: ReturnType<LoadWatch['look']> = null;
  for (let at = 0; at < looks; at += 1) {
    const now = from + at * stepMs;
    const us = now * share * MS;
    found =
      watch.look(
        now,
        new Map([
          [0, us % 2 ** 32],
          [1, 0],
        ]),
      ) ?? found;
  }
  return found;
}

test.each([
  ['three seconds above half', 4, 1000, 0.6, 0],
  ['looked at more often', 13, 250, 0.9, 0],
  ['not yet three seconds', 3, 1000, 0.9, null],
  ['half and no more', 10, 1000, 0.5, null],
])('%s', (_what, looks, stepMs, share, slot) => {
  expect(lastOf(new LoadWatch(), 0, looks, stepMs, share)?.slot ?? null).toBe(slot);
});

test('the seconds have to follow one another', () => {
  const watch = new LoadWatch();
  const us = (ms: number) => new Map([[0, ms * MS]]);
  // Busy for two seconds, at rest for one, busy for two.
  const readings = [0, 900, 1800, 1800, 2700, 3600];
  const found = readings.map((ms, second) => watch.look(second * 1000, us(ms)));
  expect(found).toEqual([null, null, null, null, null, null]);
  expect(watch.look(6000, us(4500))).toEqual({ slot: 0, share: 0.9 });
});

test('the counter may begin anew', () => {
  expect(lastOf(new LoadWatch(), 2 ** 32 / MS - 1500, 5, 1000, 1)?.slot).toBe(0);
});

test('a slot that is somebody else’s now begins at nothing, as all do in a new thread', () => {
  const watch = new LoadWatch();
  const look = (second: number) => watch.look(second * 1000, new Map([[0, second * 900 * MS]]));
  for (let second = 0; second < 3; second += 1) expect(look(second)).toBeNull();
  watch.forget(0);
  for (let second = 3; second < 6; second += 1) expect(look(second)).toBeNull();
  watch.clear();
  for (let second = 6; second < 9; second += 1) expect(look(second)).toBeNull();
  expect(look(9)?.slot).toBe(0);
});
