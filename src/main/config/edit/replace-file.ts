/** Replaces a file that belongs to this user by a new text: whole or not at all, with the rights that it has. */
import { chownSync, lstatSync, renameSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bestEffort } from '../../../shared/platform/errno.ts';
import { fsyncDirectory, removeFile, writeDurably } from '../../../shared/platform/safe-file.ts';

/**
 * @param path of the file itself, not of a link to it.
 * @param stats from before its old text was read: what somebody else writes meanwhile is not lost.
 * @returns why not, in words, or null. @throws the system's error.
 */
export function replaceFile(path: string, text: string | Uint8Array, stats: Stats): string | null {
  const user = process.geteuid?.();
  if (user !== undefined && stats.uid !== user)
    return `belongs to user ${stats.uid}, not to ${user}`;
  const temp = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  removeFile(temp);
  try {
    writeDurably(temp, text, stats.mode & 0o777);
    // Only root, or a member of that group, can.
    bestEffort(() => chownSync(temp, stats.uid, stats.gid));
    const now = lstatSync(path);
    if (now.ino !== stats.ino || now.mtimeMs !== stats.mtimeMs || now.size !== stats.size) {
      return 'has just been changed: try again';
    }
    renameSync(temp, path);
  } finally {
    removeFile(temp);
  }
  fsyncDirectory(dirname(path));
  return null;
}
