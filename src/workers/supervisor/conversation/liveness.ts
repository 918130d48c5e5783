/**
 * Tells a hung server from a silent one: pings it after silence, and any byte from it counts as life.
 * Pure over the times handed in; the liveness watch owns the timer and sends the pings.
 */
import type { LivenessPolicy } from '../../../shared/model/config.ts';

/** Times are monotonic, in milliseconds. */
export interface LivenessState {
  readonly lastByteAt: number;
  /** When the unanswered ping was sent; null while there is none. */
  readonly pingedAt: number | null;
  /** Pings in a row that ended without a sign of life. */
  readonly missed: number;
  /** A server that never answered a ping may not know the method: its silence proves nothing. */
  readonly answersPings: boolean;
  /** It has sent something since it became ready. */
  readonly hasSpoken: boolean;
  /** It has sent nothing at all since it became ready, and let as many pings pass as may be missed. */
  readonly isMute: boolean;
}

export type LivenessVerdict = 'wait' | 'ping' | 'stalled';

/** A look that is late by more than this means that this process itself stood still. */
const OWN_PAUSE_MS = 1000;

/** The server has just become ready; its first ping is sent at once. */
export function initialLiveness(now: number): LivenessState {
  return {
    lastByteAt: now,
    pingedAt: now,
    missed: 0,
    answersPings: false,
    hasSpoken: false,
    isMute: false,
  };
}

export function onBytes(state: LivenessState, now: number): LivenessState {
  return { ...state, lastByteAt: now, pingedAt: null, missed: 0, hasSpoken: true, isMute: false };
}

export function onPingAnswered(state: LivenessState): LivenessState {
  return { ...state, answersPings: true };
}

/** When `look` is to be called next. */
export function nextLook(policy: LivenessPolicy, state: LivenessState): number {
  return state.pingedAt === null
    ? state.lastByteAt + policy.idleMs
    : state.pingedAt + policy.timeoutMs;
}

/** A call timed out: pings now, unless a ping is unanswered. */
export function onSuspect(
  state: LivenessState,
  now: number,
): readonly [LivenessState, LivenessVerdict] {
  return state.pingedAt === null ? ping(state, now) : [state, 'wait'];
}

/** Looks at the clock. */
export function look(
  policy: LivenessPolicy,
  state: LivenessState,
  now: number,
): readonly [LivenessState, LivenessVerdict] {
  const due = nextLook(policy, state);
  if (now < due) return [state, 'wait'];
  if (state.pingedAt === null) return ping(state, now);
  // After a pause of our own the answer may still be unread in the pipe.
  if (now - due > OWN_PAUSE_MS) return ping(state, now);
  const missed = state.missed + 1;
  if (missed < policy.misses) return ping({ ...state, missed }, now);
  if (state.answersPings) return [{ ...state, missed }, 'stalled'];
  const isMute = !state.hasSpoken;
  return [{ ...state, pingedAt: null, missed: 0, lastByteAt: now, isMute }, 'wait'];
}

function ping(state: LivenessState, now: number): readonly [LivenessState, LivenessVerdict] {
  return [{ ...state, pingedAt: now }, 'ping'];
}
