/**
 * Which entries of lists are withheld until a person accepts them, and the line that says so to whoever asks for one.
 * Kept with the entry itself: a call that waits with an older form of it is found, too.
 */
import type { CatalogEntry } from '../../shared/model/mcp.ts';

type Entry = Pick<CatalogEntry, 'key'>;

const held = new WeakMap<Entry, string>();

/** @param why what, why, and what to do; null: it is not withheld any more. */
export function hold(entry: Entry, why: string | null): void {
  if (why === null) held.delete(entry);
  else held.set(entry, why);
}

/** Undefined: it is not withheld. */
export function heldWhy(entry: Entry): string | undefined {
  return held.get(entry);
}
