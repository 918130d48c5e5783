/** When a token is renewed. Pure; all times are milliseconds. */
import type { Tokens } from './record.ts';

/** Before its end, so that no call meets it. */
const MOST_MARGIN_MS = 60_000;
const MARGIN_SHARE = 0.2;
/** Between renewals that no server has asked for. */
const LEAST_ADVANCE_MS = 15_000;
/** A token that is refused so soon will not be taken as another one either. */
const FRESH_MS = 10_000;

type Times = Pick<Tokens, 'expires_at' | 'made_at'>;

/** Null: it is not known. Some say 0 for that. */
function endOf({ expires_at: end, made_at: made }: Times): number | null {
  return end === null || end <= made ? null : end;
}

/** @returns null: it has no end that is known. */
export function renewAt(times: Times): number | null {
  const end = endOf(times);
  if (end === null) return null;
  return end - Math.min(MOST_MARGIN_MS, MARGIN_SHARE * (end - times.made_at));
}

/** When it is renewed although nobody asks: tokens of a few seconds are only renewed when they are wanted. */
export function advanceAt(times: Times): number | null {
  const at = renewAt(times);
  return at === null ? null : Math.max(at, times.made_at + LEAST_ADVANCE_MS);
}

/** Whether it was made just now, and is still good by its own account. */
export function isFresh(times: Times, now: number): boolean {
  return Math.abs(now - times.made_at) < FRESH_MS && !isEnded(times, now);
}

/** Whether it has ended by its own account. */
export function isEnded(times: Times, now: number): boolean {
  const end = endOf(times);
  return end !== null && now >= end;
}
