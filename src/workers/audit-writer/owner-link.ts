/**
 * `audit.jsonl`, which points to the log of the gateway that owns the state file. A file of that name which
 * is no such link stays as it is.
 */
import { lstatSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { currentSegment } from '../../shared/model/audit.ts';
import { attempt, bestEffort, expecting } from '../../shared/platform/errno.ts';
import { removeFile } from '../../shared/platform/safe-file.ts';

/** @returns one line that says why the link is not there, or null. */
export function pointTo(dir: string, session: string): string | null {
  const path = join(dir, 'audit.jsonl');
  const target = currentSegment(session);
  const temp = join(dir, `.audit.jsonl.${process.pid}.tmp`);
  const done = attempt(() => {
    const there = expecting(['ENOENT'], null, () => lstatSync(path));
    if (there?.isSymbolicLink() === true && readlinkSync(path) === target) return null;
    if (there !== null && !there.isSymbolicLink()) {
      return `${path} is not rea's link to its audit log, and stays; the log is in ${target}`;
    }
    removeFile(temp);
    symlinkSync(target, temp);
    renameSync(temp, path);
    return null;
  });
  if (done.ok) return done.value;
  bestEffort(() => removeFile(temp));
  return `audit.jsonl cannot be linked to ${target}: ${done.failure.message}`;
}
