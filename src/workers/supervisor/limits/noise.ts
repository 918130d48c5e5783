/**
 * Counts the lines on a server's stdout that are no messages (noise): when there are too many, and how many
 * have not been reported. Pure over the times handed in; owned by the stdout watch.
 */

/** More lines within a window are a runaway; a burst of logging stays far below. */
const BUDGET_LINES = 250_000;
const WINDOW_MS = 60_000;

export interface NoiseReport {
  /** Lines since the last report. */
  readonly lines: number;
  /** The last of them, as it came. */
  readonly sample: string;
}

export class NoiseMeter {
  #total = 0;
  #windowStart = Number.NEGATIVE_INFINITY;
  #inWindow = 0;
  #unreported = 0;
  #sample = '';

  /** All lines so far. */
  get total(): number {
    return this.#total;
  }

  /** Counts one line. @returns whether the budget is used up. */
  count(now: number, sample: string): boolean {
    if (now - this.#windowStart >= WINDOW_MS) {
      this.#windowStart = now;
      this.#inWindow = 0;
    }
    this.#total += 1;
    this.#inWindow += 1;
    this.#unreported += 1;
    this.#sample = sample;
    return this.#inWindow > BUDGET_LINES;
  }

  /** The lines that were not yet reported; null for none. */
  take(): NoiseReport | null {
    if (this.#unreported === 0) return null;
    const report = { lines: this.#unreported, sample: this.#sample };
    this.#unreported = 0;
    return report;
  }
}
