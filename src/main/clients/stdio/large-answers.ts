/**
 * Large answers on their way to a client that has one stream for everything. They are written one after
 * the other, each when the one before has been taken, so that a small message waits for one of them at
 * most and not for all. Nothing else is held back: a server's messages before an answer arrive before it.
 */
import { sizeOf } from '../../../shared/json/json-rpc.ts';

export class LargeAnswers {
  readonly #write: (parts: readonly Uint8Array[], taken: () => void) => void;
  #waiting: (readonly Uint8Array[])[] = [];
  #bytes = 0;
  #writing = false;

  /** @param write writes the parts of one frame, and calls back once they have been taken, or never will be. */
  constructor(write: (parts: readonly Uint8Array[], taken: () => void) => void) {
    this.#write = write;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  add(parts: readonly Uint8Array[]): void {
    this.#waiting.push(parts);
    this.#bytes += sizeOf(parts);
    if (!this.#writing) this.#next();
  }

  #next(): void {
    const parts = this.#waiting.shift();
    this.#writing = parts !== undefined;
    if (parts === undefined) return;
    this.#bytes -= sizeOf(parts);
    this.#write(parts, () => this.#next());
  }
}
