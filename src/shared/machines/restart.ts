/**
 * Restart policy: how long a server that died waits before its next start, and when its deaths make a
 * crash loop. Pure arithmetic over a short list of times; owned by the supervisor machine. Ignores the
 * reasons of deaths.
 */
import type { RestartPolicy } from '../model/config.ts';

/** Facts about earlier deaths. */
export interface RestartState {
  /** Deaths since the server was last `ready` for `stableMs`. */
  readonly inARow: number;
  /** Monotonic times of the last deaths, oldest first, at most `intensity` of them. */
  readonly deaths: readonly number[];
}

export interface RestartDecision {
  readonly state: RestartState;
  /** Time until the next start, in milliseconds. */
  readonly delayMs: number;
  /** `intensity` was reached: the server is kept at the slowest back-off. */
  readonly crashLoop: boolean;
}

/** Steps in which a server is tried that cannot be reached. After a while they get longer. */
const FIRST_STEP_MS = 100;
const STEP_MS = 800;
const LONG_STEP_MS = 5000;
const LONG_AFTER_MS = 120_000;

export const initialRestart: RestartState = { inARow: 0, deaths: [] };

/**
 * A server died at `now` (monotonic, ms). The first death restarts at once, each further one waits a
 * random share (full jitter) of a doubling back-off; from the `intensity`-th on it waits between half
 * and the whole of `backoffMaxMs`.
 *
 * @param random in [0, 1).
 */
export function onDeath(
  policy: RestartPolicy,
  now: number,
  random: number,
  state: RestartState,
): RestartDecision {
  const recent = state.deaths.filter((at) => now - at < policy.periodMs);
  const deaths = [...recent, now].slice(-policy.intensity);
  const inARow = Math.min(state.inARow + 1, policy.intensity);
  const k = Math.max(inARow, deaths.length);
  const crashLoop = k >= policy.intensity;
  return { state: { inARow, deaths }, delayMs: delayOf(policy, k, crashLoop, random), crashLoop };
}

/** The server was `ready` for `stableMs`: the row ends. Deaths within the period still count. */
export function onStable(state: RestartState): RestartState {
  return { inARow: 0, deaths: state.deaths };
}

/**
 * How long to wait before a server is tried again that cannot be reached.
 *
 * @param awayMs for how long that has been so. @param tries so far, at least 1. @param random in [0, 1).
 */
export function retryDelay(awayMs: number, tries: number, random: number): number {
  const short = Math.min(STEP_MS, FIRST_STEP_MS * 2 ** Math.min(tries - 1, 10));
  return ((awayMs < LONG_AFTER_MS ? short : LONG_STEP_MS) / 2) * (1 + random);
}

/** The slowest back-off, with jitter. @param random in [0, 1). */
export function slowest({ backoffMaxMs }: RestartPolicy, random: number): number {
  return (backoffMaxMs / 2) * (1 + random);
}

function delayOf(policy: RestartPolicy, k: number, crashLoop: boolean, random: number): number {
  if (crashLoop) return slowest(policy, random);
  if (k === 1) return 0;
  return random * Math.min(policy.backoffMaxMs, policy.backoffMs * 2 ** (k - 2));
}
