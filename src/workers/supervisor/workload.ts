/**
 * Tells main for which of its servers the thread is at work, so that one that holds up the others can be
 * found while the thread is stuck, and how long it has worked for each. One for the thread.
 */
import type { ThreadVitals } from '../../shared/memory/vitals.ts';

const US_PER_MS = 1000;

export class Workload {
  readonly #vitals: ThreadVitals;
  #working = false;

  constructor(vitals: ThreadVitals) {
    this.#vitals = vitals;
  }

  /** Does what a server has given cause to; counted once where one leads to another. */
  of(slot: number, work: () => void): void {
    if (this.#working) return work();
    const since = performance.now();
    this.#working = true;
    this.#vitals.begin(slot);
    try {
      work();
    } finally {
      this.#working = false;
      this.#vitals.end(slot, Math.round((performance.now() - since) * US_PER_MS));
    }
  }
}
