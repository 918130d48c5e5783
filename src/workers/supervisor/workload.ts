/**
 * Tells main, in shared memory, for which server the thread works right now and how long it has worked for
 * each. So main can find the server that blocks the others, even while the thread is stuck. One for each
 * thread.
 */
import type { ThreadVitals } from '../../shared/memory/vitals.ts';

const US_PER_MS = 1000;

export class Workload {
  readonly #vitals: ThreadVitals;
  #working = false;

  constructor(vitals: ThreadVitals) {
    this.#vitals = vitals;
  }

  /** Runs `work` and charges its time to the server of the slot. Nested work is charged once. */
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
