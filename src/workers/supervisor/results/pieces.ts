/**
 * A string of JSON, piece by piece and without its escapes: a result may hold a text of many MiB, and the heap of a
 * thread is small. Each piece shows some of what comes before it and behind it, so that whatever is not longer
 * than that is seen whole in the piece that it begins in. Pure; reads validated bytes.
 */

/** Bytes of a piece, of what is seen behind it, and of what is seen before it. */
const PIECE = 56 * 1024;
const BEHIND = 8 * 1024;
const BEFORE = 64;

const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
/** What the letter of an escape stands for; 0: itself. */
const MEANS = new Uint8Array(256);
for (const [letter, byte] of Object.entries({ b: 8, f: 12, n: 10, r: 13, t: 9 })) {
  MEANS[letter.charCodeAt(0)] = byte;
}

export interface Piece {
  /** Offsets in the line: where what is seen begins, where the piece does, and where what is seen ends. */
  readonly from: number;
  readonly start: number;
  readonly to: number;
  /** Where the next piece begins; `to` when there is none. */
  readonly next: number;
  /** What is seen, in UTF-8; it may change once the visit is over. */
  readonly bytes: Uint8Array;
}

/** A piece, and where what is seen of the next one begins. */
interface Cut extends Piece {
  readonly back: number;
}

/**
 * @param start of the string in the line, and its end, quotes included.
 * @param visit returns where the next piece begins if that is behind `next`; 0 for there.
 */
export function eachPiece(
  line: Uint8Array,
  start: number,
  end: number,
  visit: (piece: Piece) => number,
): void {
  const close = end - 1;
  const escape = Buffer.from(line.buffer, line.byteOffset, close).indexOf(BACKSLASH, start);
  let scratch: Uint8Array | null = null;
  let at = start + 1;
  let from = at;
  while (at < close) {
    let cut: Cut;
    if (escape < 0) cut = plainPiece(line, from, at, close);
    else {
      // Four more, for the last character.
      scratch ??= new Uint8Array(Math.min(close - at, BEFORE + PIECE + BEHIND) + 4);
      cut = escapedPiece(line, from, at, close, scratch);
    }
    const after = visit(cut);
    from = after > cut.next ? after : cut.back;
    at = Math.max(cut.next, after);
  }
}

function plainPiece(line: Uint8Array, from: number, start: number, close: number): Cut {
  const to = start + PIECE + BEHIND < close ? edge(line, start + PIECE + BEHIND) : close;
  const next = to < close ? edge(line, start + PIECE) : close;
  const bytes = line.subarray(from, to);
  return { from, start, to, next, back: edge(line, next - BEFORE), bytes };
}

/** The beginning of the character that is at `at`. */
function edge(line: Uint8Array, at: number): number {
  let first = at;
  while ((line[first]! & 0xc0) === 0x80) first -= 1;
  return first;
}

function escapedPiece(
  line: Uint8Array,
  from: number,
  start: number,
  close: number,
  out: Uint8Array,
): Cut {
  let at = from;
  let length = 0;
  let back = -1;
  let next = -1;
  const room = out.length - 4;
  while (at < close && length < room) {
    const byte = line[at]!;
    // What a character continues with is no place to cut.
    if (length >= PIECE - BEFORE && back < 0 && (byte & 0xc0) !== 0x80) back = at;
    if (length >= PIECE && next < 0 && (byte & 0xc0) !== 0x80) next = at;
    if (byte !== BACKSLASH) {
      out[length++] = byte;
      at += 1;
      continue;
    }
    const letter = line[at + 1]!;
    if (letter !== LETTER_U) {
      out[length++] = MEANS[letter]! || letter;
      at += 2;
      continue;
    }
    const code = codeAt(line, at);
    length = put(out, length, code);
    at += code > 0xffff ? 12 : 6;
  }
  // A character that has begun is kept whole.
  while (at < close && (line[at]! & 0xc0) === 0x80) out[length++] = line[at++]!;
  const bytes = out.subarray(0, length);
  if (at >= close || next < 0) return { from, start, to: at, next: at, back: at, bytes };
  return { from, start, to: at, next, back, bytes };
}

/** What an escape, or a pair of them, stands for. */
function codeAt(line: Uint8Array, at: number): number {
  const code = hex(line, at + 2);
  const isHigh = code >= 0xd800 && code < 0xdc00;
  if (!isHigh || line[at + 6] !== BACKSLASH || line[at + 7] !== LETTER_U) return code;
  const low = hex(line, at + 8);
  return low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + low - 0xdc00 : code;
}

function hex(line: Uint8Array, at: number): number {
  let code = 0;
  for (let digit = at; digit < at + 4; digit++) {
    const byte = line[digit]!;
    code = code * 16 + (byte < 0x3a ? byte - 0x30 : (byte | 0x20) - 0x57);
  }
  return code;
}

/** Half of a pair alone becomes what stands for an unknown character. @returns the new length. */
function put(out: Uint8Array, at: number, code: number): number {
  let length = at;
  if (code < 0x80) {
    out[length++] = code;
    return length;
  }
  if (code >= 0xd800 && code < 0xe000) return put(out, length, 0xfffd);
  if (code < 0x800) out[length++] = 0xc0 | (code >> 6);
  else {
    if (code < 0x10000) out[length++] = 0xe0 | (code >> 12);
    else {
      out[length++] = 0xf0 | (code >> 18);
      out[length++] = 0x80 | ((code >> 12) & 0x3f);
    }
    out[length++] = 0x80 | ((code >> 6) & 0x3f);
  }
  out[length++] = 0x80 | (code & 0x3f);
  return length;
}

/** The last beginning of a character within so many bytes behind `from`, which is one. */
export function placeAfter(line: Uint8Array, from: number, bytes: number): number {
  let at = from;
  for (;;) {
    let next = at + 1;
    if (line[at] === BACKSLASH) {
      next = line[at + 1] !== LETTER_U ? at + 2 : at + (codeAt(line, at) > 0xffff ? 12 : 6);
    } else while ((line[next]! & 0xc0) === 0x80) next += 1;
    if (next - from > bytes) return at;
    at = next;
  }
}

/**
 * Where in the line a character begins, or ends, that is so many UTF-16 units behind a place.
 *
 * @param from the beginning of a character or escape. @param units not more than there are.
 */
export function placeOf(line: Uint8Array, from: number, units: number): number {
  let at = from;
  let left = units;
  while (left > 0) {
    const byte = line[at]!;
    if (byte < 0x80) {
      at += byte !== BACKSLASH ? 1 : line[at + 1] === LETTER_U ? 6 : 2;
      left -= 1;
    } else {
      at += byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      left -= byte >= 0xf0 ? 2 : 1;
    }
  }
  return at;
}
