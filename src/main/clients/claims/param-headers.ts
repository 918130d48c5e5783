/**
 * The arguments of a call that its tool wants repeated in headers: checks the headers against them. Pure; a tool
 * whose declarations are not valid has none, because clients leave such a tool out.
 */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { kindAt, member } from '../../../shared/json/json-slice.ts';
import {
  declaredHeaders,
  PARAM_HEADER,
  type ParamHeader,
  paramsOf,
  paramText,
} from '../../../shared/json/param-headers.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { decodeHeaderValue } from '../../../shared/text/header-value.ts';
import type { Refusal } from './claim.ts';
import { compare, type Headers } from './headers.ts';

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const NONE: readonly ParamHeader[] = [];

/** Definitions stay the same bytes until a list is told anew. */
const known = new WeakMap<Uint8Array, readonly ParamHeader[]>();

/** Null: the headers say what the arguments say. @param tool JSON of its definition. */
export function paramRefusal(headers: Headers, frame: Frame, tool: Uint8Array): Refusal | null {
  const wanted = known.get(tool) ?? wantedBy(tool);
  known.set(tool, wanted);
  if (wanted.length === 0) return null;
  const { line } = frame;
  const params = rangeOf(frame, SLOT.params);
  const args = params === null ? null : member(line, params, 'arguments');
  const found = paramsOf(line, args, wanted);
  for (const [index, { header }] of wanted.entries()) {
    const refusal = judge(headers, `${PARAM_HEADER}${header}`, line, found[index] ?? null);
    if (refusal !== null) return refusal;
  }
  return null;
}

function wantedBy(tool: Uint8Array): readonly ParamHeader[] {
  const declared = declaredHeaders(tool);
  return declared.ok ? declared.headers : NONE;
}

/** What no header can hold goes without one. @param at of the argument; null: it is not there. */
function judge(
  headers: Headers,
  name: string,
  line: Uint8Array,
  at: ByteRange | null,
): Refusal | null {
  if (at === null) return compare(headers, name, null);
  const isNumber = kindAt(line, at[0]) === 'number';
  return compare(headers, name, paramText(line, at), isNumber ? decodeNumber : decodeHeaderValue);
}

/** 42, 42.0 and 4.2e1 are the same number. */
function decodeNumber(value: string): string | null {
  const text = decodeHeaderValue(value);
  return text !== null && NUMBER.test(text) ? String(Number(text)) : text;
}
