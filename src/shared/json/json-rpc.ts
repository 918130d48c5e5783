/**
 * JSON-RPC 2.0 over scanned frames: classifies messages, and builds messages from bytes that are never
 * parsed or printed again. A result in parts is to be written part by part.
 */

import type { ByteRange } from '../model/byte-range.ts';
import type { ReaError } from '../model/errors.ts';
import { type Frame, rangeOf, stringAt } from './frame.ts';
import { SLOT } from './json-scan.ts';
import { kindAt } from './json-slice.ts';

export type MessageKind =
  | { readonly kind: 'request'; readonly method: string }
  | { readonly kind: 'response'; readonly isError: boolean }
  | { readonly kind: 'notification'; readonly method: string }
  | { readonly kind: 'invalid'; readonly why: string };

/**
 * The kind of a message. A response may hold any `result` or `error`; a request's id must be a string or
 * a number (MCP forbids null), and its `params` an object.
 */
export function classify(frame: Frame): MessageKind {
  if (stringAt(frame, SLOT.jsonrpc) !== '2.0') return invalid('jsonrpc must be "2.0"');
  const id = rangeOf(frame, SLOT.id);
  const idKind = id === null ? null : kindAt(frame.line, id[0]);
  if (idKind === 'object' || idKind === 'array' || idKind === 'boolean') {
    return invalid('id must be a string or a number');
  }
  const hasResult = rangeOf(frame, SLOT.result) !== null;
  const hasError = rangeOf(frame, SLOT.error) !== null;
  if (rangeOf(frame, SLOT.method) === null) {
    if (id === null) return invalid('neither method nor id');
    if (hasResult === hasError) return invalid('exactly one of result and error must be there');
    return { kind: 'response', isError: hasError };
  }
  const method = stringAt(frame, SLOT.method);
  if (method === null) return invalid('method must be a string');
  if (hasResult || hasError) return invalid('both a method and a result or error');
  const params = rangeOf(frame, SLOT.params);
  if (params !== null && kindAt(frame.line, params[0]) !== 'object') {
    return invalid('params must be an object');
  }
  if (idKind === null) return { kind: 'notification', method };
  return idKind === 'null' ? invalid('id must not be null') : { kind: 'request', method };
}

function invalid(why: string): MessageKind {
  return { kind: 'invalid', why };
}

/** A complete notification with its newline. @param paramsJson JSON of an object, or null for none. */
export function notificationLine(method: string, paramsJson: string | null): Buffer {
  const params = paramsJson === null ? '' : `,"params":${paramsJson}`;
  return Buffer.from(`{"jsonrpc":"2.0","method":${JSON.stringify(method)}${params}}\n`);
}

export interface Edit {
  readonly at: ByteRange;
  readonly with: Uint8Array;
}

/**
 * `bytes` with some ranges replaced, as parts that share its memory. No newline is added.
 *
 * @throws RangeError when ranges overlap or lie outside of `bytes`.
 */
export function replaceRanges(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const edit of edits.toSorted((a, b) => a.at[0] - b.at[0])) {
    const [start, end] = edit.at;
    if (start < from || end < start || end > bytes.length) {
      throw new RangeError(`cannot replace ${start}–${end} of ${bytes.length} bytes`);
    }
    if (start > from) parts.push(bytes.subarray(from, start));
    parts.push(edit.with);
    from = end;
  }
  if (from < bytes.length) parts.push(bytes.subarray(from));
  return parts;
}

/** An error response without newline. @param idRaw raw JSON of the id (`null` if it is unknown). */
export function errorParts(
  idRaw: Uint8Array,
  code: number,
  message: string,
  data?: unknown,
): Uint8Array[] {
  const error = JSON.stringify({ code, message, data });
  return [RESPONSE_HEAD, idRaw, Buffer.from(`,"error":${error}}`)];
}

/** A response without newline. @param resultJson JSON of the result. */
export function resultParts(idRaw: Uint8Array, resultJson: string): Uint8Array[] {
  return [RESPONSE_HEAD, idRaw, Buffer.from(`,"result":${resultJson}}`)];
}

/** JSON text of the result of a `tools/call` that the gateway itself could not carry out. */
export function toolErrorResult(message: string, error: ReaError): string {
  const result = {
    content: [{ type: 'text', text: message }],
    isError: true,
    _meta: { 'rea/error': error },
  };
  return JSON.stringify(result);
}

/** All parts in one piece that owns its whole ArrayBuffer and may be transferred. */
export function joinExact(parts: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  const whole = Buffer.allocUnsafeSlow(sizeOf(parts));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Bytes of all parts together. */
export function sizeOf(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}

const RESPONSE_HEAD: Uint8Array = Buffer.from('{"jsonrpc":"2.0","id":');
