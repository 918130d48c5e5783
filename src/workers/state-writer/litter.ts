/**
 * Removes what dead owners left half done: their temp files. Called once by each new owner. The files
 * of a living contender stay; were one removed by mistake, its owner would merely try again.
 */
import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isDead } from '../../shared/model/process-identity.ts';
import { attempt, bestEffort } from '../../shared/platform/errno.ts';
import { systemLook } from '../../shared/platform/identity.ts';
import { readEntry } from '../../shared/platform/safe-file.ts';

const look = systemLook();
const TEMP = /^\.(serve\.state|serve\.pid|serve\.lock|catalog)\.(\d{1,10})\.[A-Za-z0-9.-]+\.tmp$/;

/** @param isDeadHolder tells of a whole lock line whether its process is dead. */
export function collectLitter(directory: string, isDeadHolder: (line: string) => boolean): void {
  const names = attempt(() => readdirSync(directory));
  if (!names.ok) return;
  for (const name of names.value) {
    const [, file, pid] = TEMP.exec(name) ?? [];
    const path = join(directory, name);
    // Only owners write the other files, and there is no other owner now.
    if (file === undefined || (file === 'serve.lock' && !isLeft(path, Number(pid), isDeadHolder)))
      continue;
    bestEffort(() => unlinkSync(path));
  }
}

/** A contender that died: by its line, or by its pid where the line was never finished. */
function isLeft(path: string, pid: number, isDeadHolder: (line: string) => boolean): boolean {
  const entry = readEntry(path, 4096);
  if (entry.is === 'absent') return false;
  const unfinished = entry.is !== 'file' || !entry.text.endsWith('\n');
  return unfinished ? isDead(look(pid)) : isDeadHolder(entry.text);
}
