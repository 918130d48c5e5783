/**
 * Takes a JSON body apart that is an array of messages (a batch), as it arrives and in place: the framer cuts at
 * line breaks. Any other body stays as it is. Whether the messages are sound is the framer's to find out.
 */
const LF = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const CR = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const BOM: readonly number[] = [0xef, 0xbb, 0xbf];

export class Batch {
  /** Null until the first byte that tells. */
  #is: boolean | null = null;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** @param chunk without line breaks; owned by the caller. */
  takeApart(chunk: Buffer): void {
    if (this.#is === null) {
      const first = chunk.find((byte) => !isBefore(byte));
      if (first !== undefined) this.#is = first === ARRAY;
    }
    if (this.#is !== true) return;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#inString) this.#inStringAt(byte);
      else chunk[at] = this.#between(byte);
    }
  }

  #inStringAt(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }

  /** @returns the byte, or white space for the brackets and a line break for the commas of the batch. */
  #between(byte: number): number {
    switch (byte) {
      case QUOTE:
        this.#inString = true;
        return byte;
      case ARRAY:
      case OBJECT:
        this.#depth += 1;
        return byte === ARRAY && this.#depth === 1 ? TAB : byte;
      case ARRAY_END:
      case OBJECT_END:
        this.#depth -= 1;
        return byte === ARRAY_END && this.#depth === 0 ? TAB : byte;
      case COMMA:
        return this.#depth === 1 ? LF : byte;
      default:
        return byte;
    }
  }
}

/** White space, or a part of a byte order mark. */
function isBefore(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === LF || byte === CR || BOM.includes(byte);
}
