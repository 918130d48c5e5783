/**
 * Executes the effects of the lock machine on a real directory. Synchronous: an attempt takes milliseconds
 * and never waits. Whether a holder is dead is decided by the caller.
 */
import { linkSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
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
} from '../machines/lock.ts';
import { type LockHolder, parseLockLine } from '../machines/lock-line.ts';
import { type Attempt, attempt } from './errno.ts';
import { readEntry, removeFile, writeDurably } from './safe-file.ts';

export interface LockFilesOptions {
  /** Absolute. */
  readonly directory: string;
  readonly self: LockSelf;
  readonly judge: (holder: LockHolder) => 'alive' | 'dead';
}

const LONGEST_LINE = 4096;

export class LockFiles {
  readonly #options: LockFilesOptions;

  constructor(options: LockFilesOptions) {
    this.#options = options;
  }

  acquire(): LockOutcome {
    return this.#run(acquire(this.#options.self));
  }

  release(): LockOutcome {
    return this.#run(release(this.#options.self));
  }

  /** Removes claims of dead processes. Only for the owner. */
  sweep(): LockOutcome {
    return this.#run(sweep());
  }

  /** The lock as it is now. */
  read(): LockReply {
    return this.#read(this.#options.self.lock);
  }

  #run(first: LockStep): LockOutcome {
    let at = first;
    while (at.effect !== null) {
      at = step(this.#options.self, at.state, this.#execute(at.effect));
    }
    if (at.state.at !== 'done') throw new Error(`no effect in state ${at.state.at}`);
    return at.state.outcome;
  }

  #execute(effect: LockEffect): LockReply {
    const { directory, self } = this.#options;
    const path = 'name' in effect ? this.#path(effect.name) : '';
    switch (effect.do) {
      case 'read':
        return this.#read(effect.name);
      case 'judge':
        return { is: this.#options.judge(effect.holder) };
      case 'stage':
        return replyTo(attempt(() => this.#stage(this.#path(self.temp))));
      case 'link':
        return replyTo(attempt(() => linkSync(this.#path(self.temp), path)));
      case 'rename':
        return replyTo(attempt(() => renameSync(this.#path(self.temp), path)));
      case 'unlink':
        return gone(attempt(() => unlinkSync(path)));
      case 'rmdir':
        return gone(attempt(() => rmdirSync(path)));
      case 'list': {
        const names = attempt(() => readdirSync(directory));
        if (!names.ok) return { is: 'failed', why: names.failure.message };
        return {
          is: 'names',
          names: names.value.filter((name) => name.startsWith(`${self.lock}~`)),
        };
      }
    }
  }

  /** The private file with the line, whole and synced. */
  #stage(path: string): void {
    removeFile(path);
    writeDurably(path, this.#options.self.line);
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
