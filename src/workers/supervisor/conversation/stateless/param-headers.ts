/**
 * The arguments of a tool that go along as headers, `Mcp-Param-…`: its input schema says which by `x-mcp-header`
 * (revision 2026-07-28). Reads a schema once, when the tool is listed, and arguments by range. Pure.
 */
import type { OutgoingHttpHeaders } from 'node:http';
import { decodeString } from '../../../../shared/json/frame.ts';
import { kindAt, member } from '../../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../../shared/model/byte-range.ts';
import { headerValue } from './header-values.ts';

/** An argument that goes along as a header. */
export interface ParamHeader {
  /** Names of members, from the arguments inwards. */
  readonly path: readonly string[];
  /** Without `Mcp-Param-`. */
  readonly header: string;
}

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
const MAX_HEADERS = 32;
const MAX_DEPTH = 64;
/** More would not fit into what servers take for headers. */
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
  if (names.size > MAX_HEADERS) {
    return { ok: false, wrong: `with more than ${MAX_HEADERS} ${KEY}` };
  }
  return { ok: true, headers };
}

/** The headers of one call. @param args range of its arguments; null: there are none. */
export function paramHeaders(
  line: Uint8Array,
  args: ByteRange | null,
  declared: readonly ParamHeader[],
): OutgoingHttpHeaders {
  const found: OutgoingHttpHeaders = {};
  for (const { path, header } of declared) {
    const text = args === null ? null : textOf(line, args, path);
    if (text !== null) found[`mcp-param-${header.toLowerCase()}`] = headerValue(text);
  }
  return found;
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
  if (typeof header !== 'string' || !TOKEN.test(header)) return 'is no name of a header';
  if (typeof type !== 'string' || !TYPES.has(type)) {
    return 'is on an argument that is no string, integer or boolean';
  }
  headers.push({ path, header });
  return null;
}

/** The value as a header says it; null: it is not there, or no header can hold it. */
function textOf(line: Uint8Array, args: ByteRange, path: readonly string[]): string | null {
  let at: ByteRange | null = args;
  for (const name of path) at = at === null ? null : member(line, at, name);
  if (at === null || at[1] - at[0] > MAX_VALUE_BYTES) return null;
  const raw = Buffer.from(line.buffer, line.byteOffset + at[0], at[1] - at[0]).toString();
  const kind = kindAt(line, at[0]);
  if (kind === 'string') return decodeString(line, at);
  if (kind === 'boolean') return raw;
  if (kind !== 'number') return null;
  const value = Number(raw);
  const isSafe = !Number.isInteger(value) || Number.isSafeInteger(value);
  return Number.isFinite(value) && isSafe ? String(value) : null;
}
