/**
 * The kill switch as people set and clear it: the file `HALT` of `.rea`. Any entry of that name, in any case
 * of letters, counts; what is not ours to remove is left alone.
 */
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  rmdirSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { errorCode, errorText, expecting } from '../../shared/platform/errno.ts';
import { removeFile, writeWholeFile } from '../../shared/platform/safe-file.ts';

/** Names of the entries that set it. @throws the system's error when the directory cannot be listed. */
export function haltEntries(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.toLowerCase() === 'halt')
    .sort();
}

/** @returns false when it is set already. @throws the system's error. */
export function setHalt(dir: string, reason: string): boolean {
  if (haltEntries(dir).length > 0) return false;
  const path = join(dir, 'HALT');
  const text = `${reason}\n`;
  try {
    writeWholeFile(path, text, 'create');
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    // On a full disk a name may still be made, and that is enough.
    return createBare(path, text);
  }
}

/** @returns why an entry is still there, in words; null: the switch is cleared. @throws the system's error. */
export function clearHalt(dir: string): string | null {
  for (const name of haltEntries(dir)) {
    const path = join(dir, name);
    try {
      if (isDirectory(path)) rmdirSync(path);
      else removeFile(path);
    } catch (error) {
      if (errorCode(error) === '') throw error;
      return `${path} cannot be removed: ${errorText(error)}`;
    }
  }
  return null;
}

function createBare(path: string, text: string): boolean {
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  return expecting(['EEXIST'], false, () => {
    const descriptor = openSync(path, O_WRONLY | O_CREAT | O_EXCL, 0o600);
    try {
      expecting(['ENOSPC', 'EDQUOT', 'EIO'], 0, () => writeSync(descriptor, text));
    } finally {
      closeSync(descriptor);
    }
    return true;
  });
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
