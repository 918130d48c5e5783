/**
 * Makes an entry of a list fit for the clients of the official SDKs, which refuse a whole list for one entry that
 * does not fit their schemas. Changes only what means the same without: a null in place of a member that may be
 * missing, a tool without `inputSchema`, and `true` and `false` as the schema of a property. Reads the bytes of a
 * valid entry by range, in linear time. Pure.
 */
import type { ByteRange } from '../model/byte-range.ts';
import { ENTRY_SHAPES, type Members, type Scalar, type Shape } from '../model/entry-shapes.ts';
import type { ListKind } from '../model/lists.ts';
import { decodeString } from './frame.ts';
import { type Edit, joinExact, replaceRanges } from './json-rpc.ts';
import { eachElement, eachMember, isName, type JsonKind, kindAt } from './json-slice.ts';

export type Fit =
  /** The same object when nothing had to be changed. */
  | { readonly json: Uint8Array }
  /** In words, to be read after a number of entries. */
  | { readonly wrong: string };

/** Raw JSON of the longest known name or word, with all of its letters escaped. */
const MAX_WORD_BYTES = 128;
/** Raw JSON of a time; with more digits than anybody needs. */
const MAX_TIME_BYTES = 4096;
/** Changes to one entry; a thread's memory is small. */
const MAX_EDITS = 10_000;

const NOTHING = new Uint8Array(0);
const NO_INPUT = Buffer.from('{"type":"object"}');
const NO_INPUT_MEMBER = Buffer.from(`,"inputSchema":${NO_INPUT.toString()}`);
const ANYTHING = Buffer.from('{}');
const NEVER = Buffer.from('{"not":{}}');

const DAY =
  '(?:(?:\\d\\d[2468][048]|\\d\\d[13579][26]|\\d\\d0[48]|[02468][048]00|[13579][26]00)-02-29|\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8])))';
const CLOCK = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const TIME = new RegExp(`^${DAY}T${CLOCK}:[0-5]\\d(?:\\.\\d+)?(?:Z|[+-]${CLOCK})$`);

const WORDS: Readonly<Partial<Record<Scalar, string>>> = {
  share: 'number from 0 to 1',
  time: 'time such as 2026-01-31T12:00:00Z',
  schemas: 'object of schemas',
};

/** @param json one valid JSON object. */
export function fitEntry(kind: ListKind, json: Uint8Array): Fit {
  const work: Work = { json, edits: [] };
  const wrong = inMembers(work, [0, json.length], ENTRY_SHAPES[kind], '');
  if (wrong !== null) return { wrong };
  const { edits } = work;
  if (edits.length > MAX_EDITS) return { wrong: `with more than ${MAX_EDITS} faults` };
  return { json: edits.length === 0 ? json : joinExact(replaceRanges(json, edits)) };
}

interface Work {
  readonly json: Uint8Array;
  readonly edits: Edit[];
}

/** Notes a change, and of too many just that they are too many. */
function edit({ edits }: Work, at: ByteRange, by: Uint8Array): void {
  if (edits.length <= MAX_EDITS) edits.push({ at, with: by });
}

/** What is wrong with a value; null: nothing, once the edits are made. */
function inValue(work: Work, at: ByteRange, shape: Shape, path: string): string | null {
  if (typeof shape === 'string') {
    return isScalar(work, at, shape) ? null : `whose ${path} is no ${WORDS[shape] ?? shape}`;
  }
  if ('oneOf' in shape) {
    const all = shape.oneOf.map((word) => `"${word}"`).join(', ');
    return isOneOf(work.json, at, shape.oneOf) ? null : `whose ${path} is not ${all}`;
  }
  if ('members' in shape) return inMembers(work, at, shape, path);
  if (kindAt(work.json, at[0]) !== 'array') return `whose ${path} is no array`;
  let wrong: string | null = null;
  const each = `${path}[]`;
  eachElement(work.json, at, (start, end) => {
    wrong ??= inValue(work, [start, end], shape.each, each);
  });
  return wrong;
}

function inMembers(work: Work, at: ByteRange, shape: Members, path: string): string | null {
  const { json } = work;
  if (kindAt(json, at[0]) !== 'object') return `whose ${path} is no object`;
  const found = knownMembers(json, at, shape);
  const nulls = new Set<string>();
  for (const [key, inner] of Object.entries(shape.members)) {
    const value = found.get(key) ?? null;
    const name = path === '' ? key : `${path}.${key}`;
    if (value !== null && kindAt(json, value[0]) !== 'null') {
      const wrong = inValue(work, value, inner, name);
      if (wrong !== null) return wrong;
    } else if (name === 'inputSchema') {
      // Behind the last member: there is one at least, the name.
      if (value === null) edit(work, [at[1] - 1, at[1] - 1], NO_INPUT_MEMBER);
      else edit(work, value, NO_INPUT);
    } else if (shape.needs.includes(key)) return `without ${name}`;
    else if (value !== null) nulls.add(key);
  }
  if (nulls.size > 0) cut(work, at, (key) => nulls.has(key));
  return null;
}

/** The last value of each known member, as in JSON.parse. */
function knownMembers(json: Uint8Array, at: ByteRange, shape: Members): Map<string, ByteRange> {
  const found = new Map<string, ByteRange>();
  eachMember(json, at, (name, nameEnd, start, end) => {
    if (nameEnd - name > MAX_WORD_BYTES) return;
    const key = nameOf(json, name, nameEnd);
    if (Object.hasOwn(shape.members, key)) found.set(key, [start, end]);
  });
  return found;
}

/** Takes out all members of some names, each with one of the commas beside it. */
function cut(work: Work, at: ByteRange, isCut: (key: string) => boolean): void {
  const { json } = work;
  let kept = false;
  /** Where the first of those begins that have none before them that stays. */
  let first = -1;
  let before = at[0] + 1;
  eachMember(json, at, (name, nameEnd, _, end) => {
    if (!isCut(nameOf(json, name, nameEnd))) {
      if (!kept && first >= 0) edit(work, [first, name], NOTHING);
      kept = true;
    } else if (kept) edit(work, [before, end], NOTHING);
    else if (first < 0) first = name;
    before = end;
  });
  if (!kept) edit(work, [first, before], NOTHING);
}

function isScalar(work: Work, at: ByteRange, shape: Scalar): boolean {
  const { json } = work;
  const kind = kindAt(json, at[0]);
  switch (shape) {
    case 'number':
    case 'share': {
      const value = kind === 'number' ? Number(rawText(json, at)) : Number.NaN;
      return Number.isFinite(value) && (shape === 'number' || (value >= 0 && value <= 1));
    }
    case 'time':
      return at[1] - at[0] <= MAX_TIME_BYTES && TIME.test(decodeString(json, at) ?? '');
    case 'schemas':
      return kind === 'object' && areSchemas(work, at);
    case 'string':
    case 'boolean':
    case 'object':
      return kind === shape;
  }
}

/** Whether the members of an object are schemas, once the edits are made. */
function areSchemas(work: Work, at: ByteRange): boolean {
  const { json } = work;
  const odd = new Map<string, ByteRange>();
  eachMember(json, at, (name, nameEnd, start, end) => {
    if (odd.size > MAX_EDITS || isSchema(kindAt(json, start))) return;
    odd.set(nameOf(json, name, nameEnd), [start, end]);
  });
  // Clients pass over it.
  odd.delete('__proto__');
  if (odd.size === 0) return true;
  if (odd.size > MAX_EDITS) return false;
  // The last one of a name counts, which may be a schema.
  eachMember(json, at, (name, nameEnd, start, end) => {
    const key = nameOf(json, name, nameEnd);
    if (odd.has(key)) odd.set(key, [start, end]);
  });
  const nulls = new Set<string>();
  for (const [name, value] of odd) {
    const kind = kindAt(json, value[0]);
    if (isSchema(kind)) continue;
    if (kind === 'null') nulls.add(name);
    else if (kind !== 'boolean') return false;
    else edit(work, value, isTrue(json, value) ? ANYTHING : NEVER);
  }
  if (nulls.size > 0) cut(work, at, (key) => nulls.has(key));
  return true;
}

/** Clients take any object or array for one. */
function isSchema(kind: JsonKind): boolean {
  return kind === 'object' || kind === 'array';
}

function isTrue(json: Uint8Array, [start]: ByteRange): boolean {
  return json[start] === 0x74;
}

function isOneOf(json: Uint8Array, [start, end]: ByteRange, words: readonly string[]): boolean {
  return kindAt(json, start) === 'string' && words.some((word) => isName(json, start, end, word));
}

function nameOf(json: Uint8Array, start: number, end: number): string {
  return decodeString(json, [start, end]) ?? '';
}

function rawText(json: Uint8Array, [start, end]: ByteRange): string {
  return Buffer.from(json.buffer, json.byteOffset + start, end - start).toString('latin1');
}
