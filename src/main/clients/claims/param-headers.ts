/**
 * Arguments of a tool that its definition wants repeated in headers (`x-mcp-header` in its `inputSchema`): finds
 * them, and checks the headers of a call against them. Pure; a tool whose annotations are not valid has none,
 * because clients leave such a tool out.
 */
import { decodeString, type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { eachMember, kindAt, member } from '../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import type { Refusal } from './claim.ts';
import { decodeHeaderValue } from './header-value.ts';
import { compare, type Headers, mismatch } from './headers.ts';

type ArgumentType = 'string' | 'integer' | 'boolean';

interface Annotated {
  readonly header: string;
  /** Names of properties, from the arguments down. */
  readonly path: readonly string[];
  readonly type: ArgumentType;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const TYPES: readonly string[] = ['string', 'integer', 'boolean'];
/** Properties within properties; what is deeper is not looked at. */
const MAX_DEPTH = 16;
const MAX_TEXT_BYTES = 64 * 1024;
const INTEGER = /^-?\d{1,16}(?:\.0+)?$/;
const NONE: readonly Annotated[] = [];

/** Definitions stay the same bytes until a list is told anew. */
const known = new WeakMap<Uint8Array, readonly Annotated[]>();

/** Null: the headers say what the arguments say. @param tool JSON of its definition. */
export function paramRefusal(headers: Headers, frame: Frame, tool: Uint8Array): Refusal | null {
  const annotated = known.get(tool) ?? annotationsOf(tool);
  known.set(tool, annotated);
  if (annotated.length === 0) return null;
  const params = rangeOf(frame, SLOT.params);
  const args = params === null ? null : member(frame.line, params, 'arguments');
  for (const one of annotated) {
    const refusal = judge(headers, one, frame.line, args);
    if (refusal !== null) return refusal;
  }
  return null;
}

function judge(
  headers: Headers,
  { header, path, type }: Annotated,
  line: Uint8Array,
  args: ByteRange | null,
): Refusal | null {
  const name = `Mcp-Param-${header}`;
  let at = args;
  for (const key of path) at = at === null ? null : member(line, at, key);
  if (at === null || kindAt(line, at[0]) === 'null') return compare(headers, name, null);
  if (at[1] - at[0] > MAX_TEXT_BYTES) return mismatch(`the argument of ${name} is too long`);
  if (type !== 'integer') {
    const text = decodeString(line, at) ?? textOf(line, at);
    return compare(headers, name, text);
  }
  const [value = ''] = headers.headersDistinct[name.toLowerCase()] ?? [];
  const number = numberOf(decodeHeaderValue(value) ?? '');
  // 42 and 42.0 are the same number.
  const isSame = number !== null && number === numberOf(textOf(line, at));
  return compare(headers, name, isSame ? decodeHeaderValue(value) : textOf(line, at));
}

function annotationsOf(tool: Uint8Array): readonly Annotated[] {
  const schema = member(tool, [0, tool.length], 'inputSchema');
  if (schema === null) return NONE;
  const found: Annotated[] = [];
  if (!collect(tool, schema, [], found)) return NONE;
  const names = new Set(found.map(({ header }) => header.toLowerCase()));
  return names.size === found.length ? found : NONE;
}

/** @returns false: an annotation is not valid. */
function collect(
  bytes: Uint8Array,
  schema: ByteRange,
  path: readonly string[],
  found: Annotated[],
): boolean {
  const properties = member(bytes, schema, 'properties');
  if (properties === null || path.length >= MAX_DEPTH) return true;
  let isValid = true;
  eachMember(bytes, properties, (name, nameEnd, start, end) => {
    const key = decodeString(bytes, [name, nameEnd]) ?? '';
    const inner = [...path, key];
    const header = member(bytes, [start, end], 'x-mcp-header');
    if (header !== null) {
      const typeAt = member(bytes, [start, end], 'type');
      const type = typeAt === null ? null : decodeString(bytes, typeAt);
      const text = decodeString(bytes, header);
      if (text === null || !TOKEN.test(text) || !isType(type)) isValid = false;
      else found.push({ header: text, path: inner, type });
    }
    if (!collect(bytes, [start, end], inner, found)) isValid = false;
  });
  return isValid;
}

function isType(type: string | null): type is ArgumentType {
  return type !== null && TYPES.includes(type);
}

function textOf(bytes: Uint8Array, [start, end]: ByteRange): string {
  return Buffer.from(bytes.subarray(start, end)).toString();
}

function numberOf(text: string): number | null {
  const number = INTEGER.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : null;
}
