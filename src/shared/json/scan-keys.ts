/**
 * Reads member names for the scanner: knows the names that have a slot, and finds duplicates among
 * them and among the unknown names of the top level. Keeps a name that is cut by the end of a chunk,
 * and never more than 256 bytes of it.
 */
import { CONTEXT, KNOWN_KEYS, SCAN } from './scan-tables.ts';

const MAX_UNKNOWN_KEYS = 16;
const MAX_KEY_BYTES = 256;
const UNKNOWN = -1;

export class KeyReader {
  /** Offset in the line of the name being read, −1 when there is none. */
  #at = -1;
  #escaped = false;
  #part: Buffer | null = null;
  #tooLong = false;
  /** One bit for each slot seen. */
  #seen = 0;
  #unknown: string[] = [];

  reset(): void {
    this.#at = -1;
    this.#part = null;
    this.#seen = 0;
    if (this.#unknown.length > 0) this.#unknown = [];
  }

  /** A name starts at this offset in the line (after its quote). */
  begin(at: number): void {
    this.#at = at;
    this.#escaped = false;
    this.#tooLong = false;
  }

  /** The name being read has an escape in it. */
  escaped(): void {
    this.#escaped = true;
  }

  /** The chunk ends: keeps the part of a name that goes on in the next chunk. */
  keep(chunk: Uint8Array, base: number): void {
    if (this.#at < 0 || this.#tooLong) return;
    const part = Buffer.from(chunk.subarray(Math.max(0, this.#at - base)));
    this.#part = this.#part === null ? part : Buffer.concat([this.#part, part]);
    if (this.#part.length > MAX_KEY_BYTES) {
      this.#tooLong = true;
      this.#part = null;
    }
  }

  /**
   * The name ends.
   *
   * @param end index in `chunk` of its closing quote.
   * @returns the slot of the name, −1 when it has none, or the negative of an error code of the scanner.
   */
  finish(chunk: Uint8Array, base: number, end: number, context: number): number {
    const part = this.#part;
    let bytes = chunk;
    let start = this.#at - base;
    let stop = end;
    if (part !== null) {
      bytes = Buffer.concat([part, chunk.subarray(0, end)]);
      start = 0;
      stop = bytes.length;
      this.#part = null;
    }
    this.#at = -1;
    if (this.#tooLong || stop - start > MAX_KEY_BYTES) {
      return context === CONTEXT.top ? -SCAN.tooManyKeys : UNKNOWN;
    }
    const text = this.#escaped ? unescape(bytes, start, stop) : null;
    const slot = find(context, bytes, start, stop, text);
    if (slot !== UNKNOWN) {
      if ((this.#seen & (1 << slot)) !== 0) return -SCAN.duplicateKey;
      this.#seen |= 1 << slot;
      return slot;
    }
    return context === CONTEXT.top ? this.#note(text ?? decode(bytes, start, stop)) : UNKNOWN;
  }

  /** Remembers an unknown name of the top level. */
  #note(text: string): number {
    if (this.#unknown.includes(text)) return -SCAN.duplicateKey;
    if (this.#unknown.length === MAX_UNKNOWN_KEYS) return -SCAN.tooManyKeys;
    this.#unknown.push(text);
    return UNKNOWN;
  }
}

function find(
  context: number,
  bytes: Uint8Array,
  start: number,
  stop: number,
  text: string | null,
): number {
  const names = KNOWN_KEYS[context]!;
  for (let index = 0; index < names.length; index++) {
    const known = names[index]!;
    if (text !== null ? known.text === text : equal(known.bytes, bytes, start, stop)) {
      return known.slot;
    }
  }
  return UNKNOWN;
}

function equal(name: Uint8Array, bytes: Uint8Array, start: number, stop: number): boolean {
  if (name.length !== stop - start) return false;
  for (let at = 0; at < name.length; at++) if (name[at] !== bytes[start + at]) return false;
  return true;
}

function decode(bytes: Uint8Array, start: number, stop: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, stop - start).toString('utf8');
}

/** The scanner has checked the escapes. A carriage return makes it refuse the line, but must not throw here. */
function unescape(bytes: Uint8Array, start: number, stop: number): string {
  return JSON.parse(`"${decode(bytes, start, stop).replaceAll('\r', '')}"`);
}
