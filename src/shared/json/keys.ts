/**
 * Reads names, URIs and ids from messages and files within a bound: a longer one is never compared,
 * matched, sorted or kept. Pure.
 */

import type { ByteRange } from '../model/byte-range.ts';
import { LISTS, type ListKind } from '../model/lists.ts';
import { decodeString, type Frame, rangeOf } from './frame.ts';
import type { Slot } from './json-scan.ts';

/** Code points; the specification allows as many for a tool. */
export const MAX_NAME_CHARACTERS = 128;
/** Bytes of UTF-8; also for a URI template. */
export const MAX_URI_BYTES = 8192;
/** Bytes of raw JSON of a request id or progress token. */
export const MAX_ID_BYTES = 1024;
/** What is said of a request for which `isLongId` is true of either. */
export const LONG_ID = `id and progress token may have at most ${MAX_ID_BYTES} bytes`;

/** UTF-16 units. Ids from servers are shorter; clients may see them with a number added. */
const MAX_TASK_ID = 2048;

/** Most bytes of raw JSON for one byte, and for one code point: both written as `\uXXXX`. */
const RAW_BYTE = 6;
const RAW_CHARACTER = 12;
const QUOTES = 2;

export type Key = { readonly text: string } | { readonly wrong: 'no_string' | 'too_long' };

/** The key of an entry of a list. @param at range of its raw JSON. */
export function readKey(kind: ListKind, bytes: Uint8Array, at: ByteRange): Key {
  return LISTS[kind].key === 'name' ? readName(bytes, at) : readUri(bytes, at);
}

export function readName(bytes: Uint8Array, at: ByteRange): Key {
  return read(bytes, at, MAX_NAME_CHARACTERS * RAW_CHARACTER, isShortName);
}

export function readUri(bytes: Uint8Array, at: ByteRange): Key {
  return read(bytes, at, MAX_URI_BYTES * RAW_BYTE, isShortUri);
}

/** Null: not a string, or longer than the id of any task. */
export function readTaskId(bytes: Uint8Array, at: ByteRange): string | null {
  const key = read(bytes, at, MAX_TASK_ID * RAW_BYTE, (text) => text.length <= MAX_TASK_ID);
  return 'text' in key ? key.text : null;
}

/** True when a request id or progress token is too long to be kept and sent back with every answer. */
export function isLongId(frame: Frame, slot: Slot): boolean {
  const at = rangeOf(frame, slot);
  return at !== null && at[1] - at[0] > MAX_ID_BYTES;
}

/** A text that is too long even when fully escaped is not decoded. */
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
