/**
 * Judges a holder of the lock that cannot be looked up by pid, because it is in another pid namespace or on
 * another host. It counts as dead when it has not written for several heartbeats while we were looking.
 * Pure: the clock is an argument.
 */

/** Observations of one holder. `quietMs`: how long `seq` has not changed while we were looking. */
export interface ForeignHolder {
  readonly nonce: string;
  readonly seq: number | null;
  readonly lookedAt: number;
  readonly quietMs: number;
}

const HEARTBEATS = 6;
/** A longer gap between two looks counts as this much: this process may have been suspended. */
const LONGEST_LOOK_MS = 1000;

/** Takes in one look at time `now` (monotonic, ms). */
export function observe(
  before: ForeignHolder | undefined,
  nonce: string,
  seq: number | null,
  now: number,
): ForeignHolder {
  if (before === undefined || before.nonce !== nonce || before.seq !== seq) {
    return { nonce, seq, lookedAt: now, quietMs: 0 };
  }
  const gap = Math.min(now - before.lookedAt, LONGEST_LOOK_MS);
  return { nonce, seq, lookedAt: now, quietMs: before.quietMs + gap };
}

export function isQuiet(holder: ForeignHolder, heartbeatMs: number): boolean {
  return holder.quietMs >= HEARTBEATS * heartbeatMs;
}
