/**
 * Reads small files that anybody may have put there: follows no symlink, waits for no FIFO, reads no
 * more than a limit.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
} from 'node:fs';
import { attempt, type SystemFailure } from './system-call.ts';

/** `odd` is an entry that is no readable regular file of ours: a symlink, a FIFO, a socket, mode 000. */
export type FileContent =
  | { readonly is: 'file'; readonly text: string; readonly stats: Stats }
  | { readonly is: 'absent' | 'directory' }
  | { readonly is: 'odd'; readonly stats: Stats }
  | { readonly is: 'failed'; readonly failure: SystemFailure };

const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** What open(2) says of a symlink, of a socket, and of a file without read permission. */
const NOT_OPENED = new Set(['ELOOP', 'EMLINK', 'ENXIO', 'EACCES']);

/** Text beyond `limit` bytes is left out. */
export function readEntry(path: string, limit: number): FileContent {
  const opened = attempt(() => openSync(path, FLAGS));
  if (!opened.ok) return whyNotOpened(path, opened.failure);
  const read = attempt((): FileContent => {
    const stats = fstatSync(opened.value);
    if (stats.isDirectory()) return { is: 'directory' };
    if (!stats.isFile()) return { is: 'odd', stats };
    return { is: 'file', text: readUpTo(opened.value, limit), stats };
  });
  const closed = attempt(() => closeSync(opened.value));
  if (!read.ok) return { is: 'failed', failure: read.failure };
  return closed.ok ? read.value : { is: 'failed', failure: closed.failure };
}

function readUpTo(descriptor: number, limit: number): string {
  const chunks: Buffer[] = [];
  for (let left = limit; left > 0; ) {
    const chunk = Buffer.allocUnsafe(Math.min(left, 65_536));
    const size = readSync(descriptor, chunk, 0, chunk.length, null);
    if (size === 0) break;
    chunks.push(chunk.subarray(0, size));
    left -= size;
  }
  return Buffer.concat(chunks).toString('utf8');
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
  // A file of another user may be alive in his hands: only he can read it.
  const foreign = stats.isFile() && stats.uid !== process.geteuid?.();
  return foreign ? { is: 'failed', failure } : { is: 'odd', stats };
}
