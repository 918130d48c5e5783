/**
 * Counts the texts of an answer that hide something: characters that do not show, and commands in base64 or hex. A
 * first look at the bytes lets almost all texts pass, and only the others are decoded and judged. Pure.
 */
import { isAscii } from 'node:buffer';
import type { Frame } from '../../../shared/json/frame.ts';
import { hardFindings } from '../../../shared/text/hard-findings.ts';
import { eachPiece } from './pieces.ts';
import { eachText } from './text-fields.ts';

/** Null: nothing is hidden. */
export function hiddenTexts(frame: Frame): Readonly<Record<string, number>> | null {
  let counts: Record<string, number> | null = null;
  eachText(frame, 'all', (start, end) => {
    if (!mayHideEscaped(frame.line.subarray(start + 1, end - 1))) return;
    let rules: Set<string> | null = null;
    eachPiece(frame.line, start, end, ({ bytes }) => {
      if (!mayHide(bytes)) return 0;
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
      for (const { rule } of hardFindings(text)) {
        rules ??= new Set();
        rules.add(rule);
      }
      return 0;
    });
    for (const rule of rules ?? []) {
      counts ??= {};
      counts[rule] = (counts[rule] ?? 0) + 1;
    }
  });
  return counts;
}

/** What base64 is made of, and hex; 0 for any other byte, else six bits and one. */
const SIX_BITS = new Uint8Array(256);
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (let at = 0; at < ALPHABET.length; at++) SIX_BITS[ALPHABET.charCodeAt(at)] = at + 1;
SIX_BITS[0x2d] = SIX_BITS[0x2b] ?? 0;
SIX_BITS[0x5f] = SIX_BITS[0x2f] ?? 0;
/** The shortest run that is decoded: as in hard-findings.ts. */
const RUN = 24;
const BACKSLASH = 0x5c;

/** Escapes that stand for any character, or for a letter of base64. */
const ESCAPES = ['\\u', '\\/'].map((escape) => Buffer.from(escape));

/** As `mayHide`, of text as it stands in JSON: to read it without its escapes takes longer. */
function mayHideEscaped(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return ESCAPES.some((escape) => buffer.includes(escape)) || mayHide(bytes);
}

/** Whether a text may hide something. @param bytes UTF-8. */
export function mayHide(bytes: Uint8Array): boolean {
  return mayHoldEncoded(bytes) || (!isAscii(bytes) && mayHoldInvisible(bytes));
}

/** A run this long covers each of its places that are `RUN` apart, so only these are looked at. */
function mayHoldEncoded(bytes: Uint8Array): boolean {
  const { length } = bytes;
  for (let at = RUN - 1; at < length; at += RUN) {
    if (SIX_BITS[bytes[at]!] === 0) continue;
    let start = at;
    while (start > 0 && SIX_BITS[bytes[start - 1]!] !== 0) start -= 1;
    let end = at + 1;
    while (end < length && SIX_BITS[bytes[end]!] !== 0) end += 1;
    if (end - start >= RUN) {
      if (isBase64Text(bytes, start) || isHexText(bytes, start)) return true;
      // The first letter of the run may belong to an escape, such as `\n`.
      if (bytes[start - 1] === BACKSLASH && end - start > RUN) {
        if (isBase64Text(bytes, start + 1) || isHexText(bytes, start + 1)) return true;
      }
    }
    // The last place that this run covers.
    at += Math.floor((end - 1 - at) / RUN) * RUN;
  }
  return false;
}

/** Whether the first letters of a run say printable text. */
function isBase64Text(bytes: Uint8Array, start: number): boolean {
  for (let at = start; at < start + RUN; at += 4) {
    const a = SIX_BITS[bytes[at]!]! - 1;
    const b = SIX_BITS[bytes[at + 1]!]! - 1;
    if (!isShown((a << 2) | (b >> 4))) return false;
    const c = SIX_BITS[bytes[at + 2]!]! - 1;
    if (!isShown(((b & 15) << 4) | (c >> 2))) return false;
    const d = SIX_BITS[bytes[at + 3]!]! - 1;
    if (!isShown(((c & 3) << 6) | d)) return false;
  }
  return true;
}

/** The same in hex, also behind `0x`. */
function isHexText(bytes: Uint8Array, start: number): boolean {
  const from = bytes[start] === 0x30 && bytes[start + 1] === 0x78 ? start + 2 : start;
  for (let at = from; at < start + RUN; at += 2) {
    if (!isShown(digit(bytes[at]!) * 16 + digit(bytes[at + 1]!))) return false;
  }
  return true;
}

/** Not a number for what is no hex digit. */
function digit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN;
}

function isShown(code: number): boolean {
  return (code >= 0x20 && code < 0x7f) || code === 9 || code === 10 || code === 13;
}

/** First two bytes of characters that hide or reorder text, in UTF-8. */
const BEGINNINGS: ReadonlySet<number> = new Set([
  0xcd8f, 0xd89c, 0xe185, 0xe1a0, 0xe280, 0xe281, 0xe385, 0xefb8, 0xefbb, 0xefbe,
]);

function mayHoldInvisible(bytes: Uint8Array): boolean {
  const last = bytes.length - 1;
  for (let at = 0; at < last; at++) {
    const byte = bytes[at]!;
    if (byte < 0xcd) continue;
    if (byte >= 0xf3) return true;
    const next = bytes[at + 1]!;
    if (!BEGINNINGS.has((byte << 8) | next)) continue;
    if (byte !== 0xe2 || isInvisible(next, bytes[at + 2]!)) return true;
  }
  return false;
}

/** Not dashes, quotes and dots, which are in almost every text. */
function isInvisible(second: number, third: number): boolean {
  return second === 0x81
    ? third >= 0xa0 && third <= 0xaf
    : (third >= 0x8b && third <= 0x8f) || (third >= 0xaa && third <= 0xae);
}
