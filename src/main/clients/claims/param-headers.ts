/**
 * Arguments of a tool that its definition wants repeated in headers (`x-mcp-header` in its `inputSchema`): finds
 * them, and checks the headers of a call against them. Pure; a tool whose annotations are not valid has none,
 * because clients leave such a tool out.
 */
import { decodeString, type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { eachMember, kindAt, member, type Sought, seek } from '../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import type { Refusal } from './claim.ts';
import { decodeHeaderValue } from './header-value.ts';
import { compare, type Headers, mismatch } from './headers.ts';

type ArgumentType = 'string' | 'integer' | 'boolean';

interface Annotated {
  readonly header: string;
  readonly type: ArgumentType;
}

/** What a tool wants repeated. The indexes of `arguments` are those of `all`. */
interface Annotations {
  readonly all: readonly Annotated[];
  readonly inside: Sought['inside'];
}

/** A `Sought` while it is put together. */
interface Place {
  index: number | null;
  readonly inside: Map<string, Place>;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const TYPES: readonly string[] = ['string', 'integer', 'boolean'];
/** Properties within properties; what is deeper is not looked at. */
const MAX_DEPTH = 16;
/** As many as are sent to servers; a tool with more has none that are looked at. */
const MAX_ANNOTATED = 32;
const MAX_TEXT_BYTES = 64 * 1024;
const INTEGER = /^-?\d{1,16}(?:\.0+)?$/;
const NONE: Annotations = { all: [], inside: new Map() };
const KEY = 'x-mcp-header';
const KEY_BYTES = Buffer.from(KEY);
/** The name could be written with escapes. */
const ESCAPE = Buffer.from('\\u');

/** Definitions stay the same bytes until a list is told anew. */
const known = new WeakMap<Uint8Array, Annotations>();

/** Null: the headers say what the arguments say. @param tool JSON of its definition. */
export function paramRefusal(headers: Headers, frame: Frame, tool: Uint8Array): Refusal | null {
  const { all, inside } = known.get(tool) ?? annotationsOf(tool);
  known.set(tool, { all, inside });
  if (all.length === 0) return null;
  const { line } = frame;
  const params = rangeOf(frame, SLOT.params);
  const args = params === null ? null : member(line, params, 'arguments');
  const found: (ByteRange | null)[] = all.map(() => null);
  if (args !== null) seek(line, args, inside, found);
  for (const [index, one] of all.entries()) {
    const refusal = judge(headers, one, line, found[index] ?? null);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** @param at of the argument; null: it is not there. */
function judge(
  headers: Headers,
  { header, type }: Annotated,
  line: Uint8Array,
  at: ByteRange | null,
): Refusal | null {
  const name = `Mcp-Param-${header}`;
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

function annotationsOf(tool: Uint8Array): Annotations {
  const bytes = Buffer.from(tool.buffer, tool.byteOffset, tool.byteLength);
  if (!bytes.includes(KEY_BYTES) && !bytes.includes(ESCAPE)) return NONE;
  const schema = member(tool, [0, tool.length], 'inputSchema');
  if (schema === null) return NONE;
  const all: Annotated[] = [];
  const inside = new Map<string, Place>();
  if (!collect(tool, schema, 0, inside, all)) return NONE;
  const names = new Set(all.map(({ header }) => header.toLowerCase()));
  return names.size === all.length ? { all, inside } : NONE;
}

/** @param inside gets the properties that are annotated or hold some. @returns false: an annotation is not valid, or there are too many. */
function collect(
  bytes: Uint8Array,
  schema: ByteRange,
  depth: number,
  inside: Map<string, Place>,
  all: Annotated[],
): boolean {
  const properties = member(bytes, schema, 'properties');
  if (properties === null || depth >= MAX_DEPTH) return true;
  let isValid = true;
  eachMember(bytes, properties, (name, nameEnd, start, end) => {
    if (!isValid) return;
    const place: Place = { index: null, inside: new Map() };
    const header = member(bytes, [start, end], KEY);
    if (header !== null) {
      const typeAt = member(bytes, [start, end], 'type');
      const type = typeAt === null ? null : decodeString(bytes, typeAt);
      const text = decodeString(bytes, header);
      if (text === null || !TOKEN.test(text) || !isType(type)) isValid = false;
      else place.index = all.push({ header: text, type }) - 1;
    }
    isValid &&= collect(bytes, [start, end], depth + 1, place.inside, all);
    isValid &&= all.length <= MAX_ANNOTATED;
    if (place.index === null && place.inside.size === 0) return;
    inside.set(decodeString(bytes, [name, nameEnd]) ?? '', place);
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
