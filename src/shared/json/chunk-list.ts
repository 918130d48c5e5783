/**
 * The bytes of an unfinished line. Large chunks are kept as they are, small ones are gathered in
 * blocks, so that a line that trickles in costs little more memory than its bytes. Joined once.
 */
import { discard } from '../memory/discard.ts';

const BLOCK_BYTES = 16 * 1024;
const SMALL_BYTES = 2 * 1024;
/** Smaller chunks are left to the garbage collector. */
const FREED_FROM_BYTES = 16 * 1024;

export class ChunkList {
  readonly #owns: boolean;
  #chunks: Uint8Array[] = [];
  #length = 0;
  /** The block being filled is always the last entry of the list. */
  #block: Uint8Array | null = null;
  #filled = 0;

  /** @param owns true: the list frees its chunks, if they are their whole buffer. @default false */
  constructor(owns = false) {
    this.#owns = owns;
  }

  get length(): number {
    return this.#length;
  }

  /** Keeps `bytes`; the caller must not change them afterwards. */
  append(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#block !== null && bytes.length <= BLOCK_BYTES - this.#filled) {
      this.#block.set(bytes, this.#filled);
      this.#filled += bytes.length;
      return;
    }
    this.#closeBlock();
    if (bytes.length >= SMALL_BYTES || this.#chunks.length === 0) {
      this.#chunks.push(bytes);
      return;
    }
    this.#block = new Uint8Array(BLOCK_BYTES);
    this.#block.set(bytes);
    this.#filled = bytes.length;
  }

  /** The first `length` bytes in one piece that owns its whole ArrayBuffer; the list is empty then. */
  take(length: number): Uint8Array {
    this.#closeBlock();
    const whole = Buffer.allocUnsafeSlow(length);
    let at = 0;
    for (const chunk of this.#chunks) {
      const room = length - at;
      whole.set(chunk.length > room ? chunk.subarray(0, room) : chunk, at);
      at += Math.min(chunk.length, room);
    }
    this.clear();
    return whole;
  }

  /** A copy of at most the first `length` bytes. */
  head(length: number): Uint8Array {
    this.#closeBlock();
    return Buffer.concat(this.#chunks.slice(0, length), Math.min(length, this.#length));
  }

  clear(): void {
    if (this.#owns && this.#chunks.length > 1) discard(wholeBuffers(this.#chunks));
    this.#chunks = [];
    this.#length = 0;
    this.#block = null;
    this.#filled = 0;
  }

  #closeBlock(): void {
    if (this.#block === null) return;
    this.#chunks.push(this.#block.subarray(0, this.#filled));
    this.#block = null;
    this.#filled = 0;
  }
}

function wholeBuffers(chunks: readonly Uint8Array[]): ArrayBuffer[] {
  return chunks
    .filter(({ length, buffer }) => length >= FREED_FROM_BYTES && length === buffer.byteLength)
    .map(({ buffer }) => buffer as ArrayBuffer);
}
