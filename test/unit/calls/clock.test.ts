/** The clock of a call stands while its client is asked, and goes on with what was left. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Call, newCall, type OpenQuestion } from '#src/main/calls/call.ts';
import { restartClock, resumeClock, stoodMs, stopClock } from '#src/main/calls/clock.ts';

const POLICY = { callTimeoutMs: 1_000, askTimeoutMs: 5_000 };
const [one, other]: [OpenQuestion, OpenQuestion] = [{ expired: () => {} }, { expired: () => {} }];
let expired: number[];
let start: number;

beforeEach(() => {
  vi.useFakeTimers();
  expired = [];
  start = performance.now();
});

afterEach(() => {
  vi.useRealTimers();
});

function begin(totalTimeoutMs = 3_000, untimed = false): Call {
  const idRaw = new TextEncoder().encode('1');
  return newCall({
    id: 1,
    owner: { needsDrain: false, answer: () => {}, send: () => {} },
    idRaw,
    idText: '1',
    tokenRaw: null,
    target: {
      expire: () => expired.push(performance.now() - start),
      cancel: () => {},
      recordsKept: () => {},
    },
    method: 'tools/call',
    line: idRaw,
    timeoutMs: POLICY.callTimeoutMs,
    totalTimeoutMs,
    hooks: { untimed },
  });
}

const ask = (call: Call, question = one) => stopClock(call, question, POLICY, performance.now());
const settle = (call: Call, question = one) =>
  resumeClock(call, question, POLICY, performance.now());

test('it goes on with what was left without progress', () => {
  const call = begin();
  vi.advanceTimersByTime(400);
  ask(call);
  vi.advanceTimersByTime(4_000);
  settle(call);
  expect(stoodMs(call, performance.now())).toBe(4_000);
  vi.advanceTimersByTime(599);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(10_000);
  expect(expired).toEqual([5_000]);
});

test('progress begins the time anew, also while it stands, and no further than the time in all', () => {
  const call = begin();
  vi.advanceTimersByTime(900);
  ask(call);
  vi.advanceTimersByTime(2_000);
  restartClock(call, POLICY.callTimeoutMs, performance.now());
  vi.advanceTimersByTime(1_000);
  settle(call);
  vi.advanceTimersByTime(900);
  restartClock(call, POLICY.callTimeoutMs, performance.now());
  vi.advanceTimersByTime(900);
  expect(expired).toEqual([]);
  restartClock(call, POLICY.callTimeoutMs, performance.now());
  vi.advanceTimersByTime(10_000);
  // 3 s in all, and 3 s in which it stood.
  expect(expired).toEqual([6_000]);
});

test('progress after it stood begins the whole time anew, not what was left', () => {
  const call = begin(10_000);
  vi.advanceTimersByTime(900);
  ask(call);
  vi.advanceTimersByTime(1_000);
  settle(call);
  restartClock(call, POLICY.callTimeoutMs, performance.now());
  vi.advanceTimersByTime(10_000);
  expect(expired).toEqual([2_900]);
});

test('it stands until the last of several questions is settled, each only once', () => {
  const call = begin();
  ask(call);
  ask(call, other);
  vi.advanceTimersByTime(2_000);
  settle(call);
  settle(call);
  vi.advanceTimersByTime(2_000);
  expect(expired).toEqual([]);
  settle(call, other);
  settle(call, other);
  vi.advanceTimersByTime(10_000);
  expect(expired).toEqual([5_000]);
});

test('all questions together stop it for no longer than they may', () => {
  const call = begin();
  for (let i = 0; i < 4; i++) {
    ask(call);
    vi.advanceTimersByTime(1_200);
    settle(call);
  }
  ask(call);
  vi.advanceTimersByTime(10_000);
  expect(expired).toEqual([5_000]);
});

test('a call that may take any time has no clock', () => {
  const call = begin(3_000, true);
  ask(call);
  vi.advanceTimersByTime(100_000);
  settle(call);
  vi.advanceTimersByTime(100_000);
  expect(expired).toEqual([]);
  clearTimeout(call.timer);
});
