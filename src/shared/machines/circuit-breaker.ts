/**
 * The circuit breaker of one server, as a pure machine: closed → open after consecutive failures →
 * half-open after the cooldown or when a newer incarnation is ready → closed or open again by the one
 * probe. Main owns the state and acts on the effects. Never reads a clock, never decides on restarts.
 */
import type { BreakerPolicy } from '../model/config.ts';
import type { CircuitState } from '../model/snapshot.ts';
import { assertNever } from './assert-never.ts';

/** Incidents remembered, so that a second report of the same one is not counted. */
const REMEMBERED_INCIDENTS = 32;

interface Known {
  /** The newest incarnation that was ready; 0 before the first. */
  readonly incarnation: number;
  /** Incidents already counted, oldest first. */
  readonly seen: readonly string[];
}

/** Times are monotonic milliseconds. */
export type BreakerState = Known &
  (
    | { readonly kind: 'closed'; readonly failures: number }
    | { readonly kind: 'open'; readonly until: number }
    /** `probe`: the call that holds the only slot, null while the slot is free. */
    | { readonly kind: 'half-open'; readonly probe: number | null }
  );

export type BreakerEvent =
  /**
   * An incident: an unexpected exit or failed start, a thread crash, or one timed-out call.
   * `incident` names it (`incarnation:7`, `thread:2`, `call:19`), so that it is counted only once.
   * `call` is the timed-out call, null for the others.
   */
  | {
      readonly type: 'failure';
      readonly incident: string;
      readonly call: number | null;
    }
  /** Any answer to `call`, also a JSON-RPC error; null: the server was `ready` for `stable_ms`. */
  | { readonly type: 'success'; readonly call: number | null }
  | { readonly type: 'ready'; readonly incarnation: number }
  /** The call is about to be posted: may it? Always answered by one `pass` or `refuse`. */
  | { readonly type: 'acquire'; readonly call: number }
  /** A call that passed ended without a verdict on the server: cancelled, denied, never posted. */
  | { readonly type: 'released'; readonly call: number }
  | { readonly type: 'tick' };

/** `recovered` is also the reason of open → half-open by a newer incarnation. */
export type TransitionReason =
  | 'failure_threshold'
  | 'cooldown_elapsed'
  | 'recovered'
  | 'half_open_failed';

export type BreakerEffect =
  | {
      readonly type: 'transition';
      readonly from: CircuitState;
      readonly to: CircuitState;
      readonly reason: TransitionReason;
      /** Present when `to` is open. */
      readonly retryAt?: number;
    }
  | { readonly type: 'pass'; readonly probe: boolean }
  /** `retryAt` is null in half-open: it depends on the probe under way. */
  | { readonly type: 'refuse'; readonly retryAt: number | null };

type Step = readonly [state: BreakerState, effects: readonly BreakerEffect[]];

const NONE: readonly BreakerEffect[] = [];
const PASS: readonly BreakerEffect[] = [{ type: 'pass', probe: false }];

/** A closed circuit of a server that was never started. */
export const INITIAL_BREAKER: BreakerState = {
  kind: 'closed',
  failures: 0,
  incarnation: 0,
  seen: [],
};

/** @param now monotonic milliseconds. */
export function step(
  policy: BreakerPolicy,
  now: number,
  state: BreakerState,
  event: BreakerEvent,
): Step {
  switch (event.type) {
    case 'failure':
      return onFailure(policy, now, state, event);
    case 'success':
      return onSuccess(state, event.call);
    case 'ready':
      return onReady(state, event.incarnation);
    case 'acquire':
      return onAcquire(now, state, event.call);
    case 'released':
      if (state.kind !== 'half-open' || state.probe !== event.call) return [state, NONE];
      return [{ ...state, probe: null }, NONE];
    case 'tick':
      return cooledDown(now, state) ? halfOpen(state, 'cooldown_elapsed') : [state, NONE];
    default:
      return assertNever(event);
  }
}

/** While open: time of the next attempt, monotonic milliseconds; otherwise null. */
export function openUntil(state: BreakerState): number | null {
  return state.kind === 'open' ? state.until : null;
}

function onFailure(
  policy: BreakerPolicy,
  now: number,
  state: BreakerState,
  event: Extract<BreakerEvent, { type: 'failure' }>,
): Step {
  if (state.seen.includes(event.incident)) return [state, NONE];
  const known: Known = {
    incarnation: state.incarnation,
    seen: [...state.seen, event.incident].slice(-REMEMBERED_INCIDENTS),
  };
  switch (state.kind) {
    case 'closed': {
      const failures = state.failures + 1;
      if (failures < policy.failures) return [{ kind: 'closed', failures, ...known }, NONE];
      return open(policy, now, known, 'closed', 'failure_threshold');
    }
    case 'open':
      return [{ kind: 'open', until: state.until, ...known }, NONE];
    case 'half-open':
      // The timeout of a call from before the opening says nothing about the recovery.
      if (event.call !== null && event.call !== state.probe) {
        return [{ kind: 'half-open', probe: state.probe, ...known }, NONE];
      }
      return open(policy, now, known, 'half-open', 'half_open_failed');
    default:
      return assertNever(state);
  }
}

function onSuccess(state: BreakerState, call: number | null): Step {
  switch (state.kind) {
    case 'closed':
      return [state.failures === 0 ? state : { ...state, failures: 0 }, NONE];
    case 'open':
      return [state, NONE];
    case 'half-open':
      // Only the probe was sent to find out; a straggler may have been answered before the failures.
      if (call !== null && call !== state.probe) return [state, NONE];
      return [
        { kind: 'closed', failures: 0, incarnation: state.incarnation, seen: state.seen },
        [{ type: 'transition', from: 'half-open', to: 'closed', reason: 'recovered' }],
      ];
    default:
      return assertNever(state);
  }
}

function onReady(state: BreakerState, incarnation: number): Step {
  if (incarnation <= state.incarnation) return [state, NONE];
  const newer = { ...state, incarnation };
  return newer.kind === 'open' ? halfOpen(newer, 'recovered') : [newer, NONE];
}

function onAcquire(now: number, state: BreakerState, call: number): Step {
  switch (state.kind) {
    case 'closed':
      return [state, PASS];
    case 'open': {
      if (!cooledDown(now, state)) return [state, [{ type: 'refuse', retryAt: state.until }]];
      const [next, effects] = halfOpen(state, 'cooldown_elapsed', call);
      return [next, [...effects, { type: 'pass', probe: true }]];
    }
    case 'half-open':
      if (state.probe !== null && state.probe !== call) {
        return [state, [{ type: 'refuse', retryAt: null }]];
      }
      return [{ ...state, probe: call }, [{ type: 'pass', probe: true }]];
    default:
      return assertNever(state);
  }
}

function cooledDown(now: number, state: BreakerState): boolean {
  return state.kind === 'open' && now >= state.until;
}

function open(
  policy: BreakerPolicy,
  now: number,
  known: Known,
  from: CircuitState,
  reason: TransitionReason,
): Step {
  const until = now + policy.cooldownMs;
  return [
    { kind: 'open', until, ...known },
    [{ type: 'transition', from, to: 'open', reason, retryAt: until }],
  ];
}

function halfOpen(known: Known, reason: TransitionReason, probe: number | null = null): Step {
  return [
    { kind: 'half-open', probe, incarnation: known.incarnation, seen: known.seen },
    [{ type: 'transition', from: 'open', to: 'half-open', reason }],
  ];
}
