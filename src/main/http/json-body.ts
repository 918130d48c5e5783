/**
 * One JSON message that comes as the body of a request: scanned as its chunks come, so that no single turn of
 * the event loop has to look at all of it, and made into one line, because the servers behind are spoken to in
 * lines. Keeps the bytes, decides nothing about what they say.
 */
import type { Frame } from '../../shared/json/frame.ts';
import { joinExact } from '../../shared/json/json-rpc.ts';
import { SCAN, Scanner } from '../../shared/json/json-scan.ts';

/**
 * `batch`: it begins as a list. `several`: another message follows the first one. `malformed`: whatever follows, it will
 * not be one JSON message.
 */
export type Reading = 'more' | 'batch' | 'several' | 'malformed';

const MAX_DEPTH = 512;
const BRACKET = 0x5b;
const BLANKS: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];
const BOM = Buffer.from('\uFEFF');

/** Of bodies that were read to their end: to make one costs more than to scan a small body. */
const idle: Scanner[] = [];
const MAX_IDLE = 8;

export class JsonBody {
  readonly #scanner = idle.pop() ?? new Scanner(MAX_DEPTH, true);
  /** All of it, where its length was told; its memory is touched only as bytes come. */
  readonly #whole: Uint8Array | null;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  /** The first bytes, while they may be the beginning of a byte order mark. */
  #first: Uint8Array = new Uint8Array();
  #begun = false;
  #isBlank = true;

  /** @param length bytes that will come, null when that was not told. */
  constructor(length: number | null) {
    this.#whole = length === null ? null : new Uint8Array(length);
  }

  push(chunk: Uint8Array): Reading {
    if (this.#begun) return this.#take(chunk);
    const first = this.#first.length === 0 ? chunk : Buffer.concat([this.#first, chunk]);
    const isMarked = first.length >= BOM.length && BOM.equals(first.subarray(0, BOM.length));
    if (first.length < BOM.length && BOM.subarray(0, first.length).equals(first)) {
      this.#first = Buffer.from(first);
      return 'more';
    }
    this.#begun = true;
    return this.#take(isMarked ? first.subarray(BOM.length) : first);
  }

  /** All has come; to be asked once. Null: it is not one JSON message. */
  end(): Frame | null {
    const scanner = this.#scanner;
    const isSound = this.#begun && scanner.end() === SCAN.ok;
    const ranges = scanner.ranges.slice();
    scanner.reset();
    if (idle.length < MAX_IDLE) idle.push(scanner);
    if (!isSound) return null;
    const line =
      this.#whole === null ? joinExact(this.#chunks) : this.#whole.subarray(0, this.#size);
    return { line, ranges };
  }

  #take(chunk: Uint8Array): Reading {
    const kept = this.#keep(chunk);
    if (this.#isBlank) {
      const at = kept.find((byte) => !BLANKS.includes(byte));
      if (at === BRACKET) return 'batch';
      this.#isBlank = at === undefined;
    }
    if (this.#scanner.push(kept) === SCAN.ok) return 'more';
    return this.#scanner.isFollowed ? 'several' : 'malformed';
  }

  /** @returns bytes that are ours to change. */
  #keep(chunk: Uint8Array): Uint8Array {
    const from = this.#size;
    this.#size += chunk.length;
    if (this.#whole !== null) {
      this.#whole.set(chunk, from);
      return this.#whole.subarray(from, this.#size);
    }
    this.#chunks.push(chunk);
    return chunk;
  }
}
