/**
 * The value that was made of the last JSON text. Most messages of a client repeat what the one before said about the
 * client, and comparing bytes costs less than reading them again.
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
