/**
 * Backpressure of one client: what it was sent and has not read. Says when it needs a drain before it gets
 * more, and counts what waits against the bytes that the process may hold, as long as the client reads
 * anything at all: one that has stopped must not slow down the others' servers. Owned by the face; holds a
 * timer while there is much.
 */
import { type ByteCredit, unitsOf } from '../../shared/memory/byte-credit.ts';

export interface UnsentOptions {
  readonly credit: Pick<ByteCredit, 'addUnits'>;
  /** Bytes that wait now. */
  readonly waiting: () => number;
  /** It needed a drain, and does no longer. */
  readonly onDrained: () => void;
}

/** Above this the client gets nothing more to wait for until it has read some of it. */
export const MAX_UNSENT_BYTES = 32 * 1024 * 1024;
/** Less than this is not worth an account. */
const COUNTED_FROM_BYTES = 256 * 1024;
const LOOK_MS = 20;
/** A client that takes nothing for this long has stopped. */
const STOPPED_MS = 1000;

export class Unsent {
  readonly #options: UnsentOptions;
  #timer: NodeJS.Timeout | null = null;
  #given = 0;
  #taken = 0;
  #movedAt = 0;
  #units = 0;
  #full = false;

  constructor(options: UnsentOptions) {
    this.#options = options;
  }

  get needsDrain(): boolean {
    return this.#options.waiting() > MAX_UNSENT_BYTES;
  }

  /** When it has taken something last, monotonic milliseconds; null: it has not stopped, or next to nothing waits. */
  get stoppedAt(): number | null {
    if (this.#timer === null) return null;
    return performance.now() - this.#movedAt < STOPPED_MS ? null : this.#movedAt;
  }

  /** Something was handed to the client's stream. @param bytes its length. */
  given(bytes: number): void {
    this.#given += bytes;
    if (this.#timer === null) {
      if (this.#options.waiting() < COUNTED_FROM_BYTES) return;
      this.#movedAt = performance.now();
      this.#timer = setInterval(() => this.#look(), LOOK_MS);
    }
    this.#look();
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#count(0);
  }

  #look(): void {
    const waiting = this.#options.waiting();
    const now = performance.now();
    const taken = this.#given - waiting;
    if (taken !== this.#taken) {
      this.#taken = taken;
      this.#movedAt = now;
    }
    this.#count(now - this.#movedAt < STOPPED_MS ? waiting : 0);
    const wasFull = this.#full;
    this.#full = waiting > MAX_UNSENT_BYTES;
    if (waiting < COUNTED_FROM_BYTES) this.close();
    if (wasFull && !this.#full) this.#options.onDrained();
  }

  #count(bytes: number): void {
    const units = unitsOf(bytes);
    this.#options.credit.addUnits(units - this.#units);
    this.#units = units;
  }
}
