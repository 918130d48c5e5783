/**
 * What one client has not taken yet. Says when that is so much that it gets nothing more to wait for,
 * and counts it against the bytes that the process may hold, as long as the client takes anything at
 * all: one that has stopped must not slow down the others' servers. Owned by the edge; holds a timer
 * while there is much.
 */
import { type ByteCredit, unitsOf } from '../../shared/memory/byte-credit.ts';

export interface UnsentOptions {
  readonly credit: Pick<ByteCredit, 'addUnits'>;
  /** Bytes that wait now. */
  readonly waiting: () => number;
  /** It was congested and is no longer. */
  readonly onDrained: () => void;
}

/** A client for which more waits than this is congested. */
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
  #congested = false;

  constructor(options: UnsentOptions) {
    this.#options = options;
  }

  get congested(): boolean {
    return this.#options.waiting() > MAX_UNSENT_BYTES;
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
    const wasCongested = this.#congested;
    this.#congested = waiting > MAX_UNSENT_BYTES;
    if (waiting < COUNTED_FROM_BYTES) this.close();
    if (wasCongested && !this.#congested) this.#options.onDrained();
  }

  #count(bytes: number): void {
    const units = unitsOf(bytes);
    this.#options.credit.addUnits(units - this.#units);
    this.#units = units;
  }
}
