/**
 * The gateway's stop as a pure machine: running → draining → stopping → killing → done. Main owns the
 * state, the timers and the effects; each effect is given at most once. Never waits, never reads a clock.
 */
import { assertNever } from './assert-never.ts';

/** All in milliseconds. */
export interface DrainPolicy {
  /** How long calls in flight may go on after a signal (`--grace`). @default 5000 */
  readonly graceMs: number;
  /** Stdin end to TERM. @default 600 */
  readonly eofMs: number;
  /** TERM to KILL. @default 500 */
  readonly termMs: number;
  /** From the servers' KILL to the kill of all groups, if they have not ended. @default 300 */
  readonly stopSlackMs: number;
  /** Longest wait for the end of all groups after their kill. @default 200 */
  readonly killSlackMs: number;
  /** Signals this close to the first are the same request. @default 1000 */
  readonly repeatMs: number;
}

export const DEFAULT_DRAIN_POLICY: DrainPolicy = {
  graceMs: 5000,
  eofMs: 600,
  termMs: 500,
  stopSlackMs: 300,
  killSlackMs: 200,
  repeatMs: 1000,
};

/** Times are monotonic milliseconds. `signalAt` is the first signal, null when there was none. */
export type DrainState =
  | { readonly kind: 'running' }
  | { readonly kind: 'draining'; readonly until: number; readonly signalAt: number }
  | { readonly kind: 'stopping'; readonly until: number; readonly signalAt: number | null }
  | { readonly kind: 'killing'; readonly until: number; readonly code: 0 | 1 }
  | { readonly kind: 'done' };

export type DrainEvent =
  | { readonly type: 'signal' }
  /** The last client is gone: stdin ended or stdout broke, and no other session is open. */
  | { readonly type: 'eof' }
  /** No call is in flight or queued any more. */
  | { readonly type: 'drained' }
  /** Every server has stopped and its group is empty. */
  | { readonly type: 'allStopped' }
  /** A timer asked for by `wake` has run out. */
  | { readonly type: 'deadline' };

export type DrainEffect =
  | { readonly type: 'stopAccepting' }
  | { readonly type: 'cancelCalls' }
  | { readonly type: 'stopServers'; readonly eofMs: number; readonly termMs: number }
  | { readonly type: 'killAllGroups' }
  /** Send `deadline` at this monotonic time; replaces an earlier request. */
  | { readonly type: 'wake'; readonly at: number }
  /** Close what is left (audit, state writer, guard) and exit. */
  | { readonly type: 'exit'; readonly code: 0 | 1 };

type Step = readonly [state: DrainState, effects: readonly DrainEffect[]];

const NONE: readonly DrainEffect[] = [];

export const INITIAL_DRAIN: DrainState = { kind: 'running' };

/** @param now monotonic milliseconds. */
export function step(policy: DrainPolicy, now: number, state: DrainState, event: DrainEvent): Step {
  switch (state.kind) {
    case 'running':
      return whileRunning(policy, now, state, event);
    case 'draining':
      return whileDraining(policy, now, state, event);
    case 'stopping':
      return whileStopping(policy, now, state, event);
    case 'killing':
      return whileKilling(now, state, event);
    case 'done':
      return [state, NONE];
    default:
      return assertNever(state);
  }
}

function whileRunning(
  policy: DrainPolicy,
  now: number,
  state: DrainState,
  event: DrainEvent,
): Step {
  switch (event.type) {
    case 'signal': {
      const until = now + policy.graceMs;
      return [
        { kind: 'draining', until, signalAt: now },
        [{ type: 'stopAccepting' }, { type: 'wake', at: until }],
      ];
    }
    case 'eof': {
      const [next, effects] = stop(policy, now, null);
      return [next, [{ type: 'stopAccepting' }, ...effects]];
    }
    case 'drained':
    case 'allStopped':
    case 'deadline':
      return [state, NONE];
    default:
      return assertNever(event);
  }
}

function whileDraining(
  policy: DrainPolicy,
  now: number,
  state: Extract<DrainState, { kind: 'draining' }>,
  event: DrainEvent,
): Step {
  switch (event.type) {
    case 'signal':
      return isRepeat(policy, now, state.signalAt) ? [state, NONE] : kill(policy, now, 1);
    case 'eof':
    case 'drained':
      return stop(policy, now, state.signalAt);
    case 'deadline':
      return now >= state.until ? stop(policy, now, state.signalAt) : wakeAgain(state);
    case 'allStopped':
      return [state, NONE];
    default:
      return assertNever(event);
  }
}

function whileStopping(
  policy: DrainPolicy,
  now: number,
  state: Extract<DrainState, { kind: 'stopping' }>,
  event: DrainEvent,
): Step {
  switch (event.type) {
    case 'signal':
      return isRepeat(policy, now, state.signalAt) ? [state, NONE] : kill(policy, now, 1);
    case 'allStopped':
      return exit(0);
    case 'deadline':
      return now >= state.until ? kill(policy, now, 0) : wakeAgain(state);
    case 'eof':
    case 'drained':
      return [state, NONE];
    default:
      return assertNever(event);
  }
}

function whileKilling(
  now: number,
  state: Extract<DrainState, { kind: 'killing' }>,
  event: DrainEvent,
): Step {
  switch (event.type) {
    case 'signal':
      return exit(1);
    case 'allStopped':
      return exit(state.code);
    case 'deadline':
      return now >= state.until ? exit(state.code) : wakeAgain(state);
    case 'eof':
    case 'drained':
      return [state, NONE];
    default:
      return assertNever(event);
  }
}

/** A terminal and npm both forward one Ctrl-C. Without a first signal, the stop began by EOF. */
function isRepeat(policy: DrainPolicy, now: number, signalAt: number | null): boolean {
  return signalAt !== null && now - signalAt < policy.repeatMs;
}

function stop(policy: DrainPolicy, now: number, signalAt: number | null): Step {
  const { eofMs, termMs } = policy;
  const until = now + eofMs + termMs + policy.stopSlackMs;
  return [
    { kind: 'stopping', until, signalAt },
    [{ type: 'cancelCalls' }, { type: 'stopServers', eofMs, termMs }, { type: 'wake', at: until }],
  ];
}

function kill(policy: DrainPolicy, now: number, code: 0 | 1): Step {
  const until = now + policy.killSlackMs;
  return [
    { kind: 'killing', until, code },
    [{ type: 'killAllGroups' }, { type: 'wake', at: until }],
  ];
}

/** Timers may run out a little early; a stop that ignored that would wait forever. */
function wakeAgain(state: Exclude<DrainState, { kind: 'running' | 'done' }>): Step {
  return [state, [{ type: 'wake', at: state.until }]];
}

function exit(code: 0 | 1): Step {
  return [{ kind: 'done' }, [{ type: 'exit', code }]];
}
