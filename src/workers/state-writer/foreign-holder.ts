/**
 * Judges a holder that cannot be looked up by pid: one in another pid namespace or on another host.
 * It is dead when it has not written for several heartbeats, counted only while the judge was looking.
 * Pure: the clock is an argument.
 */

/** What was seen of one holder. `quietMs`: how long `seq` has stood still under our eyes. */
export interface ForeignHolder {
  readonly nonce: string;
  readonly seq: number | null;
  readonly lookedAt: number;
  readonly quietMs: number;
}

const HEARTBEATS = 6;
/** A judge that was itself suspended has not been looking: a longer gap counts as this much. */
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
