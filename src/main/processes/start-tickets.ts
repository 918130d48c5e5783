/**
 * Start tickets: how many servers may be starting at the same time, because starting is the most
 * expensive thing they do. Main owns the one instance. First come, first served; keeps no time (who
 * holds a ticket gives it back when ready, dead, or after its own limit).
 */
import { availableParallelism } from 'node:os';

/** As many as cores, at least 2. */
export function defaultStartLimit(): number {
  return Math.max(2, availableParallelism());
}

export class StartTickets<K> {
  readonly #limit: number;
  readonly #grant: (holder: K) => void;
  readonly #holding = new Set<K>();
  readonly #queue = new Set<K>();

  /**
   * @param limit tickets at the same time, at least 1.
   * @param grant called for each ticket given out, possibly from within `want`; may call back.
   */
  constructor(limit: number, grant: (holder: K) => void) {
    if (!(limit >= 1)) throw new RangeError(`limit must be at least 1, not ${limit}`);
    this.#limit = limit;
    this.#grant = grant;
  }

  /** Queues for a ticket; without effect for one who waits or holds already. */
  want(holder: K): void {
    if (this.#holding.has(holder)) return;
    this.#queue.add(holder);
    this.#giveOut();
  }

  /** Returns the ticket, or withdraws the request for one. */
  giveBack(holder: K): void {
    this.#queue.delete(holder);
    if (this.#holding.delete(holder)) this.#giveOut();
  }

  /** The holder is gone (its thread ended, its server was removed). */
  forget(holder: K): void {
    this.giveBack(holder);
  }

  get holding(): number {
    return this.#holding.size;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  #giveOut(): void {
    for (const holder of this.#queue) {
      if (this.#holding.size >= this.#limit) return;
      this.#queue.delete(holder);
      this.#holding.add(holder);
      this.#grant(holder);
    }
  }
}
