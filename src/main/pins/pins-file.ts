/**
 * `pins.json` in the state directory. It is read again under a lock before each write, so that of several
 * gateways and commands none loses what another has pinned; a reader sees the old file or the new one. Its
 * programs are compared by an HMAC, whose key lies beside it.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { copyFile, type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NO_PINS, PINS_FILE, type Pins } from '../../shared/model/pins.ts';
import { errorCode, errorText, expecting } from '../../shared/platform/errno.ts';
import { readRange, withRegularFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import type { HeldLock } from '../processes/file-lock.ts';
import { lockPins } from './pins-lock.ts';
import {
  identityOf,
  MAX_PINS_BYTES,
  type PinsIdentity,
  pinsOf,
  pinsPath,
  readPins,
} from './read-pins.ts';

export type PinsUpdate =
  | {
      readonly ok: true;
      readonly pins: Pins;
      /** False: there was nothing to change. */
      readonly written: boolean;
      /** The file that `change` was given, and the one that holds `pins` now. */
      readonly from: PinsIdentity;
      readonly to: PinsIdentity;
    }
  /** One line: the file, what is wrong, what to do. */
  | { readonly ok: false; readonly error: string };

export interface UpdateOptions {
  /** A damaged file is put aside as `pins.json.damaged`, and begun anew. @default false */
  readonly replaceDamaged?: boolean;
}

export type PinsKey =
  | { readonly ok: true; readonly key: Buffer }
  | { readonly ok: false; readonly error: string };

const KEY_FILE = 'pins.key';
const KEY_BYTES = 32;

/**
 * Changes the file. Changes of one process are made one after the other.
 *
 * @param stateDir exists, and is ours alone.
 * @param change makes the new content of the present one; returns it as it is if there is nothing to change.
 */
export async function updatePins(
  stateDir: string,
  change: (pins: Pins) => Pins,
  { replaceDamaged = false }: UpdateOptions = {},
): Promise<PinsUpdate> {
  const file = pinsPath(stateDir);
  const failed = (why: string): PinsUpdate => ({
    ok: false,
    error: `${file} cannot be written: ${why}; what was to be pinned is not pinned`,
  });
  try {
    const locked = await lockPins(stateDir);
    if (!locked.ok) return failed(locked.why);
    try {
      // Before it is read: a file that is put there meanwhile counts as another one.
      const from = identityOf(stateDir);
      const read = readPins(stateDir);
      if (read.kind === 'damaged' && !replaceDamaged) return failed(`it ${read.why}`);
      const before = pinsOf(read);
      const pins = change(before ?? NO_PINS);
      if (pins === before) return { ok: true, pins, written: false, from, to: from };
      const text = `${JSON.stringify(pins)}\n`;
      const bytes = Buffer.byteLength(text);
      if (bytes > MAX_PINS_BYTES)
        return failed(`it would have ${bytes} of ${MAX_PINS_BYTES} bytes`);
      if (before === null) await keepDamaged(file);
      const to = await replace(stateDir, text, locked.lock);
      if (to === null) return failed('another process has taken the lock');
      return { ok: true, pins, written: true, from, to };
    } finally {
      locked.lock.release();
    }
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return failed(errorText(error));
  }
}

/** The key of a state directory's program pins; made now if it has none yet. */
export function pinsKey(stateDir: string): PinsKey {
  const file = join(stateDir, KEY_FILE);
  const known = readKey(file);
  if (known !== null) return known;
  try {
    // When several processes begin at once, one makes the key and all of them read that one.
    expecting(['EEXIST'], undefined, () =>
      writeWholeFile(file, `${randomBytes(KEY_BYTES).toString('hex')}\n`, 'create'),
    );
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return refused(file, `cannot be written (${errorText(error)})`);
  }
  return readKey(file) ?? refused(file, 'was removed while it was made');
}

/** The key if there is one; null: none was made yet. */
export function readKey(file: string): PinsKey | null {
  const read = withRegularFile(file, (descriptor, { uid, mode }): PinsKey => {
    const user = process.getuid?.();
    if (user !== undefined && uid !== user) {
      return refused(file, `belongs to user ${uid}, not to ${user}`);
    }
    if (user !== undefined && (mode & 0o077) !== 0) {
      return refused(file, `others have access to it (mode ${(mode & 0o777).toString(8)})`);
    }
    const text = readRange(descriptor, 0, 1024).toString('latin1');
    const [, hex] = /^([0-9a-f]{64})\n?$/.exec(text) ?? [];
    if (hex === undefined) return refused(file, 'holds no key');
    return { ok: true, key: Buffer.from(hex, 'hex') };
  });
  if ('ok' in read) return read;
  return read.kind === 'absent' ? null : refused(file, `cannot be used (${read.detail})`);
}

export function keyPath(stateDir: string): string {
  return join(stateDir, KEY_FILE);
}

function refused(file: string, why: string): PinsKey {
  return {
    ok: false,
    error: `the key of the pins ${file}: ${why}; remove it, and take all programs anew: rea pins accept --all`,
  };
}

/** The file stays in its place until another one takes it: without any, the next start would accept all that is there. */
async function keepDamaged(file: string): Promise<void> {
  const kept = `${file}.damaged`;
  if ((await lstat(file)).isFile()) await copyFile(file, kept);
  else await rename(file, kept);
}

/** @returns the new file; null when the lock was lost. */
async function replace(
  stateDir: string,
  text: string,
  lock: HeldLock,
): Promise<PinsIdentity | null> {
  await removeLeftovers(stateDir);
  const temp = join(stateDir, `.${PINS_FILE}.${randomUUID()}.tmp`);
  try {
    await writeSynced(await open(temp, 'wx', 0o600), text);
    if (!lock.isOurs()) return null;
    await rename(temp, pinsPath(stateDir));
  } finally {
    await rm(temp, { force: true });
  }
  // Under the lock, so that it is the file that was written here.
  const written = identityOf(stateDir);
  await syncDirectory(stateDir);
  return written;
}

async function writeSynced(file: FileHandle, text: string): Promise<void> {
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What a killed process has left: only who holds the lock writes such a file. */
async function removeLeftovers(stateDir: string): Promise<void> {
  const names = await readdir(stateDir);
  const left = names.filter((name) => name.startsWith(`.${PINS_FILE}.`) && name.endsWith('.tmp'));
  for (const name of left) await rm(join(stateDir, name), { force: true });
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } catch (error) {
    // Some file systems cannot sync a directory; the rename itself is done.
    if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes(errorCode(error))) throw error;
  } finally {
    await directory.close();
  }
}
