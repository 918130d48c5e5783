/** What is looked at seldom, because looking takes long. */

const MOST = 1000;

export class Remembered<T> {
  readonly #forMs: number;
  readonly #known = new Map<string, { readonly value: T; readonly at: number }>();

  /** @param forMs how long a value is good for, milliseconds. */
  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  /** The value of before while it is good. */
  get(key: string, read: () => T): T {
    const now = performance.now();
    const known = this.#known.get(key);
    if (known !== undefined && now - known.at < this.#forMs) return known.value;
    if (this.#known.size >= MOST) this.#known.clear();
    const value = read();
    this.#known.set(key, { value, at: now });
    return value;
  }
}
