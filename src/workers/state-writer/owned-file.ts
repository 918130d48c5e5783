/**
 * One file that the owner of the lock keeps up to date: when a write is due, and the last failure. Does not
 * know its content.
 */
import { unlinkSync } from 'node:fs';
import { attempt, type SystemFailure } from '../../shared/platform/errno.ts';
import { type AtomicTarget, type Fence, writeAtomic } from './atomic-file.ts';
import {
  changed,
  dueAt,
  failed,
  heartbeatAt,
  NOTHING_TO_WRITE,
  type Pace,
  type Schedule,
  skipped,
  written,
} from './schedule.ts';

export interface OwnedFileOptions {
  readonly target: AtomicTarget;
  readonly pace: Pace;
  /** Asked right before each rename. */
  readonly fence: () => Fence;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export class OwnedFile {
  readonly #options: OwnedFileOptions;
  #schedule: Schedule = NOTHING_TO_WRITE;
  /** The failure of the last write; null when it succeeded. */
  failure: SystemFailure | null = null;

  constructor(options: OwnedFileOptions) {
    this.#options = options;
  }

  /** The content has changed. @param urgent whether to write as soon as the pace allows. */
  touch(urgent: boolean): void {
    this.#schedule = changed(this.#schedule, this.#options.now(), urgent);
  }

  /** The change turned out to be none. */
  skip(): void {
    this.#schedule = skipped(this.#schedule);
  }

  /** Forgets pending changes: this process is not the owner any more. */
  reset(): void {
    this.#schedule = NOTHING_TO_WRITE;
    this.failure = null;
  }

  dueAt(): number {
    return dueAt(this.#schedule, this.#options.pace);
  }

  isHeartbeatDue(): boolean {
    return this.#options.now() >= heartbeatAt(this.#schedule, this.#options.pace);
  }

  write(text: string): 'written' | 'fenced' | SystemFailure {
    const startedAt = this.#options.now();
    const result = writeAtomic(this.#options.target, text, this.#options.fence);
    if (typeof result === 'string') {
      this.failure = null;
      this.#schedule = written(startedAt, this.#options.now() - startedAt);
    } else {
      this.failure = result;
      this.#schedule = failed(this.#schedule, this.#options.now());
    }
    return result;
  }

  /** Null when the file is gone. */
  remove(): SystemFailure | null {
    const removed = attempt(() => unlinkSync(this.#options.target.path));
    return removed.ok || removed.failure.code === 'ENOENT' ? null : removed.failure;
  }
}
