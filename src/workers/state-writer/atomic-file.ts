/**
 * Replaces a file so that a reader sees the whole old or the whole new file, even after a power cut:
 * private temp file, fsync, rename, fsync of the directory. Follows no symlink. Leaves no temp file behind
 * unless the process is killed or the file system refuses to remove it.
 */
import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import {
  type Attempt,
  attempt,
  bestEffort,
  type SystemFailure,
} from '../../shared/platform/errno.ts';

/** Answer of the fence, right before the rename. */
export type Fence = 'ours' | 'lost' | SystemFailure;

/** `fenced`: the lock was lost, and nothing was replaced. */
export type WriteResult = 'written' | 'fenced' | SystemFailure;

const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
const DIRECTORY = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | NO_FOLLOW;
/** Some file systems cannot sync a directory; the rename itself has happened. */
const CANNOT_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EPERM', 'EISDIR']);

/** Place of a file. `temp` is a name in the same directory that no other process uses. */
export interface AtomicTarget {
  readonly directory: string;
  readonly path: string;
  readonly temp: string;
}

/** @param fence asked once, when only the rename is left to do. */
export function writeAtomic(target: AtomicTarget, text: string, fence: () => Fence): WriteResult {
  const written = createWhole(target.temp, text);
  if (!written.ok) return written.failure;
  const verdict = fence();
  const renamed =
    verdict === 'ours' ? attempt(() => renameSync(target.temp, target.path)) : undefined;
  if (renamed?.ok) {
    const synced = syncDirectory(target.directory);
    return synced.ok ? 'written' : synced.failure;
  }
  bestEffort(() => unlinkSync(target.temp));
  if (renamed !== undefined) return renamed.failure;
  return verdict === 'lost' ? 'fenced' : (verdict as SystemFailure);
}

/**
 * Creates a file with mode 0600, and syncs it to the disk. A leftover of the same name is removed first;
 * after an error nothing is left.
 */
function createWhole(path: string, text: string): Attempt<void> {
  let opened = attempt(() => openSync(path, NEW_FILE, 0o600));
  if (!opened.ok && opened.failure.code === 'EEXIST') {
    bestEffort(() => unlinkSync(path));
    opened = attempt(() => openSync(path, NEW_FILE, 0o600));
  }
  if (!opened.ok) return opened;
  const descriptor = opened.value;
  const filled = attempt(() => {
    writeAll(descriptor, Buffer.from(text));
    fsyncSync(descriptor);
  });
  const closed = attempt(() => closeSync(descriptor));
  const result = filled.ok ? closed : filled;
  if (!result.ok) bestEffort(() => unlinkSync(path));
  return result;
}

/** A full disk may take only a part; the next write then fails with the reason. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

function syncDirectory(path: string): Attempt<void> {
  const opened = attempt(() => openSync(path, DIRECTORY));
  if (!opened.ok) return opened;
  const synced = attempt(() => fsyncSync(opened.value));
  const closed = attempt(() => closeSync(opened.value));
  if (!synced.ok && !CANNOT_SYNC.has(synced.failure.code)) return synced;
  return closed;
}
