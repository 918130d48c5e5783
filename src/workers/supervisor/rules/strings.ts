/**
 * The strings of a message, one after the other, values and names of members alike, without building
 * the message. What cannot be a path as a whole is passed over: text of several lines, and what stays far
 * longer than any path whatever a program leaves out of it. Reads validated bytes; decides nothing else.
 */
import { decodeString } from '../../../shared/json/frame.ts';
import { LongString } from './long-string.ts';
import { MAX_NAME } from './own-name.ts';
import { beginsAsUri } from './readings.ts';

/** As JSON text. Four times the longest path; what is longer is shortened first. */
const MAX_RAW_BYTES = 16_384;
/** Of a longer one at a time. */
const PIECE_BYTES = 16_384;
/** Enough to see how a string begins. */
const HEAD_BYTES = 1200;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const LETTER_U = 0x75;
const LINE_ENDS = new Set([0x6e, 0x72]);
/** Bytes that mean nothing in any path but themselves. */
const PLAIN = new Uint8Array(256);
for (let byte = 0x20; byte < 0x7f; byte++) {
  if (!/[/\\%~$:+?#"'`<>]/.test(String.fromCharCode(byte))) PLAIN[byte] = 1;
}

/** A string that is being shortened. */
interface Long {
  readonly string: LongString;
  at: number;
  /** Where it ends. */
  readonly end: number;
}

export class Strings {
  readonly #bytes: Buffer;
  #at: number;
  #start = 0;
  #long: Long | null = null;
  /** What the last long one may be short for. */
  #shortened: string[] = [];

  /** @param from where to begin, outside of any string. */
  constructor(bytes: Uint8Array, from: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = from;
  }

  /** Where the last string begins. */
  get start(): number {
    return this.#start;
  }

  /** The next string that may be a path, '' when there is none so far; null when there is no more. */
  next(): string | null {
    for (;;) {
      if (this.#long !== null) {
        this.#goOn(this.#long);
        return '';
      }
      const shortened = this.#shortened.pop();
      if (shortened !== undefined) return shortened;
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
    let plain = true;
    let lineEnded = false;
    let isUri = false;
    /** Up to here there is nothing but white space. */
    let blank = start + 1;
    for (let at = start + 1; ; at++) {
      if (!lineEnded) while (at < limit && PLAIN[bytes[at]!] === 1) at++;
      if (at >= limit) return this.#begin(start, at);
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        this.#at = at + 1;
        if (escapes) return decodeString(bytes, [start, at + 1]);
        // One name, and no file system has any that is so long.
        if (plain && at - start - 1 > MAX_NAME && !this.#hasEdges(start, at)) return null;
        return bytes.toString(ascii ? 'latin1' : 'utf8', start + 1, at);
      }
      if (lineEnded && byte > SPACE && byte !== BACKSLASH) {
        isUri = this.#beginsAsUri(start);
        if (!isUri) return this.#skip(at);
        lineEnded = false;
      }
      plain &&= PLAIN[byte] === 1;
      if (byte >= 0x80) ascii = false;
      if (byte !== BACKSLASH) continue;
      escapes = true;
      at += 1;
      if (isUri || !LINE_ENDS.has(bytes[at]!)) continue;
      lineEnded = this.#hasText(blank, at - 1);
      if (!lineEnded) blank = at + 1;
    }
  }

  /** A long one. @param at not within an escape. */
  #begin(start: number, at: number): null {
    const bytes = this.#bytes;
    this.#skip(at);
    const end = this.#at - 1;
    const inner = bytes.subarray(start + 1, end);
    const has = (...texts: string[]) => texts.some((text) => inner.includes(text, 0, 'latin1'));
    const hasPercent = has('%', '\\u0025');
    const string = new LongString({
      isUri: this.#beginsAsUri(start),
      hasPercent,
      hasDots: hasPercent || has('..', '\\u002e', '\\u002E'),
      hasBackslash: hasPercent || has('\\\\', '\\u005c', '\\u005C'),
    });
    this.#long = { string, at: start + 1, end };
    return null;
  }

  #goOn(long: Long): void {
    const bytes = this.#bytes;
    const { string, at, end } = long;
    const next = this.#endOfPiece(at, end);
    const text = bytes.toString('utf8', at, next);
    string.push(text.includes('\\') ? JSON.parse(`"${text}"`) : text);
    long.at = next;
    if (next < end && !string.isHopeless) return;
    this.#shortened = string.end();
    this.#long = null;
  }

  /** Not within an escape, nor within a character. */
  #endOfPiece(start: number, end: number): number {
    const bytes = this.#bytes;
    let limit = Math.min(end, start + PIECE_BYTES);
    while (limit < end && (bytes[limit]! & 0xc0) === 0x80) limit++;
    let at = start;
    for (;;) {
      const escape = bytes.indexOf(BACKSLASH, at);
      if (escape < 0 || escape >= limit) return limit;
      at = escape + (bytes[escape + 1] === LETTER_U ? 6 : 2);
      if (at >= limit) return Math.min(at, end);
    }
  }

  /** What is around a string may not belong to it. */
  #hasEdges(start: number, end: number): boolean {
    return this.#bytes[start + 1] === SPACE || this.#bytes[end - 1] === SPACE;
  }

  /** Whether there is more than line ends and other white space. */
  #hasText(from: number, to: number): boolean {
    const bytes = this.#bytes;
    for (let at = from; at < to; at++) {
      if (bytes[at] === BACKSLASH) at += 1;
      else if (bytes[at]! > SPACE) return true;
    }
    return false;
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

  /** To the end of the string that `from` is in, not within an escape. */
  #skip(from: number): null {
    const bytes = this.#bytes;
    for (let at = bytes.indexOf(QUOTE, from); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
      let escapes = 0;
      while (at - 1 - escapes >= from && bytes[at - 1 - escapes] === BACKSLASH) escapes++;
      if (escapes % 2 === 1) continue;
      this.#at = at + 1;
      return null;
    }
    this.#at = bytes.length;
    return null;
  }
}
