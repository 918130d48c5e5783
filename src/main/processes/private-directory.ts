/**
 * A directory for the gateway's own files: created private (0700), and refused when another user could
 * write there or a symlink is in its place.
 */
import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { errorCode, errorText, expecting } from '../../shared/platform/errno.ts';
import { oddKind } from '../../shared/platform/safe-file.ts';

export interface Objection {
  /** What is wrong. */
  readonly message: string;
  /** A command that puts it right, null when there is no single one. */
  readonly fix: string | null;
}

/** Creates one directory if it is missing, and checks it. @returns why it cannot be used, or null. */
export function makePrivate(path: string): Objection | null {
  try {
    expecting(['EEXIST'], undefined, () => mkdirSync(path, { mode: 0o700 }));
    return objection(path, lstatSync(path));
  } catch (error) {
    return { message: errorText(error), fix: null };
  }
}

/** Checks one directory without creating it. @returns null also when it is missing. */
export function lookAtPrivate(path: string): Objection | null {
  try {
    return objection(path, lstatSync(path));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    return { message: errorText(error), fix: null };
  }
}

/** Why a directory is not safe to keep files in, or null. */
export function objection(path: string, stats: Stats): Objection | null {
  const because = (message: string, fix: string | null = null) => ({ message, fix });
  if (!stats.isDirectory()) return because(`it is ${oddKind(stats) ?? 'a file'}, not a directory`);
  const user = process.getuid?.();
  if (user === undefined) return null;
  if (stats.uid !== user) return because(`it belongs to user ${stats.uid}, not to ${user}`);
  if ((stats.mode & 0o022) === 0) return null;
  const mode = (stats.mode & 0o777).toString(8);
  return because(`others can write to it (mode ${mode})`, `chmod go-w ${path}`);
}
