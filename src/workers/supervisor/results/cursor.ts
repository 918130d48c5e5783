/**
 * Walks through valid JSON bytes once, without building anything: a value is either entered or passed over.
 * `json-slice.ts` reads by range instead, and reads a nested value again for each level around it.
 */
import { skipPlain } from '../../../shared/json/scan-strings.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;

/** Called with the cursor at the value of a member or at an element; moves it behind the value. */
type Enter = (name: number, nameEnd: number) => void;

export class Cursor {
  readonly bytes: Uint8Array;
  at: number;

  /** @param at where a value begins. */
  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** The byte that comes next: the first of a value. */
  next(): number {
    return this.bytes[this.at]!;
  }

  /** Behind the string that begins here. */
  string(): void {
    const { bytes } = this;
    const { length } = bytes;
    let at = this.at + 1;
    for (;;) {
      at = skipPlain(bytes, at, length);
      if (at >= length || bytes[at] === QUOTE) break;
      at += bytes[at] === BACKSLASH ? 2 : 1;
    }
    this.at = at + 1;
  }

  /** Behind the value that begins here. */
  skip(): void {
    this.strings(null);
  }

  /**
   * Behind the value that begins here.
   *
   * @param visit called for each string in it that is no name, with its start and end, quotes included.
   */
  strings(visit: ((start: number, end: number) => void) | null): void {
    const { bytes } = this;
    const { length } = bytes;
    let depth = 0;
    while (this.at < length) {
      const byte = bytes[this.at]!;
      if (byte === QUOTE) {
        const start = this.at;
        this.string();
        if (visit !== null && (depth === 0 || !this.#isName())) visit(start, this.at);
      } else if (byte === 0x7b || byte === 0x5b) {
        depth += 1;
        this.at += 1;
      } else if (byte === 0x7d || byte === 0x5d) {
        // The end of what holds a number, a literal, or nothing.
        if (depth === 0) return;
        depth -= 1;
        this.at += 1;
      } else if (depth === 0 && byte === COMMA) return;
      else {
        this.at += 1;
        continue;
      }
      if (depth === 0) return;
    }
  }

  /** Behind the object that begins here, or behind another value, which is not entered. */
  members(enter: Enter): void {
    if (this.next() !== 0x7b) return this.skip();
    this.at += 1;
    for (this.#separators(); this.next() !== 0x7d; this.#separators()) {
      const name = this.at;
      this.string();
      const nameEnd = this.at;
      this.#separators();
      enter(name, nameEnd);
    }
    this.at += 1;
  }

  /** Behind the array that begins here, or behind another value, which is not entered. */
  elements(enter: () => void): void {
    if (this.next() !== 0x5b) return this.skip();
    this.at += 1;
    for (this.#separators(); this.next() !== 0x5d; this.#separators()) enter();
    this.at += 1;
  }

  #isName(): boolean {
    const { bytes } = this;
    let { at } = this;
    while (bytes[at]! <= 0x20) at += 1;
    return bytes[at] === COLON;
  }

  #separators(): void {
    const { bytes } = this;
    let { at } = this;
    for (;;) {
      const byte = bytes[at]!;
      if (!(byte <= 0x20 || byte === COMMA || byte === COLON)) break;
      at += 1;
    }
    this.at = at;
  }
}
