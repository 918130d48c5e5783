/**
 * The strings of a message, one after the other, values and names of members alike, without building
 * the message. What cannot be a path as a whole is passed over: text of several lines, and what is far
 * longer than any path. Reads validated bytes; decides nothing else.
 */
import { decodeString } from '../../../shared/wire/frame.ts';
import { beginsAsUri } from './readings.ts';

/** As JSON text. Four times the longest path, for what is escaped, encoded, or led in circles. */
const MAX_RAW_BYTES = 16_384;
/** Enough to see how a string begins. */
const HEAD_BYTES = 1200;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const LINE_ENDS = new Set([0x6e, 0x72]);

export class Strings {
  readonly #bytes: Buffer;
  #at: number;
  #start = 0;

  /** @param from where to begin, outside of any string. */
  constructor(bytes: Uint8Array, from: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = from;
  }

  /** Where the last string begins. */
  get start(): number {
    return this.#start;
  }

  /** The next string that may be a path; null when there is no more. */
  next(): string | null {
    for (;;) {
      const start = this.#open();
      if (start < 0) return null;
      const text = this.#read(start);
      if (text !== null && text !== '') return text;
    }
  }

  #open(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    while (at < bytes.length && bytes[at] !== QUOTE) at++;
    this.#start = at;
    return at < bytes.length ? at : -1;
  }

  /** Leaves `#at` behind the string. Null: it is no path. */
  #read(start: number): string | null {
    const bytes = this.#bytes;
    const limit = Math.min(bytes.length, start + MAX_RAW_BYTES);
    let escapes = false;
    let ascii = true;
    let lines: 'none' | 'text' | 'ended' | 'uri' = 'none';
    let at = start + 1;
    for (; at < limit; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        this.#at = at + 1;
        if (!escapes) return bytes.toString(ascii ? 'latin1' : 'utf8', start + 1, at);
        return decodeString(bytes, [start, at + 1]);
      }
      if (byte === BACKSLASH) {
        escapes = true;
        at += 1;
        if (LINE_ENDS.has(bytes[at]!) && lines === 'text') lines = 'ended';
        continue;
      }
      if (byte >= 0x80) ascii = false;
      if (byte <= 0x20 || lines === 'text' || lines === 'uri') continue;
      if (lines === 'ended' && !this.#beginsAsUri(start)) break;
      lines = lines === 'none' ? 'text' : 'uri';
    }
    this.#skip(at);
    return null;
  }

  #beginsAsUri(start: number): boolean {
    const bytes = this.#bytes;
    const limit = Math.min(bytes.length, start + HEAD_BYTES);
    let at = start + 1;
    while (at < limit && bytes[at] !== QUOTE) {
      const isEscape = bytes[at] === BACKSLASH;
      at += isEscape ? (bytes[at + 1] === LETTER_U ? 6 : 2) : 1;
    }
    const head: string = JSON.parse(`"${bytes.toString('latin1', start + 1, at)}"`);
    return beginsAsUri(head.replace(/^[\s"'`<]+/, ''));
  }

  /** To the end of the string that `at` is in, not within an escape. */
  #skip(from: number): void {
    const bytes = this.#bytes;
    for (let at = bytes.indexOf(QUOTE, from); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
      let escapes = 0;
      while (at - 1 - escapes >= from && bytes[at - 1 - escapes] === BACKSLASH) escapes++;
      if (escapes % 2 === 1) continue;
      this.#at = at + 1;
      return;
    }
    this.#at = bytes.length;
  }
}
