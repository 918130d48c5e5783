/** A stream that has used up its output budget is not read until there is budget again. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BudgetPause } from '#src/workers/supervisor/limits/budget-pause.ts';

const MIB = 1024 * 1024;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function pause() {
  const seen = { changes: [] as boolean[], overloads: 0 };
  const made: BudgetPause = new BudgetPause({
    changed: () => seen.changes.push(made.on),
    overloaded: () => {
      seen.overloads += 1;
    },
  });
  return { pause: made, seen };
}

test('reading stops when the budget is used up, and goes on when there is budget again', () => {
  const { pause: one, seen } = pause();
  one.budget.read(MIB);
  one.charge(0);
  expect([one.on, seen.changes]).toEqual([false, []]);
  one.budget.read(4 * MIB);
  one.charge(0);
  expect([one.on, seen.changes]).toEqual([true, [true]]);
  vi.advanceTimersByTime(999);
  expect(one.on).toBe(true);
  vi.advanceTimersByTime(1);
  expect([one.on, seen.changes]).toEqual([false, [true, false]]);
});

test('lines cost more than their bytes', () => {
  const { pause: one } = pause();
  one.budget.read(10_000);
  one.budget.noise(10_000);
  one.charge(0);
  expect(one.on).toBe(true);
});

test('a pause that is ended is over, and its timer too', () => {
  const { pause: one, seen } = pause();
  one.budget.read(8 * MIB);
  one.charge(0);
  one.end();
  expect(one.on).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
  expect(seen.changes).toEqual([true, false]);
});

test('an overload is told once, after three seconds of it', () => {
  const { pause: one, seen } = pause();
  for (let at = 0; at < 40; at++) {
    one.budget.read(at === 0 ? 2 * MIB : MIB);
    one.charge(0);
    vi.advanceTimersByTime(250);
    expect(seen.overloads, String(at)).toBe(at < 12 ? 0 : 1);
  }
});
