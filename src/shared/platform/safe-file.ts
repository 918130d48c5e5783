/**
 * Reads and writes small files in a directory that others may have tampered with: follows no symlink,
 * opens only regular files, bounds every read, and a written file appears whole or not at all.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  attempt,
  errorCode,
  errorText,
  expecting,
  type SystemFailure,
  unlessRefused,
} from './errno.ts';

/** `odd` = the entry is not a regular file within the limit; `unreadable` = the system refused. */
export type SafeRead =
  | { readonly kind: 'file'; readonly bytes: Buffer; readonly mtimeMs: number }
  | { readonly kind: 'absent' }
  | { readonly kind: 'odd' | 'unreadable'; readonly detail: string };

/** A flag that some platforms do not have. */
const flag = (name: 'O_NOFOLLOW' | 'O_NONBLOCK'): number => constants[name] ?? 0;
const ABSENT = ['ENOENT', 'ENOTDIR'];
/** Follows no symlink in the last part of the path, and does not wait for the writer of a FIFO. */
const READ_ONLY = constants.O_RDONLY | flag('O_NOFOLLOW') | flag('O_NONBLOCK');

/**
 * Reads a whole file of at most `maxBytes`. Never throws for anything on the disk, never blocks on a FIFO,
 * never follows a symlink in the last part of the path.
 */
export function readSmallFile(path: string, maxBytes: number): SafeRead {
  return withRegularFile(path, (descriptor, stats): SafeRead => {
    const tooLarge = { kind: 'odd', detail: `larger than ${maxBytes} bytes` } as const;
    if (stats.size > maxBytes) return tooLarge;
    const bytes = readRange(descriptor, 0, maxBytes + 1);
    if (bytes.length > maxBytes) return tooLarge;
    return { kind: 'file', bytes, mtimeMs: stats.mtimeMs };
  });
}

/** Opens a regular file and closes it after `use`; otherwise tells why it cannot. */
export function withRegularFile<T>(
  path: string,
  use: (descriptor: number, stats: Stats) => T,
): T | Exclude<SafeRead, { kind: 'file' }> {
  let descriptor: number | undefined;
  try {
    // Even an O_NONBLOCK open of a FIFO wakes a writer that waits for a reader: look first.
    const kind = oddKind(lstatSync(path));
    if (kind !== null) return { kind: 'odd', detail: kind };
    descriptor = openSync(path, READ_ONLY);
    const stats = fstatSync(descriptor);
    const opened = oddKind(stats);
    return opened === null ? use(descriptor, stats) : { kind: 'odd', detail: opened };
  } catch (error) {
    if (errorCode(error) === '') throw error;
    if (ABSENT.includes(errorCode(error))) return { kind: 'absent' };
    return { kind: 'unreadable', detail: errorText(error) };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Reads up to `length` bytes from `position`, fewer only at the end of the file. */
export function readRange(descriptor: number, position: number, length: number): Buffer {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total < length) {
    const chunk = Buffer.allocUnsafe(Math.min(65_536, length - total));
    const count = readSync(descriptor, chunk, 0, chunk.length, position + total);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    total += count;
  }
  return Buffer.concat(chunks, total);
}

/** Whether there is an entry of whatever kind; a link counts, also one that leads nowhere. */
export function isThere(path: string): boolean {
  return unlessRefused(false, () => lstatSync(path, { throwIfNoEntry: false }) !== undefined);
}

/** The kind of an entry that is not a regular file; null for a regular file. */
export function oddKind(stats: Stats): string | null {
  if (stats.isFile()) return null;
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

/**
 * Writes a file of mode 0600 by temp file, fsync and rename; the directory entry is made durable too.
 * Throws the system's error and leaves no temp file behind.
 *
 * @param mode `replace` an entry of that name, or `create`: throws EEXIST if there is one.
 */
export function writeWholeFile(
  path: string,
  text: string | Uint8Array,
  mode: 'replace' | 'create',
): void {
  const temp = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  // A leftover of an earlier process with the same pid: this process writes a file only once at a time.
  removeFile(temp);
  try {
    writeDurably(temp, text);
    if (mode === 'replace') renameSync(temp, path);
    else linkSync(temp, path);
  } finally {
    removeFile(temp);
  }
  fsyncDirectory(dirname(path));
}

/** Removes one entry that is not a directory. Returns true when there was one. */
export function removeFile(path: string): boolean {
  return expecting(ABSENT, false, () => {
    unlinkSync(path);
    return true;
  });
}

/** Creates a file and syncs it. Throws the system's error; a file that is there is one. @param mode whatever the umask says. */
export function writeDurably(path: string, text: string | Uint8Array, mode = 0o600): void {
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  const descriptor = openSync(path, O_WRONLY | O_CREAT | O_EXCL | flag('O_NOFOLLOW'), 0o600);
  try {
    if (mode !== 0o600) fchmodSync(descriptor, mode);
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    let done = 0;
    while (done < bytes.length) done += writeSync(descriptor, bytes, done);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export function fsyncDirectory(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    // Some file systems cannot sync a directory; the rename itself is done.
    expecting(['EINVAL', 'ENOTSUP', 'EPERM'], undefined, () => fsyncSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** `odd` is an entry that is not a readable regular file of ours: a symlink, a FIFO, a socket, mode 000. */
export type FileContent =
  | { readonly is: 'file'; readonly text: string; readonly stats: Stats }
  | { readonly is: 'absent' | 'directory' }
  | { readonly is: 'odd'; readonly stats: Stats }
  | { readonly is: 'failed'; readonly failure: SystemFailure };

/** Errors of open(2) for a symlink, for a socket, and for a file without read permission. */
const NOT_OPENED = new Set(['ELOOP', 'EMLINK', 'ENXIO', 'EACCES']);

/** Text beyond `limit` bytes is left out. */
export function readEntry(path: string, limit: number): FileContent {
  const opened = attempt(() => openSync(path, READ_ONLY));
  if (!opened.ok) return whyNotOpened(path, opened.failure);
  const read = attempt((): FileContent => {
    const stats = fstatSync(opened.value);
    if (stats.isDirectory()) return { is: 'directory' };
    if (!stats.isFile()) return { is: 'odd', stats };
    return { is: 'file', text: readRange(opened.value, 0, limit).toString('utf8'), stats };
  });
  const closed = attempt(() => closeSync(opened.value));
  if (!read.ok) return { is: 'failed', failure: read.failure };
  return closed.ok ? read.value : { is: 'failed', failure: closed.failure };
}

function whyNotOpened(path: string, failure: SystemFailure): FileContent {
  if (failure.code === 'ENOENT') return { is: 'absent' };
  if (!NOT_OPENED.has(failure.code)) return { is: 'failed', failure };
  const looked = attempt(() => lstatSync(path));
  if (!looked.ok) {
    return looked.failure.code === 'ENOENT'
      ? { is: 'absent' }
      : { is: 'failed', failure: looked.failure };
  }
  const stats = looked.value;
  if (stats.isDirectory()) return { is: 'directory' };
  // Not `odd`: another user's file may be in use, and only that user can read it.
  const foreign = stats.isFile() && stats.uid !== process.geteuid?.();
  return foreign ? { is: 'failed', failure } : { is: 'odd', stats };
}
