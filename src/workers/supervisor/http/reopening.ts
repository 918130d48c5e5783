/**
 * Back-off before a stream is opened again: as long as the server asked for, and longer after each failure,
 * with jitter so that many gateways do not reconnect together. Holds no timer.
 */
const FIRST_MS = 1000;
const LONGEST_MS = 30_000;

export class Reopening {
  /** Delay that the server asked for, in milliseconds; null when it did not. */
  serverMs: number | null = null;
  #failures = 0;

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** The stream could not be opened, or ended before anything useful arrived. */
  failed(): void {
    this.#failures += 1;
  }

  worked(): void {
    this.#failures = 0;
  }

  /** @param random in [0, 1). @returns milliseconds. */
  delay(random: number): number {
    if (this.#failures === 0 && this.serverMs !== null) return this.serverMs;
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#failures, 10));
    return Math.max(this.serverMs ?? 0, (longest / 2) * (1 + random));
  }
}
