/**
 * The headers by which a request of revision 2026-07-28 repeats what its body says, so that what stands between
 * client and gateway need not read bodies. They only cross-check: the body decides. Pure.
 */
import type { IncomingMessage } from 'node:http';
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { readName, readTaskId, readUri } from '../../../shared/json/keys.ts';
import { HEADER_MISMATCH } from '../../../shared/model/errors.ts';
import { TASK_METHODS } from '../../../shared/model/task-handles.ts';
import { decodeHeaderValue } from '../../../shared/text/header-value.ts';
import type { Refusal } from './claim.ts';

export type Headers = Pick<IncomingMessage, 'headers' | 'headersDistinct'>;

/** Null: the headers say what the body says. @param version the claim's. */
export function headerRefusal(
  headers: Headers,
  frame: Frame,
  method: string,
  version: string,
): Refusal | null {
  return (
    compare(headers, 'MCP-Protocol-Version', version, asItIs) ??
    compare(headers, 'Mcp-Method', method, asItIs) ??
    nameRefusal(headers, frame, method)
  );
}

/** @param expected null: the header must not be there. */
export function compare(
  headers: Headers,
  name: string,
  expected: string | null,
  decode: (raw: string) => string | null = decodeHeaderValue,
): Refusal | null {
  const values = valuesOf(headers, name.toLowerCase());
  const [value] = values;
  if (values.length > 1) return mismatch(`the header ${name} is there ${values.length} times`);
  if (value === undefined) {
    return expected === null ? null : mismatch(`the header ${name} is missing`);
  }
  const decoded = decode(value);
  if (decoded === null) return mismatch(`the header ${name} cannot be decoded`);
  if (decoded === expected) return null;
  return mismatch(`the header ${name} does not say what the body says`);
}

/** Node joins the values of a header with a comma; to take them all apart costs as much as to read them all. */
function valuesOf(request: Headers, name: string): readonly string[] {
  const joined = request.headers[name];
  if (joined === undefined) return [];
  return typeof joined === 'string' && !joined.includes(',')
    ? [joined]
    : (request.headersDistinct[name] ?? []);
}

/** Only names and arguments may be encoded. */
function asItIs(raw: string): string {
  return raw;
}

function mismatch(message: string): Refusal {
  return { code: HEADER_MISMATCH, message: `Header mismatch: ${message}` };
}

/** A body without a name that could be compared is refused for that, and not for its header. */
function nameRefusal(headers: Headers, frame: Frame, method: string): Refusal | null {
  const name = nameIn(frame, method);
  return name === null ? null : compare(headers, 'Mcp-Name', name);
}

function nameIn(frame: Frame, method: string): string | null {
  const { line } = frame;
  if (TASK_METHODS.has(method)) {
    const at = rangeOf(frame, SLOT.paramsTaskId);
    return at === null ? null : readTaskId(line, at);
  }
  const isRead = method === 'resources/read';
  if (!isRead && method !== 'tools/call' && method !== 'prompts/get') return null;
  const at = rangeOf(frame, isRead ? SLOT.paramsUri : SLOT.paramsName);
  const read = at === null ? null : (isRead ? readUri : readName)(line, at);
  return read === null || 'wrong' in read ? null : read.text;
}
