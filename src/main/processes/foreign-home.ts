/** Whose home a path lies in. */
import { lstatSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { sep } from 'node:path';
import { errorCode } from '../../shared/platform/errno.ts';

/**
 * True where a path lies in a HOME of somebody else that this user cannot enter, as services have it that keep
 * the HOME of root. Nothing there is meant for this user.
 */
export function isInForeignHome(path: string): boolean {
  const home = homedir();
  if (!path.startsWith(`${home}${sep}`)) return false;
  try {
    lstatSync(path);
    return false;
  } catch (error) {
    if (errorCode(error) !== 'EACCES') return false;
  }
  try {
    return statSync(home).uid !== process.getuid?.();
  } catch (error) {
    return errorCode(error) === 'EACCES';
  }
}
