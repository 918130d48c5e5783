/**
 * The lock of the state file: executes the effects of the lock machine on the real directory. Owned by the
 * state-writer thread. Identity and nonce belong to the process, so that a new thread continues with the
 * lock of the previous one. Decides nothing itself except whether a holder is dead.
 */
import { lstatSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import type { LockOutcome, LockSelf } from '../../shared/machines/lock.ts';
import { formatLockLine, type LockHolder, parseLockLine } from '../../shared/machines/lock-line.ts';
import { judge } from '../../shared/model/process-identity.ts';
import { attempt } from '../../shared/platform/errno.ts';
import { systemLook } from '../../shared/platform/identity.ts';
import { LockFiles } from '../../shared/platform/lock-files.ts';
import type { Fence } from './atomic-file.ts';
import { type ForeignHolder, isQuiet, observe } from './foreign-holder.ts';
import { readSeq } from './state-file.ts';

export const LOCK_FILE = 'serve.state.json.lock';
const look = systemLook();

export interface LockOptions {
  /** Absolute path of `.rea`. */
  readonly directory: string;
  readonly holder: LockHolder;
  readonly heartbeatMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export class StateLock {
  readonly #options: LockOptions;
  readonly #self: LockSelf;
  readonly #files: LockFiles;
  readonly #foreign = new Map<string, ForeignHolder>();

  constructor(options: LockOptions) {
    const { pid, nonce } = options.holder;
    this.#options = options;
    this.#self = {
      lock: LOCK_FILE,
      temp: `.serve.lock.${pid}.${nonce}.tmp`,
      line: formatLockLine(options.holder),
    };
    this.#files = new LockFiles({
      directory: options.directory,
      self: this.#self,
      judge: (holder) => this.#judge(holder),
    });
  }

  /** One attempt; takes milliseconds and never waits. */
  acquire(): LockOutcome {
    const { directory } = this.#options;
    const entry = attempt(() => lstatSync(directory));
    if (!entry.ok) return { result: 'blocked', why: entry.failure.message };
    if (!entry.value.isDirectory()) {
      return { result: 'blocked', why: `${directory} is not a directory` };
    }
    const outcome = this.#files.acquire();
    if (outcome.result === 'owner') this.#foreign.clear();
    return outcome;
  }

  /** Whether this process still holds the lock. Asked before every rename. */
  fence(): Fence {
    const read = this.#files.read();
    if (read.is === 'failed')
      return { code: 'ELOCK', message: `cannot read the lock: ${read.why}` };
    return read.is === 'held' && read.line === this.#self.line ? 'ours' : 'lost';
  }

  /** Removes claims of dead processes. Only for the owner. */
  sweep(): void {
    this.#files.sweep();
  }

  /** Removes the lock if it is ours. */
  release(): LockOutcome {
    return this.#files.release();
  }

  /** Whether a holder can be judged only by what it writes. */
  isForeign(holder: LockHolder): boolean {
    return this.#foreign.has(holder.nonce);
  }

  /** Whether the process of a lock line is known to be dead. */
  isDead(line: string): boolean {
    const holder = parseLockLine(line);
    return holder !== null && this.#judge(holder) === 'dead';
  }

  #judge(holder: LockHolder): 'alive' | 'dead' {
    const me = this.#options.holder;
    // A holder of an earlier boot is dead. If the file was written since this boot, it is on another host.
    const elsewhere = holder.boot_id !== me.boot_id && this.#writtenSinceBoot();
    const verdict = elsewhere ? 'unknown' : judge(holder, me, look);
    if (verdict !== 'unknown') return verdict;
    const seq = readSeq(this.#options.directory);
    const before = this.#foreign.get(holder.nonce);
    const seen = observe(before, holder.nonce, seq, this.#options.now());
    this.#foreign.set(holder.nonce, seen);
    return isQuiet(seen, this.#options.heartbeatMs) ? 'dead' : 'alive';
  }

  #writtenSinceBoot(): boolean {
    const stats = attempt(() => lstatSync(this.#path('serve.state.json')));
    return stats.ok && stats.value.mtimeMs > Date.now() - uptime() * 1000;
  }

  #path(name: string): string {
    return join(this.#options.directory, name);
  }
}
