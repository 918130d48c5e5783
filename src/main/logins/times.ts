/** When a token is renewed. Pure; all times are milliseconds. */
import type { Tokens } from './record.ts';

/** Before its end, so that no call meets it. */
const MOST_MARGIN_MS = 60_000;
const MARGIN_SHARE = 0.2;
/** A token that is refused so soon will not be taken as another one either. */
const FRESH_MS = 10_000;

/** @returns null: it has no end that is known. */
export function renewAt({
  expires_at: end,
  made_at: made,
}: Pick<Tokens, 'expires_at' | 'made_at'>): number | null {
  if (end === null) return null;
  return end - Math.min(MOST_MARGIN_MS, MARGIN_SHARE * Math.max(0, end - made));
}

/** Whether it was made just now, and is still good by its own account. */
export function isFresh(
  { expires_at: end, made_at: made }: Pick<Tokens, 'expires_at' | 'made_at'>,
  now: number,
): boolean {
  return Math.abs(now - made) < FRESH_MS && (end === null || now < end);
}
