/**
 * Decides when a server's circuit has opened so often that a person must be told: several openings
 * within a window, even without closing in between, once per episode. An episode ends when the circuit
 * has not opened for a while. Pure; main owns the state and writes the log and audit record.
 */
import { assertNever } from './assert-never.ts';

export interface BlockerPolicy {
  /** Openings within the window that make an episode. @default 3 */
  readonly opens: number;
  /** Milliseconds. @default 600000 */
  readonly windowMs: number;
  /** Milliseconds without an opening after which a new episode can begin. @default 600000 */
  readonly rearmMs: number;
}

export const DEFAULT_BLOCKER_POLICY: BlockerPolicy = {
  opens: 3,
  windowMs: 600_000,
  rearmMs: 600_000,
};

export type BlockerState =
  /** `openedAt`: the latest openings, oldest first, monotonic milliseconds; fewer than the policy's `opens`. */
  | { readonly kind: 'armed'; readonly openedAt: readonly number[] }
  /** The episode has been announced and goes on. */
  | { readonly kind: 'fired'; readonly lastOpenAt: number };

export type BlockerEvent =
  /** The circuit has opened, from any state. */
  { readonly type: 'opened' } | { readonly type: 'tick' };

export interface BlockerEffect {
  readonly type: 'session_blocker';
  /** Openings counted, and the time from the first to the last of them in milliseconds. */
  readonly opens: number;
  readonly withinMs: number;
}

type Step = readonly [state: BlockerState, effects: readonly BlockerEffect[]];

const NONE: readonly BlockerEffect[] = [];

export const INITIAL_BLOCKER: BlockerState = { kind: 'armed', openedAt: [] };

/** @param now monotonic milliseconds. */
export function step(
  policy: BlockerPolicy,
  now: number,
  state: BlockerState,
  event: BlockerEvent,
): Step {
  const current = rearmed(policy, now, state);
  switch (event.type) {
    case 'opened':
      return onOpened(policy, now, current);
    case 'tick':
      return [current, NONE];
    default:
      return assertNever(event);
  }
}

function onOpened(policy: BlockerPolicy, now: number, state: BlockerState): Step {
  switch (state.kind) {
    case 'fired':
      return [{ kind: 'fired', lastOpenAt: now }, NONE];
    case 'armed': {
      const openedAt = [...state.openedAt.filter((at) => now - at <= policy.windowMs), now];
      if (openedAt.length < policy.opens) return [{ kind: 'armed', openedAt }, NONE];
      const withinMs = now - (openedAt[0] ?? now);
      return [
        { kind: 'fired', lastOpenAt: now },
        [{ type: 'session_blocker', opens: openedAt.length, withinMs }],
      ];
    }
    default:
      return assertNever(state);
  }
}

function rearmed(policy: BlockerPolicy, now: number, state: BlockerState): BlockerState {
  if (state.kind === 'armed') return state;
  return now - state.lastOpenAt >= policy.rearmMs ? INITIAL_BLOCKER : state;
}
