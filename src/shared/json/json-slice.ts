/**
 * Reads JSON bytes that a scanner has already validated: finds elements and members by range, without
 * building objects and without recursion. For other bytes the result is meaningless, but it ends.
 */

import type { ByteRange } from '../model/byte-range.ts';
import { decodeString } from './frame.ts';

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

export interface Member {
  readonly key: string;
  readonly value: ByteRange;
}

/** The kind of the value that begins at `at`. */
export function kindAt(bytes: Uint8Array, at: number): JsonKind {
  switch (bytes[at]!) {
    case 0x7b:
      return 'object';
    case 0x5b:
      return 'array';
    case 0x22:
      return 'string';
    case 0x74:
    case 0x66:
      return 'boolean';
    case 0x6e:
      return 'null';
    default:
      return 'number';
  }
}

/** Called with the start and end of a value. */
type Visit = (start: number, end: number) => void;
/** Called with the start and end of a name, quotes included, and of its value. */
type VisitMember = (name: number, nameEnd: number, start: number, end: number) => void;

/** Calls back for each element of the array at `range`, in order; never for another value. */
export function eachElement(bytes: Uint8Array, range: ByteRange, visit: Visit): void {
  walkElements(bytes, range, Infinity, visit);
}

/** Calls back for each member of the object at `range`, in order, with duplicates; never for another value. */
export function eachMember(bytes: Uint8Array, range: ByteRange, visit: VisitMember): void {
  const end = range[1];
  if (kindAt(bytes, range[0]) !== 'object') return;
  let at = skipSeparators(bytes, range[0] + 1, end);
  while (at < end && bytes[at] !== 0x7d) {
    const keyEnd = endOfValue(bytes, at, end);
    const start = skipSeparators(bytes, keyEnd, end);
    const stop = endOfValue(bytes, start, end);
    visit(at, keyEnd, start, stop);
    at = skipSeparators(bytes, stop, end);
  }
}

/** True when the object or array that begins at `start` is empty. */
export function isEmpty(bytes: Uint8Array, [start, end]: ByteRange): boolean {
  return skipSeparators(bytes, start + 1, end) === end - 1;
}

/** The first `limit` elements of the array at `range`, in order; none for another value. */
export function elements(bytes: Uint8Array, range: ByteRange, limit = Infinity): ByteRange[] {
  const found: ByteRange[] = [];
  walkElements(bytes, range, limit, (start, end) => found.push([start, end]));
  return found;
}

function walkElements(bytes: Uint8Array, range: ByteRange, limit: number, visit: Visit): void {
  const end = range[1];
  if (kindAt(bytes, range[0]) !== 'array') return;
  let at = skipSeparators(bytes, range[0] + 1, end);
  for (let left = limit; left > 0 && at < end && bytes[at] !== 0x5d; left--) {
    const stop = endOfValue(bytes, at, end);
    visit(at, stop);
    at = skipSeparators(bytes, stop, end);
  }
}

/** The members of the object at `range`, in order, with duplicates; none for another value. */
export function members(bytes: Uint8Array, range: ByteRange): Member[] {
  const found: Member[] = [];
  eachMember(bytes, range, (name, nameEnd, start, end) => {
    found.push({ key: decodeString(bytes, [name, nameEnd]) ?? '', value: [start, end] });
  });
  return found;
}

/** The value of the last member `key`, as in JSON.parse. Null: absent. */
export function member(bytes: Uint8Array, range: ByteRange, key: string): ByteRange | null {
  return find(bytes, range, key, 'last');
}

/** The value of the first member `key`; looks at nothing behind it. Null: absent. */
export function firstMember(bytes: Uint8Array, range: ByteRange, key: string): ByteRange | null {
  return find(bytes, range, key, 'first');
}

/** Builds nothing for the members that it passes: there may be millions. */
function find(
  bytes: Uint8Array,
  range: ByteRange,
  key: string,
  which: 'first' | 'last',
): ByteRange | null {
  let found: ByteRange | null = null;
  const end = range[1];
  if (kindAt(bytes, range[0]) !== 'object') return found;
  let at = skipSeparators(bytes, range[0] + 1, end);
  while (at < end && bytes[at] !== 0x7d) {
    const keyEnd = endOfValue(bytes, at, end);
    const start = skipSeparators(bytes, keyEnd, end);
    const stop = endOfValue(bytes, start, end);
    if (isName(bytes, at, keyEnd, key)) {
      found = [start, stop];
      if (which === 'first') return found;
    }
    at = skipSeparators(bytes, stop, end);
  }
  return found;
}

/** Members that are looked for in an object, and in those again. */
export interface Sought {
  /** Of its value among what is found; null: only what is in it is looked for. */
  readonly index: number | null;
  readonly inside: ReadonlyMap<string, Sought>;
}

/**
 * Finds the values of many members in one pass over the object at `range`: no byte is looked at twice, however many
 * there are and however deep they lie. The last member of a name counts, as in JSON.parse.
 *
 * @param found by index; filled where there is such a value.
 */
export function seek(
  bytes: Uint8Array,
  range: ByteRange,
  inside: Sought['inside'],
  found: (ByteRange | null)[],
): void {
  seekFrom(bytes, range[0], range[1], inside, found);
}

/** As deep as what is sought. @returns the end of the value that begins at `from`. */
function seekFrom(
  bytes: Uint8Array,
  from: number,
  end: number,
  inside: Sought['inside'],
  found: (ByteRange | null)[],
): number {
  if (inside.size === 0 || kindAt(bytes, from) !== 'object') return endOfValue(bytes, from, end);
  let at = skipSeparators(bytes, from + 1, end);
  while (at < end && bytes[at] !== 0x7d) {
    const keyEnd = endOfValue(bytes, at, end);
    const start = skipSeparators(bytes, keyEnd, end);
    const one = soughtAs(bytes, at, keyEnd, inside);
    if (one === null) at = endOfValue(bytes, start, end);
    else {
      forget(one, found);
      at = seekFrom(bytes, start, end, one.inside, found);
      if (one.index !== null) found[one.index] = [start, at];
    }
    at = skipSeparators(bytes, at, end);
  }
  return Math.min(at + 1, end);
}

function soughtAs(
  bytes: Uint8Array,
  start: number,
  end: number,
  inside: Sought['inside'],
): Sought | null {
  for (const [name, one] of inside) if (isName(bytes, start, end, name)) return one;
  return null;
}

/** A member of the same name came before. */
function forget({ index, inside }: Sought, found: (ByteRange | null)[]): void {
  if (index !== null) found[index] = null;
  for (const one of inside.values()) forget(one, found);
}

/** True when the JSON string at `[start, end)`, quotes included, is `name`. */
export function isName(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  const length = end - start - 2;
  // A UTF-16 unit takes one byte at least, and six at most, as \uXXXX.
  if (length < name.length || length > 6 * name.length) return false;
  for (let at = 0; at < name.length; at++) {
    const byte = bytes[start + 1 + at]!;
    if (byte === 0x5c || byte > 0x7f) return decodeString(bytes, [start, end]) === name;
    if (byte !== name.charCodeAt(at)) return false;
  }
  return length === name.length;
}

/** White space, commas and colons between values. */
function skipSeparators(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte > 0x20 && byte !== 0x2c && byte !== 0x3a) break;
    at++;
  }
  return at;
}

/** The end of the value that begins at `start`; always greater than `start`. */
function endOfValue(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start];
  if (first === 0x22) return endOfString(bytes, start, end);
  if (first !== 0x7b && first !== 0x5b) return endOfScalar(bytes, start, end);
  let depth = 0;
  let at = start;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte === 0x22) {
      at = endOfString(bytes, at, end);
      continue;
    }
    at++;
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return at;
  }
  return end;
}

function endOfString(bytes: Uint8Array, start: number, end: number): number {
  let at = start + 1;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte === 0x22) return at + 1;
    at += byte === 0x5c ? 2 : 1;
  }
  return end;
}

function endOfScalar(bytes: Uint8Array, start: number, end: number): number {
  let at = start + 1;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte <= 0x20 || byte === 0x2c || byte === 0x7d || byte === 0x5d) return at;
    at++;
  }
  return end;
}
