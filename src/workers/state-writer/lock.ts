/**
 * The lock of the state file: executes the effects of the lock machine on the real directory. Owned by the
 * state-writer thread. Identity and nonce belong to the process, so that a new thread continues with the
 * lock of the previous one. Decides nothing itself except whether a holder is dead.
 */
import { linkSync, lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import {
  acquire,
  type LockEffect,
  type LockOutcome,
  type LockReply,
  type LockSelf,
  type LockStep,
  release,
  step,
  sweep,
} from '../../shared/machines/lock.ts';
import { formatLockLine, type LockHolder, parseLockLine } from '../../shared/machines/lock-line.ts';
import { judge } from '../../shared/model/process-identity.ts';
import { type Attempt, attempt } from '../../shared/platform/errno.ts';
import { systemLook } from '../../shared/platform/identity.ts';
import { readEntry } from '../../shared/platform/safe-file.ts';
import { createWhole, type Fence } from './atomic-file.ts';
import { type ForeignHolder, isQuiet, observe } from './foreign-holder.ts';
import { readSeq } from './state-file.ts';

export const LOCK_FILE = 'serve.state.json.lock';
const look = systemLook();
const LONGEST_LINE = 4096;

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
  readonly #foreign = new Map<string, ForeignHolder>();

  constructor(options: LockOptions) {
    const { pid, nonce } = options.holder;
    this.#options = options;
    this.#self = {
      lock: LOCK_FILE,
      temp: `.serve.lock.${pid}.${nonce}.tmp`,
      line: formatLockLine(options.holder),
    };
  }

  /** One attempt; takes milliseconds and never waits. */
  acquire(): LockOutcome {
    const { directory } = this.#options;
    const entry = attempt(() => lstatSync(directory));
    if (!entry.ok) return { result: 'blocked', why: entry.failure.message };
    if (!entry.value.isDirectory()) {
      return { result: 'blocked', why: `${directory} is not a directory` };
    }
    const outcome = this.#run(acquire(this.#self));
    if (outcome.result === 'owner') this.#foreign.clear();
    return outcome;
  }

  /** Whether this process still holds the lock. Asked before every rename. */
  fence(): Fence {
    const read = this.#read(LOCK_FILE);
    if (read.is === 'failed')
      return { code: 'ELOCK', message: `cannot read the lock: ${read.why}` };
    return read.is === 'held' && read.line === this.#self.line ? 'ours' : 'lost';
  }

  /** Removes claims of dead processes. Only for the owner. */
  sweep(): void {
    this.#run(sweep());
  }

  /** Removes the lock if it is ours. */
  release(): LockOutcome {
    return this.#run(release(this.#self));
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

  #run(first: LockStep): LockOutcome {
    let at = first;
    while (at.effect !== null) at = step(this.#self, at.state, this.#execute(at.effect));
    if (at.state.at !== 'done') throw new Error(`no effect in state ${at.state.at}`);
    return at.state.outcome;
  }

  #execute(effect: LockEffect): LockReply {
    const path = 'name' in effect ? this.#path(effect.name) : '';
    switch (effect.do) {
      case 'read':
        return this.#read(effect.name);
      case 'judge':
        return { is: this.#judge(effect.holder) };
      case 'stage':
        return replyTo(createWhole(this.#path(this.#self.temp), this.#self.line));
      case 'link':
        return replyTo(attempt(() => linkSync(this.#path(this.#self.temp), path)));
      case 'rename':
        return replyTo(attempt(() => renameSync(this.#path(this.#self.temp), path)));
      case 'unlink':
        return gone(attempt(() => unlinkSync(path)));
      case 'rmdir':
        return gone(attempt(() => rmdirSync(path)));
      case 'list': {
        const names = attempt(() => readdirSync(this.#options.directory));
        if (!names.ok) return { is: 'failed', why: names.failure.message };
        return {
          is: 'names',
          names: names.value.filter((name) => name.startsWith(`${LOCK_FILE}~`)),
        };
      }
    }
  }

  #read(name: string): LockReply {
    const entry = readEntry(this.#path(name), LONGEST_LINE);
    switch (entry.is) {
      case 'file': {
        const holder = parseLockLine(entry.text);
        if (holder !== null) return { is: 'held', line: entry.text, holder };
        return { is: 'malformed', key: keyOf(entry.stats) };
      }
      case 'odd':
        return { is: 'malformed', key: keyOf(entry.stats) };
      case 'failed':
        return { is: 'failed', why: entry.failure.message };
      case 'absent':
      case 'directory':
        return { is: entry.is };
    }
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

function keyOf(stats: { readonly ino: number; readonly mtimeMs: number }): string {
  return `x${stats.ino}-${Math.trunc(stats.mtimeMs)}`;
}

function replyTo(result: Attempt<void>): LockReply {
  if (result.ok) return { is: 'ok' };
  if (result.failure.code === 'EEXIST') return { is: 'exists' };
  return { is: 'failed', why: result.failure.message };
}

function gone(result: Attempt<void>): LockReply {
  return !result.ok && result.failure.code === 'ENOENT' ? { is: 'absent' } : replyTo(result);
}
