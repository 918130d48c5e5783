/**
 * The parts of the JSON scanner that skip strings, and containers that are nested too deep. All can be
 * cut at any byte.
 */

/** 1 for bytes that stop a run of plain characters: quote, backslash, control characters. */
const STOPS = new Uint8Array(256).fill(1, 0, 0x20);
STOPS[0x22] = 1;
STOPS[0x5c] = 1;

const HEX = tableOf('0123456789abcdefABCDEF');
/** Second characters of the two-character escapes. */
const SIMPLE_ESCAPES = tableOf('"\\/bfnrt');

/**
 * The index of the first quote, backslash or control character from `from` on, or `length`. Takes eight
 * bytes at a time once a string is long.
 */
export function skipPlain(bytes: Uint8Array, from: number, length: number): number {
  let at = from;
  const near = at + 12 < length ? at + 12 : length;
  while (at < near && STOPS[bytes[at]!] === 0) at++;
  if (at < near) return at;
  while (
    at + 8 <= length &&
    (STOPS[bytes[at]!]! |
      STOPS[bytes[at + 1]!]! |
      STOPS[bytes[at + 2]!]! |
      STOPS[bytes[at + 3]!]! |
      STOPS[bytes[at + 4]!]! |
      STOPS[bytes[at + 5]!]! |
      STOPS[bytes[at + 6]!]! |
      STOPS[bytes[at + 7]!]!) ===
      0
  ) {
    at += 8;
  }
  while (at < length && STOPS[bytes[at]!] === 0) at++;
  return at;
}

/** Reads the rest of an escape after its backslash. */
export class EscapeReader {
  /** Hex digits still to come; −1: the character after the backslash. 0: done. */
  #left = 0;

  get done(): boolean {
    return this.#left === 0;
  }

  /** Begins after the backslash; see {@link read}. */
  begin(bytes: Uint8Array, from: number, length: number): number {
    if (from < length && SIMPLE_ESCAPES[bytes[from]!] === 1) {
      this.#left = 0;
      return from + 1;
    }
    this.#left = -1;
    return this.read(bytes, from, length);
  }

  /** @returns the index of the next byte, or the complement (`~index`) of an offending byte's index. */
  read(bytes: Uint8Array, from: number, length: number): number {
    let at = from;
    if (this.#left < 0 && at < length) {
      const byte = bytes[at]!;
      if (byte !== 0x75 && SIMPLE_ESCAPES[byte] === 0) return ~at;
      this.#left = byte === 0x75 ? 4 : 0;
      at++;
    }
    while (this.#left > 0 && at < length) {
      if (HEX[bytes[at]!] === 0) return ~at;
      this.#left--;
      at++;
    }
    return at;
  }
}

/** Skips containers that are nested too deep until they are closed; does not check their grammar. */
export class DeepReader {
  #open = 0;
  #inString = false;
  #escaped = false;

  get done(): boolean {
    return this.#open === 0;
  }

  /** Begins after the opening bracket. */
  begin(): void {
    this.#open = 1;
    this.#inString = false;
    this.#escaped = false;
  }

  /** @returns the index of the next byte. */
  read(bytes: Uint8Array, from: number, length: number): number {
    let at = from;
    while (at < length && this.#open > 0) {
      const byte = bytes[at++]!;
      if (this.#escaped) this.#escaped = false;
      else if (byte === 0x22) this.#inString = !this.#inString;
      else if (this.#inString) this.#escaped = byte === 0x5c;
      else if (byte === 0x7b || byte === 0x5b) this.#open++;
      else if (byte === 0x7d || byte === 0x5d) this.#open--;
    }
    return at;
  }
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}
