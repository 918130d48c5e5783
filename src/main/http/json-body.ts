/**
 * One JSON message that comes as the body of a request: scanned as its chunks come, so that no single turn of
 * the event loop has to look at all of it, and made into one line, because the servers behind are spoken to in
 * lines. Keeps the bytes, decides nothing about what they say.
 */
import type { Frame } from '../../shared/json/frame.ts';
import { joinExact } from '../../shared/json/json-rpc.ts';
import { SCAN, Scanner } from '../../shared/json/json-scan.ts';

/** `batch`: it begins as a list. `malformed`: whatever follows, it will not be one JSON message. */
export type Reading = 'more' | 'batch' | 'malformed';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const BOM = Buffer.from('\uFEFF');

export class JsonBody {
  readonly #scanner = new Scanner();
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

  /** All has come. Null: it is not one JSON message. */
  end(): Frame | null {
    if (!this.#begun || this.#scanner.end() !== SCAN.ok) return null;
    const line =
      this.#whole === null ? joinExact(this.#chunks) : this.#whole.subarray(0, this.#size);
    return { line, ranges: this.#scanner.ranges };
  }

  #take(chunk: Uint8Array): Reading {
    const kept = this.#keep(chunk);
    toLine(kept, this.#scanner);
    if (this.#isBlank) {
      const at = kept.find((byte) => byte !== SPACE && byte !== TAB);
      if (at === BRACKET) return 'batch';
      this.#isBlank = at === undefined;
    }
    return this.#scanner.push(kept) === SCAN.ok ? 'more' : 'malformed';
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

/**
 * Turns the line breaks between the tokens of a JSON text into spaces, in place. Line breaks inside strings
 * stay: they are not JSON, and the scanner refuses them.
 *
 * @param before where the text before these bytes has ended.
 */
export function toLine(
  bytes: Uint8Array,
  before: { readonly inString: boolean; readonly inEscape: boolean },
): void {
  if (!bytes.includes(LF) && !bytes.includes(CR)) return;
  let { inString } = before;
  for (let at = before.inEscape ? 1 : 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) inString = !inString;
    else if (inString) {
      if (byte === BACKSLASH) at++;
    } else if (byte === LF || byte === CR) bytes[at] = SPACE;
  }
}
