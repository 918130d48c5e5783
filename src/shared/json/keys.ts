/**
 * Names and URIs as they stand in messages and files, read within a bound: whatever is longer is never
 * compared, matched, sorted or kept by anybody. Pure.
 */

import type { ByteRange } from '../model/byte-range.ts';
import { LISTS, type ListKind } from '../model/lists.ts';
import { decodeString, type Frame, rangeOf } from './frame.ts';
import type { Slot } from './json-scan.ts';

/** Code points; the specification allows as many for a tool. */
export const MAX_NAME_CHARACTERS = 128;
/** Of UTF-8; also of a URI template. */
export const MAX_URI_BYTES = 8192;
/** Of the raw JSON of a request id or a progress token. */
export const MAX_ID_BYTES = 1024;

/** UTF-16 units. A server's own are shorter, and may be shown with a number added. */
const MAX_TASK_ID = 2048;

/** Raw JSON of one byte, and of one code point, where both are written as `\uXXXX`. */
const RAW_BYTE = 6;
const RAW_CHARACTER = 12;
const QUOTES = 2;

export type Key = { readonly text: string } | { readonly wrong: 'no_string' | 'too_long' };

/** The key of an entry of a list. @param at where its raw JSON is. */
export function readKey(kind: ListKind, bytes: Uint8Array, at: ByteRange): Key {
  return LISTS[kind].key === 'name' ? readName(bytes, at) : readUri(bytes, at);
}

export function readName(bytes: Uint8Array, at: ByteRange): Key {
  return read(bytes, at, MAX_NAME_CHARACTERS * RAW_CHARACTER, isShortName);
}

export function readUri(bytes: Uint8Array, at: ByteRange): Key {
  return read(bytes, at, MAX_URI_BYTES * RAW_BYTE, isShortUri);
}

/** Null: it is no string, or longer than any task's. */
export function readTaskId(bytes: Uint8Array, at: ByteRange): string | null {
  const key = read(bytes, at, MAX_TASK_ID * RAW_BYTE, (text) => text.length <= MAX_TASK_ID);
  return 'text' in key ? key.text : null;
}

/** Whether a request id or a progress token is too long to be kept and given back with every answer. */
export function isLongId(frame: Frame, slot: Slot): boolean {
  const at = rangeOf(frame, slot);
  return at !== null && at[1] - at[0] > MAX_ID_BYTES;
}

/** What can be too long is not even decoded. */
function read(
  bytes: Uint8Array,
  at: ByteRange,
  maxRaw: number,
  isShort: (text: string) => boolean,
): Key {
  if (bytes[at[0]] !== 0x22) return { wrong: 'no_string' };
  if (at[1] - at[0] > maxRaw + QUOTES) return { wrong: 'too_long' };
  const text = decodeString(bytes, at) ?? '';
  return isShort(text) ? { text } : { wrong: 'too_long' };
}

function isShortName(text: string): boolean {
  return text.length <= MAX_NAME_CHARACTERS || Array.from(text).length <= MAX_NAME_CHARACTERS;
}

function isShortUri(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_URI_BYTES;
}
