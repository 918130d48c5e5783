/**
 * The requests of one client that say themselves what they are (revision 2026-07-28): judges each, answers what the
 * gateway answers itself, and hands the rest to the router in the form that its answer must have. What a request
 * has said holds for that request alone.
 */
import { decodeString, type Frame, rangeOf, scanFrame } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { kindAt, member } from '../../../shared/json/json-slice.ts';
import { isLongId, LONG_ID } from '../../../shared/json/keys.ts';
import { withoutParams } from '../../../shared/json/without.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import { type ListKind, listOf } from '../../../shared/model/lists.ts';
import {
  isBelow,
  isLogLevel,
  LOG_LEVELS,
  type LogLevel,
  moreVerbose,
} from '../../../shared/model/log-levels.ts';
import { CLAIM_KEYS } from '../../../shared/model/meta-keys.ts';
import { type AnswerForm, PLAIN } from '../../calls/answer-form.ts';
import type { Client } from '../../routing/client.ts';
import type { Router } from '../../routing/router.ts';
import {
  type Claim,
  claimMissing,
  hasOddMeta,
  invalid,
  methodNotFound,
  type Refusal,
  readClaim,
  versionRefusal,
} from '../claims/claim.ts';
import { gatewayInfo } from '../handshake.ts';
import type { ClaimedRequest } from '../port.ts';
import { sessionlessForm } from './answer-form.ts';
import { discoverResult } from './discover.ts';
import { type ListenCount, Listens } from './listens.ts';

/** The session that the requests come through, or what stands for one. */
export interface Host {
  readonly client: Client;
  /** A request with this id waits for its answer. */
  has(idText: string): boolean;
  /** Gives the one answer. */
  answer(parts: readonly Uint8Array[], idText: string): void;
  /** Sends what belongs to a request, also to a client that does not read. */
  send(parts: readonly Uint8Array[], idText: string): void;
  /** Answers with a list, once it can be told and the client reads. */
  list(kind: ListKind, idRaw: Uint8Array, idText: string, form: AnswerForm): void;
  /** The client has asked only what it is talking to. */
  looked(): void;
  /** The client asks for more than that. @returns the name that it gives itself; null: it gives none. */
  used(frame: Frame, claim: Claim): string | null;
}

interface Open {
  readonly idRaw: Uint8Array;
  /** The least severe messages that it wants to hear; null: none. */
  readonly level: LogLevel | null;
}

/** Also said of a request with a session. */
export const IN_USE = 'this id is in use by another call';

const DISCOVER = 'server/discover';
const LISTEN = 'subscriptions/listen';
const SERVED = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'completion/complete',
  LISTEN,
]);
/** Methods that only revisions without a handshake have. */
const SESSIONLESS = new Set([DISCOVER, LISTEN]);
const MAX_METHOD = 1024;
const TASK = ['task'];
const SUBSCRIBED = new TextEncoder().encode('0');

export class SessionlessRequests {
  readonly #router: Router;
  readonly #host: Host;
  readonly #form: AnswerForm;
  readonly #listens: Listens;
  /** Those that are with the router. */
  readonly #open = new Map<string, Open>();
  /** The gateway's own, by an id that no client can have. */
  readonly #own = new Map<string, () => void>();
  #lastOwn = 0;

  constructor(router: Router, host: Host, count: ListenCount) {
    this.#router = router;
    this.#host = host;
    this.#form = sessionlessForm(gatewayInfo(router.version));
    this.#listens = new Listens({
      count,
      form: this.#form,
      send: (parts, idText) => host.send(parts, idText),
      answer: (parts, idText) => host.answer(parts, idText),
      subscribe: (uri, on, done) => this.#subscribe(uri, on, done),
    });
  }

  /** The least severe messages that any request wants; null: none wants any. */
  get logLevel(): LogLevel | null {
    let lowest: LogLevel | null = null;
    for (const { level } of this.#open.values()) lowest = moreVerbose(lowest, level);
    return lowest;
  }

  /**
   * Takes a request from a pipe, on which any message may be of either kind.
   *
   * @param hasSession a handshake was made there.
   * @returns false: it is not of this kind; nothing was done.
   */
  take(request: Omit<ClaimedRequest, 'claim'>, hasSession: boolean): boolean {
    const { frame, method, idRaw, idText } = request;
    const read = readClaim(frame, hasSession);
    if (read.kind === 'none') {
      const isOdd = SESSIONLESS.has(method) || (method !== 'initialize' && hasOddMeta(frame));
      if (hasSession || !isOdd) return false;
      this.#refuse(idRaw, idText, claimMissing(frame));
      return true;
    }
    const refusal = read.kind === 'bad' ? read.refusal : versionRefusal(read.claim);
    if (refusal !== null) this.#refuse(idRaw, idText, refusal);
    else if (read.kind === 'claim' && !this.ask({ ...request, claim: read.claim })) {
      this.#refuse(idRaw, idText, methodNotFound(method));
    }
    return true;
  }

  /** @returns false: there is no such method. */
  ask(request: ClaimedRequest): boolean {
    const { method, frame, idRaw, idText, claim } = request;
    const kind = listOf(method);
    const isDiscover = method === DISCOVER;
    if (!isDiscover && kind === null && !this.#isServed(method)) return false;
    const level = levelOf(frame, claim);
    const refusal = this.#refusal(request) ?? (level === 'unknown' ? UNKNOWN_LEVEL : null);
    if (refusal !== null || level === 'unknown') {
      this.#refuse(idRaw, idText, refusal ?? UNKNOWN_LEVEL);
      return true;
    }
    if (isDiscover) {
      this.#host.looked();
      const { version, profiles } = this.#router;
      const result = discoverResult(gatewayInfo(version), profiles.all(), profiles.notices);
      this.#host.answer(this.#form.result(idRaw, result), idText);
      return true;
    }
    const clientName = this.#host.used(frame, claim);
    this.#open.set(idText, { idRaw, level });
    if (kind !== null) this.#host.list(kind, idRaw, idText, this.#form);
    else if (method === LISTEN) this.#listen(request);
    else this.#route(request, level, clientName);
    return true;
  }

  /** A request of these has no answer yet. A stream of changes gets its own when it ends. */
  has(idText: string): boolean {
    return this.#open.has(idText) || this.#listens.has(idText);
  }

  /** The form of the answer to an open request; null: it is none of these. */
  refusal(idText: string, code: number, message: string): readonly Uint8Array[] | null {
    const open = this.#open.get(idText);
    return open === undefined ? null : this.#form.error(open.idRaw, code, message);
  }

  /** The request has its answer, or needs none. @returns false: it was the gateway's own. */
  ended(idText: string): boolean {
    // The common case: clients with sessions have none of these.
    if (this.#open.size === 0 && this.#own.size === 0) return true;
    this.#forget(idText);
    const own = this.#own.get(idText);
    if (own === undefined) return true;
    this.#own.delete(idText);
    own();
    return false;
  }

  /** @returns whether it was a stream of changes. */
  cancelled(idText: string): boolean {
    this.#forget(idText);
    return this.#listens.end(idText);
  }

  /**
   * A log message of a server.
   *
   * @param of the call that it is about, if that is certain and it is this client's.
   * @returns whether it was for one of these requests.
   */
  log(level: string | null, parts: readonly Uint8Array[], of: string | null): boolean {
    const wanted = of === null ? null : (this.#open.get(of)?.level ?? null);
    if (of === null || wanted === null || level === null || !isLogLevel(level)) return false;
    if (isBelow(level, wanted)) return false;
    this.#host.client.progress(parts, of);
    return true;
  }

  /** Something has changed. @param parts together a notification. */
  changed(parts: readonly Uint8Array[]): void {
    this.#listens.tell(parts);
  }

  /** The gateway is stopping: nothing will change any more. */
  stopping(): void {
    this.#listens.endAll();
  }

  close(): void {
    this.#listens.close();
  }

  #forget(idText: string): void {
    const level = this.#open.get(idText)?.level ?? null;
    this.#open.delete(idText);
    if (level !== null) this.#router.logLevelLeft();
  }

  #isServed(method: string): boolean {
    if (SERVED.has(method)) return true;
    return method.length <= MAX_METHOD && this.#router.unknown.isOfExtension(method);
  }

  #refusal({ frame, method, idText }: ClaimedRequest): Refusal | null {
    const { line } = frame;
    if (isLongId(frame, SLOT.id) || isLongId(frame, SLOT.paramsMetaProgressToken)) {
      return { code: JSON_RPC.invalidRequest, message: LONG_ID };
    }
    if (this.#host.has(idText) || this.#listens.has(idText)) {
      return { code: JSON_RPC.invalidRequest, message: IN_USE };
    }
    const params = rangeOf(frame, SLOT.params) ?? [0, 0];
    const responses = member(line, params, 'inputResponses');
    if (responses !== null && kindAt(line, responses[0]) !== 'object') {
      return invalid('params.inputResponses must be an object');
    }
    const cursor = listOf(method) !== null ? member(line, params, 'cursor') : null;
    if (cursor !== null) {
      return invalid('unknown cursor: this gateway sends each list in one page');
    }
    return null;
  }

  #refuse(idRaw: Uint8Array, idText: string, { code, message, data }: Refusal): void {
    this.#host.answer(this.#form.error(idRaw, code, message, data), idText);
  }

  #listen({ frame, idRaw, idText }: ClaimedRequest): void {
    this.#open.delete(idText);
    const refusal = this.#listens.open(frame, idText, idRaw);
    if (refusal !== null) this.#refuse(idRaw, idText, refusal);
  }

  #route(
    { frame: whole, method, idRaw, idText }: ClaimedRequest,
    level: LogLevel | null,
    clientName: string | null,
  ): void {
    // Members of other revisions are not looked at, and servers with sessions would look at this one.
    const frame = withoutParams(whole, TASK);
    if (level !== null) this.#router.logLevelChanged();
    const { client } = this.#host;
    const form = this.#form;
    const request = { client, clientName, frame, method, idRaw, idText, form };
    this.#router.route({ ...request, listDeadline: null });
  }

  /** Asks the server of a resource, as a client with a session would. */
  #subscribe(uri: string, on: boolean, done: (ok: boolean) => void): void {
    const method = on ? 'resources/subscribe' : 'resources/unsubscribe';
    const json = JSON.stringify({ jsonrpc: '2.0', id: 0, method, params: { uri } });
    const frame = scanFrame(new TextEncoder().encode(json));
    if ('error' in frame) return done(false);
    let ok = false;
    const told = (outcome: boolean) => {
      ok = outcome;
      return [];
    };
    const form: AnswerForm = {
      ...PLAIN,
      ofServer: (_method, { isError }) => told(!isError),
      result: () => told(true),
    };
    this.#lastOwn += 1;
    const idText = `own-${this.#lastOwn}`;
    this.#own.set(idText, () => done(ok));
    const { client } = this.#host;
    this.#router.route({
      client,
      clientName: null,
      frame,
      method,
      idRaw: SUBSCRIBED,
      idText,
      form,
      listDeadline: null,
    });
  }
}

const UNKNOWN_LEVEL = invalid(
  `params._meta["${CLAIM_KEYS.logLevel}"] must be one of ${LOG_LEVELS.join(', ')}`,
);

function levelOf({ line }: Frame, { logLevel }: Claim): LogLevel | null | 'unknown' {
  if (logLevel === null) return null;
  const text = decodeString(line, logLevel);
  return text !== null && isLogLevel(text) ? text : 'unknown';
}
