/**
 * One scanned message: its bytes, and the byte ranges of the members that a gateway routes by. The bytes
 * are never parsed as a whole, only read by range.
 */

import type { ByteRange } from '../model/byte-range.ts';
import { SCAN, Scanner, type Slot } from './json-scan.ts';

export interface Frame {
  /** The message without its line end: valid UTF-8, one JSON object, no newline or CR in it. */
  readonly line: Uint8Array;
  /** Start and end offset in `line` for each slot, −1 when absent. */
  readonly ranges: Int32Array;
}

const scanner = new Scanner();

/**
 * Scans a whole message. A line end (`\n` or `\r\n`) behind it is left out of the frame.
 *
 * @returns the frame, or a code of `SCAN`.
 */
export function scanFrame(line: Uint8Array): Frame | { readonly error: number } {
  const message = withoutLineEnd(line);
  const error = scanner.line(message);
  return error === SCAN.ok ? { line: message, ranges: scanner.ranges.slice() } : { error };
}

/** Bytes of UTF-8 without the byte order mark that they may begin with. */
export function withoutBom(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/** The range of a member's value, or null when the message does not have the member. */
export function rangeOf(frame: Frame, slot: Slot): ByteRange | null {
  const start = frame.ranges[2 * slot]!;
  return start < 0 ? null : [start, frame.ranges[2 * slot + 1]!];
}

/** The raw JSON text of a member's value. */
export function textAt(frame: Frame, slot: Slot): string | null {
  const range = rangeOf(frame, slot);
  return range === null ? null : decodeUtf8(frame.line, range[0], range[1]);
}

/** A member's value when it is a string, else null. */
export function stringAt(frame: Frame, slot: Slot): string | null {
  const range = rangeOf(frame, slot);
  return range === null ? null : decodeString(frame.line, range);
}

/** Decodes the JSON string, quotes included, at `range` of validated bytes; null for another value. */
export function decodeString(bytes: Uint8Array, range: ByteRange): string | null {
  const [start, end] = range;
  if (bytes[start] !== 0x22) return null;
  const text = decodeUtf8(bytes, start + 1, end - 1);
  return text.includes('\\') ? JSON.parse(`"${text}"`) : text;
}

function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

function withoutLineEnd(line: Uint8Array): Uint8Array {
  let end = line.length;
  if (end > 0 && line[end - 1] === 0x0a) end--;
  if (end > 0 && line[end - 1] === 0x0d) end--;
  return end === line.length ? line : line.subarray(0, end);
}
