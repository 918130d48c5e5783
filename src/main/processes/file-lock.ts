/**
 * A lock that commands and gateways of a state directory hold for a short time, each for one piece of work. A
 * lock of a process that has died is replaced.
 */
import { randomUUID } from 'node:crypto';
import { lstatSync, utimes } from 'node:fs';
import { join } from 'node:path';
import { formatLockLine, type LockHolder } from '../../shared/machines/lock-line.ts';
import { judge } from '../../shared/model/process-identity.ts';
import { attempt } from '../../shared/platform/errno.ts';
import { ownIdentity, systemLook } from '../../shared/platform/identity.ts';
import { LockFiles } from '../../shared/platform/lock-files.ts';

export interface HeldLock {
  /** False: it was taken for dead and replaced, and nothing may be written any more. */
  isOurs(): boolean;
  release(): void;
}

/**
 * `by`: who has it, in words; `sign`: another one as often as the holder shows that it works, see `beatMs`.
 * `blocked`: only a person, or time, can help.
 */
export type TriedLock =
  | { readonly kind: 'held'; readonly lock: HeldLock }
  | { readonly kind: 'busy'; readonly by: string; readonly sign: string }
  | { readonly kind: 'blocked'; readonly why: string };

export interface FileLockOptions {
  /** Absolute; exists. */
  readonly directory: string;
  readonly name: string;
  /** A holder that cannot be looked up, as in another container, had more than enough time after this. */
  readonly longestHeldMs: number;
  /** So often a holder shows that it works: one that is stopped, or hangs, does not. @default never */
  readonly beatMs?: number;
}

const RELEASE_AGAIN_MS = 500;

export class FileLock {
  readonly #files: LockFiles;
  readonly #line: string;
  readonly #path: string;
  readonly #beatMs: number | null;
  readonly #container: string;

  constructor({ directory, name, longestHeldMs, beatMs }: FileLockOptions) {
    const me = ownIdentity();
    const nonce = randomUUID();
    const look = systemLook();
    this.#path = join(directory, name);
    this.#beatMs = beatMs ?? null;
    this.#container = me.pid_ns;
    const isOld = () => {
      const time = this.#time();
      return time !== null && Math.abs(Date.now() - time) > longestHeldMs;
    };
    this.#line = formatLockLine({ ...me, nonce });
    this.#files = new LockFiles({
      directory,
      self: { lock: name, temp: `.${name}.${me.pid}.${nonce}.tmp`, line: this.#line },
      judge: (holder: LockHolder) => {
        const verdict = judge(holder, me, look);
        if (verdict !== 'unknown') return verdict;
        return isOld() ? 'dead' : 'alive';
      },
    });
  }

  /** One attempt; takes milliseconds and never waits. */
  try(): TriedLock {
    const outcome = this.#files.acquire();
    switch (outcome.result) {
      case 'owner':
        this.#files.sweep();
        return { kind: 'held', lock: this.#held() };
      case 'blocked':
        return { kind: 'blocked', why: outcome.why };
      case 'busy':
        return this.#busy(outcome.holder);
      case 'raced':
      case 'released':
      case 'not_ours':
      case 'swept':
        return { kind: 'busy', by: 'other processes', sign: randomUUID() };
    }
  }

  #busy({ pid, pid_ns, nonce }: LockHolder): TriedLock {
    // Elsewhere another process has that number.
    const where = pid_ns === this.#container ? '' : ' in another container';
    return { kind: 'busy', by: `process ${pid}${where}`, sign: `${nonce} ${this.#time()}` };
  }

  #held(): HeldLock {
    const beat = this.#beatMs === null ? null : setInterval(() => this.#beat(), this.#beatMs);
    beat?.unref();
    return {
      isOurs: () => {
        const read = this.#files.read();
        return read.is === 'held' && read.line === this.#line;
      },
      release: () => {
        if (beat !== null) clearInterval(beat);
        this.#release();
      },
    };
  }

  /** Not in this thread: on a file system that hangs it would wait as well. */
  #beat(): void {
    const now = new Date();
    // A lock that is gone, or cannot be touched, shows no sign, and others are to see that.
    utimes(this.#path, now, now, () => undefined);
  }

  /** When the lock was taken, or has beaten; null: there is none. */
  #time(): number | null {
    const stats = attempt(() => lstatSync(this.#path));
    return stats.ok ? stats.value.mtimeMs : null;
  }

  /** Again and again while the system refuses it, as without a file descriptor: everybody else waits for it. */
  #release(): void {
    if (this.#files.release().result !== 'blocked') return;
    setTimeout(() => this.#release(), RELEASE_AGAIN_MS).unref();
  }
}
