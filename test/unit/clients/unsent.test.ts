import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Unsent } from '#src/main/clients/unsent.ts';

const MIB = 1024 * 1024;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A client for which `waiting` bytes wait, and what is told of it. */
function client() {
  const state = { waiting: 0, units: 0, drained: 0 };
  const unsent = new Unsent({
    credit: {
      addUnits: (units) => {
        state.units += units;
      },
    },
    waiting: () => state.waiting,
    onDrained: () => {
      state.drained += 1;
    },
  });
  const give = (bytes: number) => {
    state.waiting += bytes;
    unsent.given(bytes);
  };
  return { state, unsent, give };
}

test('needs a drain beyond 32 MiB, and tells once that it needs none any more', () => {
  const { state, unsent, give } = client();
  give(32 * MIB);
  expect(unsent.needsDrain).toBe(false);
  give(1);
  expect(unsent.needsDrain).toBe(true);
  vi.advanceTimersByTime(100);
  expect(state.drained).toBe(0);
  state.waiting = 32 * MIB;
  vi.advanceTimersByTime(100);
  expect([unsent.needsDrain, state.drained]).toEqual([false, 1]);
  state.waiting = 0;
  vi.advanceTimersByTime(100);
  expect(state.drained).toBe(1);
  unsent.close();
});

test('counts against the credit what a client takes, and not what one has stopped to take', () => {
  const { state, unsent, give } = client();
  give(8 * MIB);
  expect(state.units).toBe(8 * 1024);
  vi.advanceTimersByTime(900);
  state.waiting = 6 * MIB;
  vi.advanceTimersByTime(900);
  expect(state.units).toBe(6 * 1024);
  vi.advanceTimersByTime(1100);
  expect(state.units).toBe(0);
  state.waiting = 5 * MIB;
  vi.advanceTimersByTime(20);
  expect(state.units).toBe(5 * 1024);
  unsent.close();
  expect(state.units).toBe(0);
});

test('keeps no account and no timer for little', () => {
  const { state, give } = client();
  give(255 * 1024);
  expect(state.units).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  give(1024);
  expect(vi.getTimerCount()).toBe(1);
  state.waiting = 0;
  vi.advanceTimersByTime(20);
  expect(vi.getTimerCount()).toBe(0);
});
