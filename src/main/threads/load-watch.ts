/**
 * Finds the server that takes most of the time of a thread that several share, for so long that it is
 * no coincidence. Pure over the readings handed in; the thread's handle takes them.
 */

const WINDOW_MS = 1000;
/** Share of one core. */
const MOST = 0.5;
/** Windows in a row with more than that before a server is reported. */
const WINDOWS = 3;

interface Reading {
  readonly us: number;
  /** Windows in a row in which it took most of the time. */
  readonly windows: number;
}

export class LoadWatch {
  readonly #readings = new Map<number, Reading>();
  #since: number | null = null;

  /**
   * One look.
   *
   * @param now monotonic, in milliseconds.
   * @param worked microseconds that the thread has worked for each slot, modulo 2^32.
   * @returns the slot that takes too much, with its share of the last window; null: none does.
   */
  look(
    now: number,
    worked: ReadonlyMap<number, number>,
  ): { readonly slot: number; readonly share: number } | null {
    const passed = this.#since === null ? 0 : now - this.#since;
    if (this.#since !== null && passed < WINDOW_MS) return null;
    this.#since = now;
    let found: { slot: number; share: number } | null = null;
    for (const [slot, us] of worked) {
      const before = this.#readings.get(slot);
      const share = before === undefined ? 0 : ((us - before.us) >>> 0) / 1000 / passed;
      const windows = share > MOST ? (before?.windows ?? 0) + 1 : 0;
      this.#readings.set(slot, { us, windows });
      if (windows >= WINDOWS) found = { slot, share };
    }
    return found;
  }

  /** The slot may be somebody else's from now on. */
  forget(slot: number): void {
    this.#readings.delete(slot);
  }

  /** Another thread begins. */
  clear(): void {
    this.#readings.clear();
    this.#since = null;
  }
}
