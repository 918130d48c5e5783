/**
 * The gateway's stop as a pure machine: running → draining or answering → stopping → killing → done. Main
 * owns the state, the timers and the effects; each effect is given at most once, but for `stopServers`, which
 * is given again to shorten the times. Never waits, never reads a clock.
 */
import { assertNever } from './assert-never.ts';

/** All in milliseconds. */
export interface DrainPolicy {
  /** How long calls in flight may go on after a signal (`--grace`). @default 5000 */
  readonly graceMs: number;
  /** How long what was read is answered after the end of stdin. @default 1100 */
  readonly answerMs: number;
  /** Stdin end to TERM. @default 600 */
  readonly eofMs: number;
  /** TERM to KILL. @default 500 */
  readonly termMs: number;
  /** The same when somebody does not want to wait: after a second signal, or one after the end of stdin. @default 300 */
  readonly hurryMs: number;
  /** From the servers' KILL to the kill of all groups, if they have not ended. @default 60 */
  readonly stopSlackMs: number;
  /** Longest wait for the end of all groups after their kill. @default 60 */
  readonly killSlackMs: number;
  /** Signals this close to the first are the same request. @default 1000 */
  readonly repeatMs: number;
}

/** Clients send SIGTERM 2 s after the end of stdin: all of it together takes less. */
export const DEFAULT_DRAIN_POLICY: DrainPolicy = {
  graceMs: 5000,
  answerMs: 1100,
  eofMs: 600,
  termMs: 500,
  hurryMs: 300,
  stopSlackMs: 60,
  killSlackMs: 60,
  repeatMs: 1000,
};

/** Times are monotonic milliseconds. `signalAt` is the first signal, null when the end of stdin came first. */
export type DrainState =
  | { readonly kind: 'running' }
  | { readonly kind: 'draining'; readonly until: number; readonly signalAt: number }
  | { readonly kind: 'answering'; readonly until: number; readonly signalAt: number | null }
  | {
      readonly kind: 'stopping';
      readonly until: number;
      readonly signalAt: number | null;
      /** The times have been shortened. */
      readonly hurried: boolean;
      readonly code: 0 | 1;
    }
  | { readonly kind: 'killing'; readonly until: number; readonly code: 0 | 1 }
  | { readonly kind: 'done' };

export type DrainEvent =
  | { readonly type: 'signal' }
  /** The last client says nothing more: stdin ended or stdout broke, and no other session is open. */
  | { readonly type: 'eof' }
  /** No call is in flight or queued any more, and what was answered has been written. */
  | { readonly type: 'drained' }
  /** Every server has stopped and its group is empty. */
  | { readonly type: 'allStopped' }
  /** A timer asked for by `wake` has run out. */
  | { readonly type: 'deadline' };

export type DrainEffect =
  /** Refuse what comes from now on. */
  | { readonly type: 'stopAccepting' }
  /** Nothing more comes, and what has come is answered. Each server is stopped once nothing is open for it. */
  | { readonly type: 'answerRest'; readonly eofMs: number; readonly termMs: number }
  | { readonly type: 'cancelCalls' }
  | { readonly type: 'stopServers'; readonly eofMs: number; readonly termMs: number }
  | { readonly type: 'killAllGroups' }
  /** Send `deadline` at this monotonic time; replaces an earlier request. */
  | { readonly type: 'wake'; readonly at: number }
  /** Close what is left (audit, state writer, guard) and exit. */
  | { readonly type: 'exit'; readonly code: 0 | 1 };

type Step = readonly [state: DrainState, effects: readonly DrainEffect[]];
type State<K extends DrainState['kind']> = Extract<DrainState, { kind: K }>;

const NONE: readonly DrainEffect[] = [];

export const INITIAL_DRAIN: DrainState = { kind: 'running' };

/** @param now monotonic milliseconds. */
export function step(policy: DrainPolicy, now: number, state: DrainState, event: DrainEvent): Step {
  switch (state.kind) {
    case 'running':
      return whileRunning(policy, now, state, event);
    case 'draining':
      return whileDraining(policy, now, state, event);
    case 'answering':
      return whileAnswering(policy, now, state, event);
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
    case 'eof':
      return answer(policy, now + policy.answerMs, null);
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
  state: State<'draining'>,
  event: DrainEvent,
): Step {
  const { until, signalAt } = state;
  switch (event.type) {
    case 'signal':
      return isRepeat(policy, now, signalAt) ? [state, NONE] : hurry(policy, now, signalAt, 1);
    case 'eof':
      return answer(policy, Math.min(until, now + policy.answerMs), signalAt);
    case 'drained':
      return stop(policy, now, policy.eofMs, signalAt);
    case 'deadline':
      return now >= until ? stop(policy, now, policy.eofMs, signalAt) : wakeAgain(state);
    case 'allStopped':
      return [state, NONE];
    default:
      return assertNever(event);
  }
}

function whileAnswering(
  policy: DrainPolicy,
  now: number,
  state: State<'answering'>,
  event: DrainEvent,
): Step {
  const { until, signalAt } = state;
  switch (event.type) {
    case 'signal':
      return isRepeat(policy, now, signalAt) ? [state, NONE] : hurry(policy, now, signalAt, 0);
    case 'drained': {
      const leftMs = Math.max(0, until - now);
      return stop(policy, now, Math.min(policy.eofMs, leftMs), signalAt);
    }
    case 'deadline':
      return now >= until ? stop(policy, now, 0, signalAt) : wakeAgain(state);
    case 'eof':
    case 'allStopped':
      return [state, NONE];
    default:
      return assertNever(event);
  }
}

function whileStopping(
  policy: DrainPolicy,
  now: number,
  state: State<'stopping'>,
  event: DrainEvent,
): Step {
  const { signalAt, hurried, code, until } = state;
  switch (event.type) {
    case 'signal': {
      if (isRepeat(policy, now, signalAt)) return [state, NONE];
      if (signalAt === null) return hurried ? [state, NONE] : hurryOn(policy, now, state, 0);
      return hurried ? kill(policy, now, 1) : hurryOn(policy, now, state, 1);
    }
    case 'allStopped':
      return exit(code);
    case 'deadline':
      return now >= until ? kill(policy, now, code) : wakeAgain(state);
    case 'eof':
    case 'drained':
      return [state, NONE];
    default:
      return assertNever(event);
  }
}

function whileKilling(now: number, state: State<'killing'>, event: DrainEvent): Step {
  switch (event.type) {
    case 'signal':
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

/** The end of stdin is half a close: whoever closed it may still read. */
function answer({ eofMs, termMs }: DrainPolicy, until: number, signalAt: number | null): Step {
  return [
    { kind: 'answering', until, signalAt },
    [
      { type: 'answerRest', eofMs, termMs },
      { type: 'wake', at: until },
    ],
  ];
}

/** @param eofMs 0: TERM goes with the end of their input. */
function stop(policy: DrainPolicy, now: number, eofMs: number, signalAt: number | null): Step {
  const { termMs } = policy;
  const until = now + eofMs + termMs + policy.stopSlackMs;
  return [
    { kind: 'stopping', until, signalAt, hurried: false, code: 0 },
    [{ type: 'cancelCalls' }, { type: 'stopServers', eofMs, termMs }, { type: 'wake', at: until }],
  ];
}

/** Calls are cancelled, and all servers get TERM at once. */
function hurry(policy: DrainPolicy, now: number, signalAt: number | null, code: 0 | 1): Step {
  const { hurryMs: termMs, stopSlackMs } = policy;
  const until = now + termMs + stopSlackMs;
  return [
    { kind: 'stopping', until, signalAt, hurried: true, code },
    [
      { type: 'cancelCalls' },
      { type: 'stopServers', eofMs: 0, termMs },
      { type: 'wake', at: until },
    ],
  ];
}

/** The same while servers are being stopped. */
function hurryOn(policy: DrainPolicy, now: number, state: State<'stopping'>, code: 0 | 1): Step {
  const { hurryMs: termMs, stopSlackMs } = policy;
  const until = Math.min(state.until, now + termMs + stopSlackMs);
  return [
    { ...state, until, hurried: true, code },
    [
      { type: 'stopServers', eofMs: 0, termMs },
      { type: 'wake', at: until },
    ],
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
