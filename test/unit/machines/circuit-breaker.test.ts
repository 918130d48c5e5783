import { describe, expect, test } from 'vitest';
import {
  type BreakerEffect,
  type BreakerEvent,
  type BreakerState,
  INITIAL_BREAKER,
  openUntil,
  step,
} from '#src/shared/machines/circuit-breaker.ts';

const POLICY = { failures: 3, cooldownMs: 1000 };
const PASS = { type: 'pass', probe: false };
const PROBE = { type: 'pass', probe: true };

const died = (incarnation: number): BreakerEvent => ({
  type: 'failure',
  incident: `incarnation:${incarnation}`,
  call: null,
});
const timedOut = (call: number): BreakerEvent => ({
  type: 'failure',
  incident: `call:${call}`,
  call,
});
const answered = (call: number): BreakerEvent => ({ type: 'success', call });
const acquire = (call: number): BreakerEvent => ({ type: 'acquire', call });
const released = (call: number): BreakerEvent => ({ type: 'released', call });
const ready = (incarnation: number): BreakerEvent => ({ type: 'ready', incarnation });
const STABLE: BreakerEvent = { type: 'success', call: null };

/** Feeds events at their times; returns the last state and the effects of the last event. */
function run(...timeline: readonly (readonly [at: number, event: BreakerEvent])[]) {
  let state: BreakerState = INITIAL_BREAKER;
  let effects: readonly BreakerEffect[] = [];
  for (const [at, event] of timeline) [state, effects] = step(POLICY, at, state, event);
  return { state, effects };
}

const OPENED_AT_0 = [
  [0, ready(1)],
  [0, died(1)],
  [0, timedOut(901)],
  [0, timedOut(902)],
] as const;
const HALF_OPEN_AT_1000 = [...OPENED_AT_0, [1000, { type: 'tick' }]] as const;

describe('closed', () => {
  test('opens at the threshold and says when to retry', () => {
    const { state, effects } = run(...OPENED_AT_0);
    expect(openUntil(state)).toBe(1000);
    expect(effects).toEqual([
      {
        type: 'transition',
        from: 'closed',
        to: 'open',
        reason: 'failure_threshold',
        retryAt: 1000,
      },
    ]);
  });

  test('passes calls one failure below the threshold', () => {
    const { effects } = run([0, died(1)], [0, died(2)], [0, acquire(1)]);
    expect(effects).toEqual([PASS]);
  });

  test('starts counting again after any answer', () => {
    const { state } = run([0, died(1)], [0, died(2)], [0, answered(7)], [0, died(3)], [0, died(4)]);
    expect(state).toMatchObject({ kind: 'closed', failures: 2 });
  });

  test('starts counting again when ready was held', () => {
    const { state } = run([0, died(1)], [0, died(2)], [0, STABLE], [0, died(3)]);
    expect(state).toMatchObject({ kind: 'closed', failures: 1 });
  });

  test('counts one death once, though five calls were lost in it', () => {
    const { state } = run([0, died(1)], [0, died(1)], [0, died(1)], [0, died(1)], [0, died(1)]);
    expect(state).toMatchObject({ kind: 'closed', failures: 1 });
  });

  test('counts no cancelled or denied call', () => {
    const { state } = run([0, acquire(1)], [0, released(1)], [0, acquire(2)], [0, released(2)]);
    expect(state).toEqual(INITIAL_BREAKER);
  });
});

describe('open', () => {
  test('refuses with the time of a retry until the cooldown is over', () => {
    expect(run(...OPENED_AT_0, [999, acquire(1)]).effects).toEqual([
      { type: 'refuse', retryAt: 1000 },
    ]);
  });

  test('lets the first call after the cooldown through as the probe, without a tick', () => {
    expect(run(...OPENED_AT_0, [1000, acquire(1)]).effects).toEqual([
      { type: 'transition', from: 'open', to: 'half-open', reason: 'cooldown_elapsed' },
      PROBE,
    ]);
  });

  test('is half-open at the first tick after the cooldown', () => {
    expect(run(...OPENED_AT_0, [999, { type: 'tick' }]).state.kind).toBe('open');
    expect(run(...OPENED_AT_0, [1000, { type: 'tick' }]).state.kind).toBe('half-open');
  });

  test('is half-open at once when a newer incarnation is ready', () => {
    const { state, effects } = run(...OPENED_AT_0, [5, ready(2)]);
    expect(state).toMatchObject({ kind: 'half-open', probe: null });
    expect(effects).toEqual([
      { type: 'transition', from: 'open', to: 'half-open', reason: 'recovered' },
    ]);
  });

  test('stays open for news of the same or an older incarnation', () => {
    expect(run(...OPENED_AT_0, [5, ready(1)]).state.kind).toBe('open');
    expect(run(...OPENED_AT_0, [5, ready(0)]).state.kind).toBe('open');
  });

  test('stays open for a late answer, a further failure, and a stable server', () => {
    for (const event of [answered(903), timedOut(903), died(2), STABLE]) {
      expect(openUntil(run(...OPENED_AT_0, [500, event]).state)).toBe(1000);
    }
  });
});

describe('half-open', () => {
  test('gives exactly one probe to 100 concurrent calls', () => {
    let { state } = run(...HALF_OPEN_AT_1000);
    const decisions: BreakerEffect[] = [];
    for (let call = 1; call <= 100; call++) {
      const [next, effects] = step(POLICY, 1000, state, acquire(call));
      state = next;
      decisions.push(...effects);
    }
    expect(decisions.filter((decision) => decision.type === 'pass')).toEqual([PROBE]);
    expect(decisions.filter((decision) => decision.type === 'refuse')).toHaveLength(99);
  });

  test('closes when the probe is answered', () => {
    const { state, effects } = run(...HALF_OPEN_AT_1000, [1001, acquire(1)], [1002, answered(1)]);
    expect(state).toMatchObject({ kind: 'closed', failures: 0 });
    expect(effects).toEqual([
      { type: 'transition', from: 'half-open', to: 'closed', reason: 'recovered' },
    ]);
  });

  test('opens for a whole cooldown when the probe times out', () => {
    const { effects } = run(...HALF_OPEN_AT_1000, [1001, acquire(1)], [1500, timedOut(1)]);
    expect(effects).toEqual([
      {
        type: 'transition',
        from: 'half-open',
        to: 'open',
        reason: 'half_open_failed',
        retryAt: 2500,
      },
    ]);
  });

  test('opens when the server dies, probe or not', () => {
    expect(run(...HALF_OPEN_AT_1000, [1001, died(2)]).state.kind).toBe('open');
    expect(run(...HALF_OPEN_AT_1000, [1001, acquire(1)], [1002, died(2)]).state.kind).toBe('open');
  });

  test('gives the slot of a cancelled probe to the next call', () => {
    const { effects } = run(
      ...HALF_OPEN_AT_1000,
      [1001, acquire(1)],
      [1002, released(1)],
      [1003, acquire(2)],
    );
    expect(effects).toEqual([PROBE]);
  });

  test('keeps the slot when some other call is cancelled', () => {
    const { effects } = run(
      ...HALF_OPEN_AT_1000,
      [1001, acquire(1)],
      [1002, released(2)],
      [1003, acquire(2)],
    );
    expect(effects).toEqual([{ type: 'refuse', retryAt: null }]);
  });

  test('lets the probe itself ask again', () => {
    const { effects } = run(...HALF_OPEN_AT_1000, [1001, acquire(1)], [1002, acquire(1)]);
    expect(effects).toEqual([PROBE]);
  });

  test('is not moved by calls from before the opening', () => {
    const probing = [...HALF_OPEN_AT_1000, [1001, acquire(1)]] as const;
    for (const event of [answered(903), timedOut(903)]) {
      expect(run(...probing, [1002, event]).state).toMatchObject({ kind: 'half-open', probe: 1 });
    }
  });

  test('closes when ready was held, also without a call', () => {
    expect(run(...HALF_OPEN_AT_1000, [1001, STABLE]).state.kind).toBe('closed');
  });
});
