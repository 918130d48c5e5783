/**
 * How long a silence may last. Counted in ticks, not by the clock: on a machine that has no time for this
 * process it has none for the other one either, and a late tick counts as one.
 */
const TICK_MS = 100;

export class Patience {
  readonly #ticks: number;
  readonly #timer: NodeJS.Timeout;
  #left: number;

  /** @param onEnd called once, when nothing was heard for `silentMs`. */
  constructor(silentMs: number, onEnd: () => void) {
    this.#ticks = Math.ceil(silentMs / TICK_MS);
    this.#left = this.#ticks;
    this.#timer = setInterval(() => {
      this.#left -= 1;
      if (this.#left > 0) return;
      this.end();
      onEnd();
    }, TICK_MS);
  }

  /** Something was heard. */
  heard(): void {
    this.#left = this.#ticks;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
