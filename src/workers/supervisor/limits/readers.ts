/**
 * Everything that is read from one server: a child's stdout, or each open HTTP response. All of it is paused
 * and resumed together. Owned by one incarnation.
 */

export interface Readable {
  pause(): void;
  resume(): void;
  /** Bytes of its unfinished message that are kept. */
  heldBytes(): number;
  /** Bytes of its unfinished message that were read, kept or not. */
  openBytes(): number;
}

export class Readers {
  readonly #open = new Set<Readable>();
  #paused = false;

  add(reader: Readable): void {
    this.#open.add(reader);
    if (this.#paused) reader.pause();
  }

  remove(reader: Readable): void {
    this.#open.delete(reader);
  }

  pause(): void {
    this.#paused = true;
    for (const reader of this.#open) reader.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const reader of this.#open) reader.resume();
  }

  heldBytes(): number {
    let bytes = 0;
    for (const reader of this.#open) bytes += reader.heldBytes();
    return bytes;
  }

  openBytes(): number {
    let bytes = 0;
    for (const reader of this.#open) bytes += reader.openBytes();
    return bytes;
  }
}
