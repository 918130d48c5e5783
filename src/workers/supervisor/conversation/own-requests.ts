/**
 * The gateway's own requests to a server (handshake, lists, pings). Their ids are odd numbers and those of
 * calls even ones, so that none can be a call's. Numbers, because some servers were only ever spoken to by SDKs
 * and drop ids that are strings. Owned by the conversation. Has no timeouts: the caller of `send` needs its own.
 */
import type { OutgoingHttpHeaders } from 'node:http';
import {
  decodeString,
  type Frame,
  rangeOf,
  scanFrame,
  textAt,
} from '../../../shared/json/frame.ts';
import { idNumber } from '../../../shared/json/id-number.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { member } from '../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { clip } from '../../../shared/text/clean-text.ts';
import type { Line } from '../link.ts';
import type { Reply } from './reply.ts';

/** UTF-16 units of an error's message that are kept; more than is ever shown, see `redactedHead`. */
export const KEPT_ERROR_UNITS = 8192;
/** Longest string that is decoded, and largest reply that is read: a thread's heap is small. */
const MAX_STRING_BYTES = 65_536;
const MAX_REPLY_BYTES = 8 * 1024 * 1024;
const MAX_REPLY_VALUES = 200_000;
const MAX_CODE_BYTES = 32;
/** How a request begins that changes nothing, and that a server has no reason to refuse to anybody who may call. */
const HARMLESS = /^\{"jsonrpc":"2\.0","id":\d+,"method":"(?:ping|tools\/list)"/;
const BEGINNING_BYTES = 80;

/** What requests say besides what they ask, where there was no handshake. */
export interface Speaker {
  /** JSON text of the params. @param params JSON of an object; null: none. */
  ownParams(method: string, params: string | null): string;
  headers(method: string): OutgoingHttpHeaders;
}

export class OwnRequests {
  /** Null: a handshake has said it all, or will. */
  speaker: Speaker | null = null;
  readonly #line: Line;
  readonly #waiting = new Map<string, (reply: Reply) => void>();
  #last = -1;

  constructor(line: Line) {
    this.#line = line;
  }

  /** Sends a request. @param paramsJson JSON of an object, or null for none. @returns its id. */
  send(method: string, paramsJson: string | null, onReply: (reply: Reply) => void): string {
    const id = String(this.mintId());
    this.#waiting.set(id, onReply);
    const json = this.speaker === null ? paramsJson : this.speaker.ownParams(method, paramsJson);
    const params = json === null ? '' : `,"params":${json}`;
    const line = `{"jsonrpc":"2.0","id":${id},"method":"${method}"${params}}\n`;
    this.#line.write(Buffer.from(line), id, this.speaker?.headers(method));
    return id;
  }

  /** Asks for nothing but an answer. */
  ping(onReply: (reply: Reply) => void): string {
    return this.send(this.speaker === null ? 'ping' : 'server/discover', null, onReply);
  }

  /** An id that no other request has. */
  mintId(): number {
    this.#last += 2;
    return this.#last;
  }

  /** The reply is no longer wanted. */
  forget(id: string): void {
    if (this.#waiting.delete(id)) this.#line.withdraw(id);
  }

  /** Whether no request is open. */
  get areSettled(): boolean {
    return this.#waiting.size === 0;
  }

  /** Whether the request with this id is open. */
  has(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** A response came. @param idText raw JSON text. @returns false when no request with its id is open. */
  settle(idText: string, frame: Frame): boolean {
    return this.#end(idText, () => replyOf(frame));
  }

  /** A response came that cannot be read. @returns as `settle`. */
  refuse(idText: string, why: string): boolean {
    return this.#end(idText, () => ({ ok: false, problem: `its answer was refused: ${why}` }));
  }

  /** There will be no response. @param body what came instead of it. @returns as `settle`. */
  fail(idText: string, problem: string, body?: Uint8Array): boolean {
    return this.#end(idText, () => ({ ok: false, problem, lost: true, ...errorIn(body) }));
  }

  #end(idText: string, reply: () => Reply): boolean {
    const id = String(idNumber(idText));
    const onReply = this.#waiting.get(id);
    if (onReply === undefined) return false;
    this.#waiting.delete(id);
    onReply(reply());
    return true;
  }
}

/** Whether a line that `send` has made only asks for a sign of life, or for the tools. */
export function isHarmless(line: Uint8Array): boolean {
  return HARMLESS.test(Buffer.from(line.subarray(0, BEGINNING_BYTES)).toString('latin1'));
}

/** A string member; null when it is missing, no string, or too long. */
export function stringMember(bytes: Uint8Array, of: ByteRange, key: string): string | null {
  const range = member(bytes, of, key);
  return range === null || range[1] - range[0] > MAX_STRING_BYTES
    ? null
    : decodeString(bytes, range);
}

function replyOf(frame: Frame): Reply {
  const { line } = frame;
  if (line.length > MAX_REPLY_BYTES) return tooLarge(`${line.length} bytes`);
  if (values(line) > MAX_REPLY_VALUES) return tooLarge(`over ${MAX_REPLY_VALUES} values`);
  const result = rangeOf(frame, SLOT.result);
  if (result !== null) return { ok: true, line, result };
  const error = rangeOf(frame, SLOT.error);
  const text = error === null ? null : stringMember(line, error, 'message');
  return {
    ok: false,
    problem: clip(text ?? 'an error without a message', KEPT_ERROR_UNITS),
    code: codeOf(frame),
    ...(error === null ? {} : { error: { line, at: error } }),
  };
}

function codeOf(frame: Frame): number | null {
  const at = rangeOf(frame, SLOT.errorCode);
  if (at === null || at[1] - at[0] > MAX_CODE_BYTES) return null;
  const code = Number(textAt(frame, SLOT.errorCode));
  return Number.isNaN(code) ? null : code;
}

/** The JSON-RPC error that the body of an HTTP error may be. */
function errorIn(body: Uint8Array | undefined): Pick<Extract<Reply, { ok: false }>, 'error'> {
  const frame = body === undefined ? null : scanFrame(body);
  if (frame === null || 'error' in frame) return {};
  const at = rangeOf(frame, SLOT.error);
  return at === null ? {} : { error: { line: frame.line, at } };
}

function tooLarge(what: string): Reply {
  return { ok: false, problem: `its answer is too large to be looked into (${what})` };
}

/** Roughly how many values a valid message holds: its commas outside strings. */
function values(bytes: Uint8Array): number {
  let count = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x22) inString = !inString;
    else if (inString && byte === 0x5c) at++;
    else if (!inString && byte === 0x2c) count++;
  }
  return count;
}
