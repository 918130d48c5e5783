/**
 * Removes one level of escapes from text in UTF-8, those that `shared/secrets/unescape.ts` removes, but on bytes, for
 * large texts that most likely hold nothing. Pure; linear.
 */

const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const ESC = 0x1b;
const MAX_CODE = 0x10ffff;
/** Characters that are not seen, in hex and in order: one, or from one to another. */
const INVISIBLE = Uint32Array.from(
  (
    'ad 34f 600-605 61c 6dd 70f 890-891 8e2 115f-1160 17b4-17b5 180b-180f 200b-200f 202a-202e ' +
    '2060-206f 3164 fe00-fe0f feff ffa0 fff0-fffb 110bd 110cd 13430-1343f 1bca0-1bca3 1d173-1d17a ' +
    'e0000-e0fff'
  )
    .split(' ')
    .flatMap((range) => {
      const [from = '', to = from] = range.split('-');
      return [Number.parseInt(from, 16), Number.parseInt(to, 16)];
    }),
);
/** What the letter of an escape stands for; 0: it makes none. */
const MEANS = new Uint8Array(256);
for (const letter of '\\/"\'`') MEANS[letter.charCodeAt(0)] = letter.charCodeAt(0);
for (const [letter, byte] of Object.entries({ b: 8, f: 12, n: 10, r: 13, t: 9 })) {
  MEANS[letter.charCodeAt(0)] = byte;
}
/** Bytes that something may begin with that goes. */
const BEGINS = new Uint8Array(256).fill(1, 0xc2);
BEGINS[BACKSLASH] = 1;
BEGINS[PERCENT] = 1;
BEGINS[ESC] = 1;

/** Bytes of text that are kept on both sides of an escape: those looked at together, and more levels of escapes. */
const AROUND = 16;
/** Between parts that do not belong together; no byte of UTF-8. */
const GAP = 0xff;

/**
 * The parts of a text that are different without one level of its escapes: what the escapes stand for, and a little
 * of what is around them. Null: it has none.
 *
 * @param mayChange the result may take the place of the bytes.
 */
export function aroundEscapes(bytes: Uint8Array, mayChange: boolean): Uint8Array | null {
  const { length } = bytes;
  let out = mayChange ? bytes : null;
  let to = 0;
  /** Behind the last escape; what follows it is kept up to `AROUND` bytes further on. */
  let end = -1;
  let at = 0;
  for (;;) {
    while (at < length && BEGINS[bytes[at]!] === 0) at += 1;
    if (at >= length) break;
    const size = bytes[at]! >= 0xc2 ? ofCharacter(bytes, at) : ofEscape(bytes, at);
    if (size === 0) {
      at += 1;
      continue;
    }
    out ??= new Uint8Array(length);
    if (end >= 0 && at - end <= 2 * AROUND) to = keep(bytes, end, at, out, to);
    else {
      if (end >= 0) {
        to = keep(bytes, end, end + AROUND, out, to);
        out[to++] = GAP;
      }
      to = keep(bytes, Math.max(0, at - AROUND), at, out, to);
    }
    to = replace(bytes, at, out, to);
    at += size;
    end = at;
  }
  if (out === null || end < 0) return null;
  return out.subarray(0, keep(bytes, end, Math.min(length, end + AROUND), out, to));
}

/** @returns where to go on writing. */
function keep(bytes: Uint8Array, from: number, end: number, out: Uint8Array, to: number): number {
  let write = to;
  for (let at = from; at < end; at++) out[write++] = bytes[at]!;
  return write;
}

/** The length of a character that is not seen; 0 for any other. */
function ofCharacter(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  let code = first & (0x7f >> size);
  for (let next = at + 1; next < at + size; next++) code = (code << 6) | (bytes[next]! & 0x3f);
  return isInvisible(code) ? size : 0;
}

function isInvisible(code: number): boolean {
  if (code > 0x3164 && code < 0xfe00) return false;
  for (let at = 0; at < INVISIBLE.length; at += 2) {
    if (code < INVISIBLE[at]!) return false;
    if (code <= INVISIBLE[at + 1]!) return true;
  }
  return false;
}

/** The length of an escape; 0: none begins here. */
function ofEscape(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]!;
  if (byte === PERCENT) return hexAt(bytes, at + 1, 2) < 0 ? 0 : 3;
  if (byte === ESC) return ofColour(bytes, at);
  const letter = bytes[at + 1] ?? 0;
  if (MEANS[letter] !== 0) return 2;
  if (letter === 0x78) return hexAt(bytes, at + 2, 2) < 0 ? 0 : 4;
  if (letter === 0x55) return hexAt(bytes, at + 2, 8) < 0 ? 0 : 10;
  if (letter !== 0x75) return 0;
  if (bytes[at + 2] !== 0x7b) return hexAt(bytes, at + 2, 4) < 0 ? 0 : 6;
  let end = at + 3;
  while (end < at + 9 && digit(bytes[end] ?? 0) >= 0) end += 1;
  return end > at + 3 && bytes[end] === 0x7d ? end - at + 1 : 0;
}

function ofColour(bytes: Uint8Array, at: number): number {
  if (bytes[at + 1] !== 0x5b) return 0;
  let end = at + 2;
  while (end < at + 22 && (digit(bytes[end] ?? 0xff) >= 0 || bytes[end] === 0x3b)) {
    // Letters end it.
    if ((bytes[end]! | 0x20) >= 0x61 && bytes[end] !== 0x3b) break;
    end += 1;
  }
  const letter = (bytes[end] ?? 0) | 0x20;
  return letter >= 0x61 && letter <= 0x7a ? end - at + 1 : 0;
}

/** Writes what an escape stands for. It is never longer than the escape. @returns where to go on writing. */
function replace(bytes: Uint8Array, from: number, out: Uint8Array, to: number): number {
  const byte = bytes[from]!;
  if (byte >= 0xc2 || byte === ESC) return to;
  if (byte === PERCENT) return putByte(out, to, hexAt(bytes, from + 1, 2));
  const letter = bytes[from + 1]!;
  if (letter === 0x78) return putByte(out, to, hexAt(bytes, from + 2, 2));
  if (letter === 0x55) return put(out, to, hexAt(bytes, from + 2, 8));
  if (letter !== 0x75) return putByte(out, to, MEANS[letter]!);
  if (bytes[from + 2] !== 0x7b) return put(out, to, hexAt(bytes, from + 2, 4));
  let code = 0;
  for (let at = from + 3; bytes[at] !== 0x7d; at++) code = code * 16 + digit(bytes[at]!);
  return put(out, to, code);
}

function putByte(out: Uint8Array, to: number, byte: number): number {
  out[to] = byte;
  return to + 1;
}

function put(out: Uint8Array, to: number, code: number): number {
  if (code < 0xd800 || code >= 0xe000) {
    const text = Buffer.from(String.fromCodePoint(code > MAX_CODE ? 0xfffd : code));
    out.set(text, to);
    return to + text.length;
  }
  // The first half of a pair is written as if it were a character, and found again by the second.
  if (code >= 0xdc00 && to >= 3 && out[to - 3] === 0xed && out[to - 2]! >= 0xa0) {
    const high = ((out[to - 2]! & 0x0f) << 6) | (out[to - 1]! & 0x3f);
    return put(out, to - 3, 0x10000 + (high << 10) + (code - 0xdc00));
  }
  out[to] = 0xed;
  out[to + 1] = 0x80 | ((code >> 6) & 0x3f);
  out[to + 2] = 0x80 | (code & 0x3f);
  return to + 3;
}

/** The number that so many digits make; −1 when there are not so many. */
function hexAt(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let next = at; next < at + digits; next++) {
    const one = digit(bytes[next] ?? 0);
    if (one < 0) return -1;
    value = value * 16 + one;
  }
  return value;
}

function digit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
