/**
 * The arguments of a tool that go along as headers, `Mcp-Param-…`: its input schema says which by `x-mcp-header`
 * (revision 2026-07-28). Reads a schema as a whole, and arguments by range. What is sent to servers and what is
 * expected of clients comes from here. Pure.
 */
import type { ByteRange } from '../model/byte-range.ts';
import { decodeString } from './frame.ts';
import { kindAt, member, type Sought, seek } from './json-slice.ts';

/** An argument that goes along as a header. */
export interface ParamHeader {
  /** Names of members, from the arguments inwards. */
  readonly path: readonly string[];
  /** Without `Mcp-Param-`. */
  readonly header: string;
}

/** Of the header of an argument; its name follows. */
export const PARAM_HEADER = 'Mcp-Param-';

/** A tool with an invalid declaration must not be offered. `wrong` is read after a number of entries. */
export type Declared =
  | { readonly ok: true; readonly headers: readonly ParamHeader[] }
  | { readonly ok: false; readonly wrong: string };

const KEY = 'x-mcp-header';
const KEY_BYTES = Buffer.from(KEY);
/** The name could be written with escapes. */
const ESCAPE = Buffer.from('\\u');
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
const TYPES = new Set(['string', 'integer', 'boolean']);
/** Of one tool. */
export const MAX_PARAM_HEADERS = 32;
const MAX_DEPTH = 64;
/** Of an argument. More would not fit into what servers take for headers. */
const MAX_VALUE_BYTES = 8192;
export const NO_HEADERS: Declared = { ok: true, headers: [] };

/** @param json of one tool, valid and of bounded size. */
export function declaredHeaders(json: Uint8Array): Declared {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  if (!bytes.includes(KEY_BYTES) && !bytes.includes(ESCAPE)) return NO_HEADERS;
  const at = member(json, [0, json.length], 'inputSchema');
  if (at === null) return NO_HEADERS;
  const headers: ParamHeader[] = [];
  const wrong = walk(JSON.parse(bytes.toString('utf8', at[0], at[1])), [], headers, true, 0);
  if (wrong !== null) return { ok: false, wrong: `whose ${KEY} ${wrong}` };
  const names = new Set(headers.map(({ header }) => header.toLowerCase()));
  if (names.size < headers.length) return { ok: false, wrong: `whose ${KEY} comes twice` };
  if (headers.length > MAX_PARAM_HEADERS) {
    return { ok: false, wrong: `with more than ${MAX_PARAM_HEADERS} ${KEY}` };
  }
  return { ok: true, headers };
}

/** True when a header can have this name, without `Mcp-Param-`. */
export function isHeaderName(name: string): boolean {
  return TOKEN.test(name);
}

/** A `Sought` while it is put together. */
interface Place {
  index: number | null;
  readonly inside: Map<string, Place>;
}

const known = new WeakMap<readonly ParamHeader[], ReadonlyMap<string, Sought>>();

/**
 * Finds the arguments of one call that go along as headers.
 *
 * @param args range of all its arguments; null: there are none.
 * @returns their values in the order of `headers`; null: it is not there.
 */
export function paramsOf(
  line: Uint8Array,
  args: ByteRange | null,
  headers: readonly ParamHeader[],
): readonly (ByteRange | null)[] {
  const found: (ByteRange | null)[] = headers.map(() => null);
  const inside = known.get(headers) ?? placesOf(headers);
  known.set(headers, inside);
  if (args !== null) seek(line, args, inside, found);
  return found;
}

/** @param at of an argument. @returns its value as a header says it, before it is encoded; null: no header can hold it. */
export function paramText(line: Uint8Array, at: ByteRange): string | null {
  if (at[1] - at[0] > MAX_VALUE_BYTES) return null;
  const raw = Buffer.from(line.buffer, line.byteOffset + at[0], at[1] - at[0]).toString();
  const kind = kindAt(line, at[0]);
  if (kind === 'string') return decodeString(line, at);
  if (kind === 'boolean') return raw;
  if (kind !== 'number') return null;
  const value = Number(raw);
  const isSafe = !Number.isInteger(value) || Number.isSafeInteger(value);
  return Number.isFinite(value) && isSafe ? String(value) : null;
}

function placesOf(headers: readonly ParamHeader[]): ReadonlyMap<string, Sought> {
  const root: Place = { index: null, inside: new Map() };
  for (const [index, { path }] of headers.entries()) {
    let place = root;
    for (const name of path) {
      const next = place.inside.get(name) ?? { index: null, inside: new Map() };
      place.inside.set(name, next);
      place = next;
    }
    place.index = index;
  }
  return root.inside;
}

/**
 * Every place of a schema, so that none is overlooked where no declaration may be.
 *
 * @param reachable all on the way here were members of `properties`.
 * @returns what is wrong, in words; null: nothing.
 */
function walk(
  schema: unknown,
  path: readonly string[],
  headers: ParamHeader[],
  reachable: boolean,
  depth: number,
): string | null {
  if (typeof schema !== 'object' || schema === null) return null;
  if (depth > MAX_DEPTH) return 'cannot be looked for: it is nested too deep';
  const wrong = Object.hasOwn(schema, KEY) ? own(schema, path, headers, reachable) : null;
  if (wrong !== null) return wrong;
  for (const [key, value] of Object.entries(schema)) {
    if (VALUES.has(key)) continue;
    const found = MEMBERS.has(key)
      ? eachOf(value, (name, inner) => {
          const inside = key === 'properties' && reachable;
          return walk(inner, [...path, name], headers, inside, depth + 1);
        })
      : walk(value, path, headers, false, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

/** Keywords whose value is data, not a schema. */
const VALUES = new Set(['const', 'enum', 'default', 'examples', KEY]);
/** Keywords whose value holds schemas by names of any kind. */
const MEMBERS = new Set([
  'properties',
  'patternProperties',
  'dependentSchemas',
  '$defs',
  'definitions',
]);

function eachOf(
  value: unknown,
  visit: (name: string, inner: unknown) => string | null,
): string | null {
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, inner] of Object.entries(value)) {
    const wrong = visit(name, inner);
    if (wrong !== null) return wrong;
  }
  return null;
}

function own(
  schema: object,
  path: readonly string[],
  headers: ParamHeader[],
  reachable: boolean,
): string | null {
  const { [KEY]: header, type } = schema as Readonly<Record<string, unknown>>;
  if (!reachable || path.length === 0) return 'is not on an argument';
  if (typeof header !== 'string' || !isHeaderName(header)) return 'is no name of a header';
  if (typeof type !== 'string' || !TYPES.has(type)) {
    return 'is on an argument that is no string, integer or boolean';
  }
  headers.push({ path, header });
  return null;
}
