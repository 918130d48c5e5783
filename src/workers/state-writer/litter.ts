/**
 * Removes temp files of dead owners. Called once by each new owner. Files of a living contender for the lock
 * stay; if one were removed by mistake, its owner would just try again.
 */
import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isDead } from '../../shared/model/process-identity.ts';
import { attempt, bestEffort } from '../../shared/platform/errno.ts';
import { systemLook } from '../../shared/platform/identity.ts';
import { readEntry } from '../../shared/platform/safe-file.ts';

const look = systemLook();
const TEMP = /^\.(serve\.state|serve\.pid|serve\.lock|catalog)\.(\d{1,10})\.[A-Za-z0-9.-]+\.tmp$/;

/** @param isDeadHolder whether the process of a complete lock line is dead. */
export function collectLitter(directory: string, isDeadHolder: (line: string) => boolean): void {
  const names = attempt(() => readdirSync(directory));
  if (!names.ok) return;
  for (const name of names.value) {
    const [, file, pid] = TEMP.exec(name) ?? [];
    const path = join(directory, name);
    // Only the owner writes the other files, and we are the owner.
    if (file === undefined || (file === 'serve.lock' && !isLeft(path, Number(pid), isDeadHolder)))
      continue;
    bestEffort(() => unlinkSync(path));
  }
}

/** Whether a contender is dead: by its line, or by its pid when the line is incomplete. */
function isLeft(path: string, pid: number, isDeadHolder: (line: string) => boolean): boolean {
  const entry = readEntry(path, 4096);
  if (entry.is === 'absent') return false;
  const unfinished = entry.is !== 'file' || !entry.text.endsWith('\n');
  return unfinished ? isDead(look(pid)) : isDeadHolder(entry.text);
}
