/**
 * The bound on the events of all sessions together: over it, the oldest go first, whosever they are.
 * Holds no event itself; the logs of the sessions do.
 */

/** The part of a session's log that the budget needs. */
export interface BudgetedLog {
  /** When its oldest event was logged, monotonic milliseconds; null when it has none. */
  readonly oldestAt: number | null;
  /** Forgets that event and refunds it. */
  dropOldest(): void;
}

export class EventBudget {
  readonly #maxBytes: number;
  readonly #logs = new Set<BudgetedLog>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of all events kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** An event of this log is kept from now on, unless it is itself the oldest and too much. */
  charge(log: BudgetedLog, bytes: number): void {
    this.#logs.add(log);
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes) {
      const oldest = this.#oldest();
      if (oldest === null) return;
      oldest.dropOldest();
    }
  }

  /** An event of this log is gone. */
  refund(log: BudgetedLog, bytes: number): void {
    this.#bytes -= bytes;
    if (log.oldestAt === null) this.#logs.delete(log);
  }

  #oldest(): BudgetedLog | null {
    let oldest: BudgetedLog | null = null;
    for (const log of this.#logs) {
      if ((log.oldestAt ?? Infinity) < (oldest?.oldestAt ?? Infinity)) oldest = log;
    }
    return oldest;
  }
}
