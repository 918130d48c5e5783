/**
 * All that stands for sessions over HTTP where there are none: one for each token, and one for all clients that
 * need no token. Judges what a request says of itself, in its body and in its headers, and serves it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Frame, rangeOf, textAt } from '../../../../shared/json/frame.ts';
import type { MessageKind } from '../../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import { readName } from '../../../../shared/json/keys.ts';
import { JSON_RPC } from '../../../../shared/model/errors.ts';
import { isLaterRevision } from '../../../../shared/model/revisions.ts';
import {
  type HttpError,
  replyAccepted,
  replyError,
  replyMessage,
  STOPPING,
} from '../../../http/replies.ts';
import {
  claimMissing,
  methodNotFound,
  NO_CLAIM,
  type Read,
  type Refusal,
  versionRefusal,
} from '../../claims/claim.ts';
import { Claims } from '../../claims/claims.ts';
import { headerRefusal } from '../../claims/headers.ts';
import { paramRefusal } from '../../claims/param-headers.ts';
import { sessionlessFailure } from '../../sessionless/answer-form.ts';
import { acceptsOf } from '../accept.ts';
import type { HttpLimits, HttpOptions } from '../options.ts';
import { type Asked, Principal } from './principal.ts';

/** A POST without a session. */
export interface Posted {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly frame: Frame;
  readonly message: MessageKind;
  /** The name of the token; null when no tokens are in use. */
  readonly principal: string | null;
  /** It names a session that there is. */
  readonly hasSession: boolean;
}

/** Longest time between two looks for principals that are idle. */
const SWEEP_MS = 60_000;
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;
const VERSION = 'mcp-protocol-version';

export class Principals {
  readonly #options: HttpOptions;
  readonly #limits: HttpLimits;
  readonly #byName = new Map<string | null, Principal>();
  readonly #claims = new Claims();
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: HttpOptions, limits: HttpLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(limits.idleMs / 4, SWEEP_MS));
    this.#sweeper.unref();
  }

  /** Serves a POST to its end. @param accepting the gateway is not stopping. @returns false: it is of a revision with sessions; nothing was done. */
  serve(posted: Posted, accepting: boolean): boolean {
    const { request, response, frame, message } = posted;
    const inSession = posted.hasSession && !isSessionless(request);
    const mayClaim = message.kind === 'request' || message.kind === 'notification';
    const read = mayClaim ? this.#claims.of(frame, inSession) : NO_CLAIM;
    if (!isOurs(request, message, read)) return false;
    const error = unfit(request, message);
    if (error !== null) replyError(response, { ...error, ...idOf(frame, message) });
    else if (message.kind === 'notification') replyAccepted(response);
    else if (!accepting) {
      const stopping = { ...STOPPING, code: JSON_RPC.internalError };
      replyError(response, { ...stopping, ...idOf(frame, message) });
    } else if (message.kind === 'request') this.#request(posted, message.method, read);
    return true;
  }

  closeAll(reason: string): void {
    clearInterval(this.#sweeper);
    for (const principal of this.#byName.values()) principal.close(reason);
    this.#byName.clear();
  }

  #request(posted: Posted, method: string, read: Read): void {
    const { request, response, frame } = posted;
    if (read.kind !== 'claim') {
      const refusal = read.kind === 'bad' ? read.refusal : claimMissing(frame);
      return refuse(response, frame, 400, refusal);
    }
    const { claim } = read;
    const refusal = headerRefusal(request, frame, method, claim.version) ?? versionRefusal(claim);
    if (refusal !== null) return refuse(response, frame, 400, refusal);
    this.#serve(posted, { frame, method, claim });
  }

  #serve({ request, response, frame, principal: name }: Posted, asked: Asked): void {
    const { method } = asked;
    const principal = this.#principal(name);
    const tool = method === 'tools/call' ? toolOf(principal, frame) : null;
    const mismatch = tool === null ? null : paramRefusal(request, frame, tool);
    if (mismatch !== null) return refuse(response, frame, 400, mismatch);
    const { maxInFlight, maxConnections } = this.#limits;
    const limit = principal.several ? maxConnections : maxInFlight;
    if (principal.open >= limit) {
      const what = `${limit} requests in flight already`;
      return replyMessage(response, tooMany(method, frame, what));
    }
    // Of a client that reads, few are left beside those without an answer.
    if (principal.unended >= 2 * limit) {
      const what = `${principal.unended} answers that it does not read`;
      return replyMessage(response, tooMany(method, frame, what));
    }
    if (principal.serve(response, asked, request.headers.accept)) return;
    refuse(response, frame, 404, methodNotFound(method));
  }

  #principal(name: string | null): Principal {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const principal = new Principal({
      open: this.#options.open,
      credit: this.#options.credit,
      limits: this.#limits,
      several: (this.#options.tokens?.length ?? 0) < 2,
      now: () => performance.now(),
    });
    this.#byName.set(name, principal);
    return principal;
  }

  #sweep(): void {
    for (const [name, principal] of this.#byName) {
      if (principal.idleMs() < this.#limits.idleMs) continue;
      this.#byName.delete(name);
      principal.close('idle for too long');
    }
  }
}

/** True for GET and DELETE of clients that know no sessions. */
export function isSessionless({ headers }: IncomingMessage): boolean {
  return isLaterRevision(headers[VERSION]);
}

/** The body decides; a header only where the body makes no claim. */
function isOurs(request: IncomingMessage, message: MessageKind, read: Read): boolean {
  if (read.kind !== 'none') return true;
  if (message.kind === 'request' && message.method === 'initialize') return false;
  return isSessionless(request);
}

/** Why the message cannot be served, whatever it asks; null: it can. */
function unfit({ headers }: IncomingMessage, message: MessageKind): HttpError | null {
  if (message.kind === 'invalid') return invalidRequest(`Invalid message: ${message.why}`);
  if (message.kind === 'response') {
    return invalidRequest('Invalid message: without a session nothing is asked of a client');
  }
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) {
    const text = 'Unsupported Media Type: Content-Type must be application/json';
    return { status: 415, code: JSON_RPC.invalidRequest, message: text };
  }
  const { json, stream } = acceptsOf(headers.accept);
  if (json || stream) return null;
  const text = 'Not Acceptable: the client takes neither application/json nor text/event-stream';
  return { status: 406, code: JSON_RPC.invalidRequest, message: text };
}

function invalidRequest(message: string): HttpError {
  return { status: 400, code: JSON_RPC.invalidRequest, message };
}

/** The id of a response is one of the gateway's: the client would take an error under it for an answer. */
function idOf(frame: Frame, { kind }: MessageKind): { idText?: string } {
  const id = kind === 'response' ? null : textAt(frame, SLOT.id);
  return id !== null && /^["\d-]/.test(id) ? { idText: id } : {};
}

function refuse(
  response: ServerResponse,
  frame: Frame,
  status: number,
  { code, message, data }: Refusal,
): void {
  const idText = textAt(frame, SLOT.id) ?? 'null';
  replyError(response, { status, code, message, idText, ...(data === undefined ? {} : { data }) });
}

/** The definition of the tool that a call names. */
function toolOf(principal: Principal, frame: Frame): Uint8Array | null {
  const at = rangeOf(frame, SLOT.paramsName);
  const read = at === null ? null : readName(frame.line, at);
  return read !== null && 'text' in read ? principal.tool(read.text) : null;
}

function tooMany(method: string, frame: Frame, what: string): Uint8Array[] {
  return sessionlessFailure(method, Buffer.from(textAt(frame, SLOT.id) ?? 'null'), {
    server: null,
    phase: null,
    retryAt: null,
    code: 'ERR_QUEUE_FULL',
    outcome: 'not_sent',
    message: `this client has ${what}; the request was not sent`,
  });
}
