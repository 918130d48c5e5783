/** Finds the directory that a command is about, as git does: the one asked for, or the nearest above with a `.rea`. */
import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unlessRefused } from '../../shared/platform/errno.ts';

/** A path can be no deeper than this. */
const MOST_STEPS = 4096;

/**
 * What lies above and belongs to another user is passed over: in a directory such as `/tmp` anybody could put a
 * `.rea` in the way of a command.
 *
 * @param asked absolute.
 * @returns an absolute directory; `asked` when there is no `.rea` there nor above.
 */
export function projectDirectory(asked: string): string {
  if (entryOf(asked) !== null) return asked;
  const uid = process.getuid?.() ?? null;
  let at = asked;
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const above = dirname(at);
    if (above === at) return asked;
    at = above;
    const entry = entryOf(at);
    if (entry?.isDirectory() === true && (uid === null || entry.uid === uid)) return at;
  }
  return asked;
}

/** Whether the directory has a `.rea` of its own, which is a directory. */
export function hasRea(directory: string): boolean {
  return entryOf(directory)?.isDirectory() === true;
}

function entryOf(directory: string) {
  return unlessRefused(null, () => lstatSync(join(directory, '.rea')));
}
