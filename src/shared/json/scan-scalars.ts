/**
 * The part of the JSON scanner that reads numbers and literals. Can be cut at any byte; the end of a
 * number is known only from the byte after it.
 */
import { IS_DIGIT } from './scan-tables.ts';

// States within a number. From ZERO on, up to LITERAL, it may end here.
const MINUS = 0;
const POINT = 1;
const EXPONENT = 2;
const EXPONENT_SIGN = 3;
const ZERO = 4;
const INTEGER = 5;
const FRACTION = 6;
const EXPONENT_DIGITS = 7;
const LITERAL = 8;

/** The rest of each literal after its first letter; `…_TAIL` are the offsets of these rests. */
const LITERAL_TAILS = Buffer.from('rue\0alse\0ull\0');
const TRUE_TAIL = 0;
const FALSE_TAIL = 4;
const NULL_TAIL = 9;

export class ScalarReader {
  #state = MINUS;
  #tail = 0;

  /** Begins with the byte at `from` and reads on; see {@link read}. */
  begin(bytes: Uint8Array, from: number, length: number): number {
    const byte = bytes[from]!;
    if (IS_DIGIT[byte] === 1) this.#state = byte === 0x30 ? ZERO : INTEGER;
    else if (byte === 0x2d) this.#state = MINUS;
    else {
      this.#state = LITERAL;
      if (byte === 0x74) this.#tail = TRUE_TAIL;
      else if (byte === 0x66) this.#tail = FALSE_TAIL;
      else if (byte === 0x6e) this.#tail = NULL_TAIL;
      else return ~from;
    }
    return this.read(bytes, from + 1, length);
  }

  /**
   * Reads on.
   *
   * @returns the index of the first byte after the value; `length` when the value may go on in the next
   * chunk; the complement (`~index`) of the offending byte's index when the value is malformed.
   */
  read(bytes: Uint8Array, from: number, length: number): number {
    return this.#state === LITERAL
      ? this.#readLiteral(bytes, from, length)
      : this.#readNumber(bytes, from, length);
  }

  #readLiteral(bytes: Uint8Array, from: number, length: number): number {
    let at = from;
    let tail = this.#tail;
    while (at < length && LITERAL_TAILS[tail] !== 0) {
      if (bytes[at] !== LITERAL_TAILS[tail]) return ~at;
      at++;
      tail++;
    }
    this.#tail = tail;
    return at;
  }

  #readNumber(bytes: Uint8Array, from: number, length: number): number {
    let state = this.#state;
    let at = from;
    while (at < length) {
      const byte = bytes[at]!;
      if (IS_DIGIT[byte] === 1) {
        if (state === ZERO) return at;
        if (state === MINUS) state = byte === 0x30 ? ZERO : INTEGER;
        else if (state === POINT) state = FRACTION;
        else if (state === EXPONENT || state === EXPONENT_SIGN) state = EXPONENT_DIGITS;
      } else if (byte === 0x2e && (state === INTEGER || state === ZERO)) state = POINT;
      else if ((byte | 0x20) === 0x65 && state >= ZERO && state <= FRACTION) state = EXPONENT;
      else if ((byte === 0x2b || byte === 0x2d) && state === EXPONENT) state = EXPONENT_SIGN;
      else return state >= ZERO ? at : ~at;
      at++;
    }
    this.#state = state;
    return at;
  }
}
