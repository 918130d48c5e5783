/**
 * A lock that commands and gateways of a state directory hold for a short time, each for one piece of work. A
 * lock of a process that has died is replaced.
 */
import { randomUUID } from 'node:crypto';
import { lstatSync } from 'node:fs';
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

/** `by`: who has it, in words. `blocked`: only a person, or time, can help. */
export type TriedLock =
  | { readonly kind: 'held'; readonly lock: HeldLock }
  | { readonly kind: 'busy'; readonly by: string }
  | { readonly kind: 'blocked'; readonly why: string };

export interface FileLockOptions {
  /** Absolute; exists. */
  readonly directory: string;
  readonly name: string;
  /** A holder that cannot be looked up, as in another container, had more than enough time after this. */
  readonly longestHeldMs: number;
}

const RELEASE_AGAIN_MS = 500;

export class FileLock {
  readonly #files: LockFiles;
  readonly #line: string;

  constructor({ directory, name, longestHeldMs }: FileLockOptions) {
    const me = ownIdentity();
    const nonce = randomUUID();
    const look = systemLook();
    const isOld = () => {
      const stats = attempt(() => lstatSync(join(directory, name)));
      return stats.ok && Math.abs(Date.now() - stats.value.mtimeMs) > longestHeldMs;
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
        return { kind: 'busy', by: `process ${outcome.holder.pid}` };
      case 'raced':
      case 'released':
      case 'not_ours':
      case 'swept':
        return { kind: 'busy', by: 'other processes' };
    }
  }

  #held(): HeldLock {
    return {
      isOurs: () => {
        const read = this.#files.read();
        return read.is === 'held' && read.line === this.#line;
      },
      release: () => this.#release(),
    };
  }

  /** Again and again while the system refuses it, as without a file descriptor: everybody else waits for it. */
  #release(): void {
    if (this.#files.release().result !== 'blocked') return;
    setTimeout(() => this.#release(), RELEASE_AGAIN_MS).unref();
  }
}
