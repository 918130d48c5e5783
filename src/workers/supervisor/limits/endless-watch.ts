/**
 * Gives a message up that does not end: it is far over the cap, or over the cap for too long. Owned by the
 * reader of one stream; holds one timer.
 */

/** The end of a message is not awaited beyond this multiple of the cap, or over the cap for this long. */
const ENDLESS_FACTOR = 4;
const ENDLESS_MS = 10_000;

export class EndlessWatch {
  readonly #maxBytes: number;
  readonly #onEndless: (detail: string) => void;
  #timer: NodeJS.Timeout | null = null;

  /** @param maxBytes the cap. */
  constructor(maxBytes: number, onEndless: (detail: string) => void) {
    this.#maxBytes = maxBytes;
    this.#onEndless = onEndless;
  }

  /** After each chunk. @param pendingBytes of the unfinished message. */
  chunk(pendingBytes: number): void {
    const limit = ENDLESS_FACTOR * this.#maxBytes;
    if (pendingBytes <= this.#maxBytes) {
      this.close();
    } else if (pendingBytes > limit) {
      this.#onEndless(`a line of more than ${limit} bytes`);
    } else {
      this.#timer ??= setTimeout(
        () => this.#onEndless(`a line of more than ${this.#maxBytes} bytes does not end`),
        ENDLESS_MS,
      );
    }
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
