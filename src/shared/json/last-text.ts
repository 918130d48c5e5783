/**
 * What was made of the last JSON text of a kind: most messages of a client say the same as the one before about the client
 * itself, and to compare bytes costs less than to read them.
 */

/** Longer texts are read each time. */
const MAX_BYTES = 16 * 1024;

export class LastText<T extends object> {
  #text: Uint8Array = new Uint8Array(0);
  #made: T | null = null;

  /** Null: it was another text. */
  find(text: Uint8Array): T | null {
    return this.#made !== null && Buffer.compare(text, this.#text) === 0 ? this.#made : null;
  }

  /** @param text is copied. @returns `made`. */
  keep(text: Uint8Array, made: T): T {
    if (text.length > MAX_BYTES) return made;
    this.#text = text.slice();
    this.#made = made;
    return made;
  }
}
