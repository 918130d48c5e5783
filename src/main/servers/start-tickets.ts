/**
 * Start tickets limit how many servers start at the same time, because starting is the most expensive
 * thing they do. Main owns the one instance. The server that is needed most is served first, and servers
 * that start again and again never have all tickets. Keeps no time: a holder gives its ticket back when
 * it is ready, dead, or past its own limit.
 */
import { availableParallelism } from 'node:os';

/** One ticket for each core, at least 2. */
export function defaultStartLimit(): number {
  return Math.max(2, availableParallelism());
}

/** Decides the order of the queue, and is called with each grant. */
export interface TicketOffice<K> {
  /** Called for each ticket given out, possibly from within `want`; may call back. */
  readonly grant: (holder: K) => void;
  /** How much a waiting holder is needed now; equals are served in the order of their requests. */
  readonly rank: (holder: K) => number;
  /** True when a waiting holder leaves the last ticket to others: it starts again, and no call waits for it. */
  readonly defers: (holder: K) => boolean;
}

export class StartTickets<K> {
  readonly #limit: number;
  readonly #office: TicketOffice<K>;
  readonly #holding = new Set<K>();
  readonly #queue = new Set<K>();
  /** The holders that deferred to others when they got their tickets. */
  readonly #deferring = new Set<K>();
  #held = false;

  /** @param limit tickets at the same time, at least 1. */
  constructor(limit: number, office: TicketOffice<K>) {
    if (!(limit >= 1)) throw new RangeError(`limit must be at least 1, not ${limit}`);
    this.#limit = limit;
    this.#office = office;
  }

  /** Queues for a ticket; without effect for a holder that waits or has one already. */
  want(holder: K): void {
    if (this.#holding.has(holder)) return;
    this.#queue.add(holder);
    this.#giveOut();
  }

  /** Gives out no ticket until the promise resolves. */
  hold(until: Promise<void>): void {
    this.#held = true;
    void until.then(() => {
      this.#held = false;
      this.#giveOut();
    });
  }

  /** The rank of a waiting holder has risen. */
  reconsider(): void {
    this.#giveOut();
  }

  /** Returns the ticket, or withdraws the request for one. */
  giveBack(holder: K): void {
    this.#queue.delete(holder);
    this.#deferring.delete(holder);
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
    while (!this.#held && this.#holding.size < this.#limit) {
      const holder = this.#next();
      if (holder === null) return;
      this.#queue.delete(holder);
      this.#holding.add(holder);
      if (this.#office.defers(holder)) this.#deferring.add(holder);
      this.#office.grant(holder);
    }
  }

  #next(): K | null {
    let best: K | null = null;
    let highest = Number.NEGATIVE_INFINITY;
    const isFull = this.#deferring.size >= Math.max(1, this.#limit - 1);
    for (const holder of this.#queue) {
      if (isFull && this.#office.defers(holder)) continue;
      const rank = this.#office.rank(holder);
      if (rank <= highest) continue;
      highest = rank;
      best = holder;
    }
    return best;
  }
}
