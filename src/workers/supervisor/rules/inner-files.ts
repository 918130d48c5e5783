/**
 * Whether a file that has several names has one of them in a guarded directory: a hard link to it. Where that
 * cannot be told it counts as one.
 */
import type { Entry } from './entry.ts';
import type { Lookups } from './lookups.ts';
import { isSame } from './places.ts';

/** In all guarded directories together; with more nothing is known, and a file counts as one of them. */
const MAX_FILES = 4096;

/**
 * @param directories where to look, with all below them.
 * @returns null when lookups are to be fetched first.
 */
export function isInnerFile(
  file: Entry,
  directories: readonly string[],
  lookups: Lookups,
): boolean | null {
  const left = [...directories];
  let looks = 0;
  let pending = false;
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    const names = lookups.names(path);
    if (names === null) {
      pending = true;
      continue;
    }
    if (names === 'unknown') return true;
    for (const name of names) {
      looks += 1;
      if (looks > MAX_FILES) return true;
      const entry = lookups.entry(`${path}/${name}`);
      if (entry === null) pending = true;
      else if (entry.kind === 'unknown' || isSame(entry, file)) return true;
      else if (entry.kind === 'directory') left.push(`${path}/${name}`);
    }
  }
  return pending ? null : false;
}
