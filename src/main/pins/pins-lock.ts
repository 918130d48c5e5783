/**
 * The lock of `pins.json`: several gateways and commands write it, each for some milliseconds. A lock of a
 * process that has died is replaced.
 */
import { randomUUID } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatLockLine, type LockHolder } from '../../shared/machines/lock-line.ts';
import { judge } from '../../shared/model/process-identity.ts';
import { attempt } from '../../shared/platform/errno.ts';
import { ownIdentity, systemLook } from '../../shared/platform/identity.ts';
import { LockFiles } from '../../shared/platform/lock-files.ts';
import { removeFile, writeDurably } from '../../shared/platform/safe-file.ts';

export interface HeldLock {
  /** False: it was taken for dead and replaced, and nothing may be written any more. */
  isOurs(): boolean;
  release(): void;
}

export type Locked =
  | { readonly ok: true; readonly lock: HeldLock }
  /** A part of a line. */
  | { readonly ok: false; readonly why: string };

const LOCK_FILE = 'pins.lock';
const WAIT_MS = 5000;
const AGAIN_MS = 5;
/** The holder cannot be looked up, as in another container: it had more than enough time. */
const LONGEST_HELD_MS = 10_000;

/** @param stateDir exists. */
export async function lockPins(stateDir: string): Promise<Locked> {
  const me = ownIdentity();
  const nonce = randomUUID();
  const line = formatLockLine({ ...me, nonce });
  const look = systemLook();
  const isOld = () => {
    const stats = attempt(() => lstatSync(join(stateDir, LOCK_FILE)));
    return stats.ok && Math.abs(Date.now() - stats.value.mtimeMs) > LONGEST_HELD_MS;
  };
  const files = new LockFiles({
    directory: stateDir,
    self: { lock: LOCK_FILE, temp: `.${LOCK_FILE}.${me.pid}.${nonce}.tmp`, line },
    stage: (path, text) =>
      attempt(() => {
        removeFile(path);
        writeDurably(path, text);
      }),
    judge: (holder: LockHolder) => {
      const verdict = judge(holder, me, look);
      if (verdict !== 'unknown') return verdict;
      return isOld() ? 'dead' : 'alive';
    },
  });
  const until = performance.now() + WAIT_MS;
  for (;;) {
    const outcome = files.acquire();
    if (outcome.result === 'owner') return { ok: true, lock: held(files, line) };
    if (outcome.result === 'blocked') return { ok: false, why: outcome.why };
    if (performance.now() > until) {
      const by = outcome.result === 'busy' ? `process ${outcome.holder.pid}` : 'other processes';
      return { ok: false, why: `${by} has held ${LOCK_FILE} for ${WAIT_MS} ms` };
    }
    await sleep(AGAIN_MS);
  }
}

function held(files: LockFiles, line: string): HeldLock {
  files.sweep();
  return {
    isOurs: () => {
      const read = files.read();
      return read.is === 'held' && read.line === line;
    },
    release: () => {
      files.release();
    },
  };
}
