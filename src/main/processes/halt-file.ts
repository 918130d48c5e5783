/**
 * The kill switch as people set, see and clear it: the file `HALT` of `.rea`. Any entry of that name, in any case
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
import { readSmallFile, removeFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import { clip } from '../../shared/text/clean-text.ts';

export interface Halt {
  readonly active: boolean;
  readonly reason: string | null;
  /** The entry of `.rea` that sets it; null when the directory cannot be listed. */
  readonly entry: string | null;
}

const MAX_REASON_BYTES = 64 * 1024;
const MAX_REASON = 1024;
const NOT_SET: Halt = { active: false, reason: null, entry: null };

/** Names of the entries that set it. @throws the system's error when the directory cannot be listed. */
export function haltEntries(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.toLowerCase() === 'halt')
    .sort();
}

/**
 * The kill switch: any entry of `.rea` named `halt` in any case. An entry that is not a regular file is
 * never opened. A directory that cannot be listed halts the gateway too.
 */
export function readHalt(dir: string): Halt {
  let name: string | undefined;
  try {
    [name] = haltEntries(dir);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return NOT_SET;
    if (code === '') throw error;
    return { active: true, reason: `${dir} cannot be listed: ${errorText(error)}`, entry: null };
  }
  if (name === undefined) return NOT_SET;
  const file = readSmallFile(join(dir, name), MAX_REASON_BYTES);
  const reason = file.kind === 'file' ? file.bytes.toString('utf8').trim() : '';
  return { active: true, reason: reason === '' ? null : clip(reason, MAX_REASON), entry: name };
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
