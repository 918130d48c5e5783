/**
 * The form of answers in revision 2026-07-28: each result says its type, what may be cached says for how long, and
 * errors have no codes that the revision has given another meaning. What a server says is added to as bytes.
 */
import type { Edit } from '../../../shared/json/json-rpc.ts';
import { errorParts, resultParts, toolErrorResult } from '../../../shared/json/json-rpc.ts';
import { JSON_RPC, MISSING_CAPABILITY } from '../../../shared/model/errors.ts';
import { SERVER_INFO } from '../../../shared/model/meta-keys.ts';
import {
  type AnswerMessage,
  ERROR_MEANS,
  RESULT_HAS,
} from '../../../shared/protocol/from-supervisor.ts';
import { type AnswerForm, listParts } from '../../calls/answer-form.ts';
import { type Failure, reaError } from '../../calls/failures.ts';

const TYPE = '"resultType":"complete"';
/** Servers with sessions do not say for how long: what they said is asked for anew, and nobody else's. */
const TTL = '"ttlMs":0';
const SCOPE = '"cacheScope":"private"';
/** Of the results of servers. */
const CACHEABLE = 'resources/read';
const NOT_FOUND = -32_002;
/** Without a meaning in this revision. */
const UNKNOWN_CODES = { first: -32_019, last: -32_000 };
/** The revision's own; those that a server may say are none of the gateway's. */
const RESERVED_CODES = { first: -32_099, last: -32_020 };
const MAX_CODE_BYTES = 16;
const CODE = /^-?\d+/;
const NOTHING: readonly Edit[] = [];

/** @param gatewayInfo JSON text of what the gateway says of itself. */
export function sessionlessForm(gatewayInfo: string): AnswerForm {
  const own = `"_meta":{"${SERVER_INFO}":${gatewayInfo}}`;
  return {
    ofServer,
    failure: sessionlessFailure,
    error: (idRaw, code, message, data) => {
      const parts = errorParts(idRaw, withMeaning(code), message, data);
      return code === MISSING_CAPABILITY ? withCodeApart(parts) : parts;
    },
    result: (idRaw, resultJson) => resultParts(idRaw, completeResult(resultJson)),
    list: (kind, idRaw, entries) =>
      listParts(kind, idRaw, entries, `${TYPE},`, `,${TTL},${SCOPE},${own}`),
  };
}

/** The one answer of a request that failed on its way. */
export function sessionlessFailure(
  method: string,
  idRaw: Uint8Array,
  failure: Failure,
): Uint8Array[] {
  const error = reaError(failure);
  const { message } = failure;
  return method === 'tools/call'
    ? resultParts(idRaw, completeResult(toolErrorResult(message, error)))
    : errorParts(idRaw, JSON_RPC.internalError, message, { 'rea/error': error });
}

/** A result with its type. @param resultJson JSON text of an object. */
export function completeResult(resultJson: string): string {
  return resultJson === '{}' ? `{${TYPE}}` : `{${TYPE},${resultJson.slice(1)}`;
}

function ofServer(method: string, { line, at, has, isError }: AnswerMessage): readonly Edit[] {
  if (at < 0) return NOTHING;
  if (isError) return codeEdit(line, at, (has & ERROR_MEANS.clientCannot) !== 0);
  const added: string[] = [];
  if ((has & RESULT_HAS.resultType) === 0) added.push(TYPE);
  if (method === CACHEABLE) {
    if ((has & RESULT_HAS.ttlMs) === 0) added.push(TTL);
    if ((has & RESULT_HAS.cacheScope) === 0) added.push(SCOPE);
  }
  if (added.length === 0) return NOTHING;
  const text = (has & RESULT_HAS.anything) === 0 ? added.join(',') : `${added.join(',')},`;
  return [{ at: [at, at], with: Buffer.from(text) }];
}

/** @param clientCannot the server needs what the request does not say that its client can do. */
function codeEdit(line: Uint8Array, at: number, clientCannot: boolean): readonly Edit[] {
  const text = Buffer.from(line.subarray(at, at + MAX_CODE_BYTES)).toString('latin1');
  const [digits = ''] = CODE.exec(text) ?? [];
  const code = Number(digits);
  const here = clientCannot ? MISSING_CAPABILITY : codeHere(code);
  return here === code
    ? NOTHING
    : [{ at: [at, at + digits.length], with: Buffer.from(String(here)) }];
}

/** The code as a part of its own, by which the answer has its HTTP status. */
function withCodeApart(parts: readonly Uint8Array[]): Uint8Array[] {
  const text = String(MISSING_CAPABILITY);
  return parts.flatMap((part, index) => {
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.length);
    const at = index === parts.length - 1 ? bytes.indexOf(text) : -1;
    const end = at + text.length;
    return at < 0 ? [part] : [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  });
}

/** A code of a server. */
function codeHere(code: number): number {
  return isIn(RESERVED_CODES, code) ? JSON_RPC.internalError : withMeaning(code);
}

function withMeaning(code: number): number {
  if (code === NOT_FOUND) return JSON_RPC.invalidParams;
  return isIn(UNKNOWN_CODES, code) ? JSON_RPC.internalError : code;
}

function isIn({ first, last }: typeof UNKNOWN_CODES, code: number): boolean {
  return code >= first && code <= last;
}
