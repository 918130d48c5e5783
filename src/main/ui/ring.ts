/** The last of something, numbered: whoever looks again gets only what has come since. Older ones are dropped. */

export interface Since<T> {
  /** To ask with the next time. */
  readonly next: number;
  /** The oldest first. */
  readonly list: readonly T[];
}

export class Ring<T> {
  readonly #most: number;
  readonly #kept: T[] = [];
  /** The number of the next one. */
  #next = 0;

  /** @param most how many are kept. */
  constructor(most: number) {
    this.#most = most;
  }

  push(one: T): void {
    this.#kept[this.#next % this.#most] = one;
    this.#next += 1;
  }

  /** Puts what `change` returns in the place of each. */
  replace(change: (one: T) => T): void {
    for (const [at, one] of this.#kept.entries()) this.#kept[at] = change(one);
  }

  /** @param from `next` of the last look; one that is of no earlier look gets all. */
  since(from: number): Since<T> {
    const oldest = Math.max(0, this.#next - this.#most);
    const isKnown = Number.isInteger(from) && from >= oldest && from <= this.#next;
    const list: T[] = [];
    for (let at = isKnown ? from : oldest; at < this.#next; at++) {
      const one = this.#kept[at % this.#most];
      if (one !== undefined) list.push(one);
    }
    return { next: this.#next, list };
  }
}
