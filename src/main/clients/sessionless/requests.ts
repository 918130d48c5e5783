/**
 * The requests of one client that say themselves what they are (revision 2026-07-28): judges each, answers what the
 * gateway answers itself, and hands the rest to the router in the form that its answer must have. What a request
 * has said holds for that request alone.
 */
import type { Frame } from '../../../shared/json/frame.ts';
import { type ListKind, listOf } from '../../../shared/model/lists.ts';
import { isBelow, isLogLevel, type LogLevel } from '../../../shared/model/log-levels.ts';
import type { AnswerForm } from '../../calls/answer-form.ts';
import type { Client } from '../../routing/client.ts';
import type { Grant } from '../../routing/grant.ts';
import type { Router } from '../../routing/router.ts';
import {
  type Claim,
  claimMissing,
  hasOddMeta,
  methodNotFound,
  type Refusal,
  versionRefusal,
} from '../claims/claim.ts';
import { Claims } from '../claims/claims.ts';
import { gatewayInfo } from '../handshake.ts';
import type { ClaimedRequest } from '../port.ts';
import { sessionlessForm } from './answer-form.ts';
import { DeclaredCapabilities } from './declared.ts';
import { discoverResult } from './discover.ts';
import { judge } from './judged.ts';
import { type ListenCount, Listens } from './listens.ts';
import type { ParkedCount } from './parked/parked-events.ts';
import { earlyAnswers, forServers, type ReadRetry, STALE } from './parked/retry.ts';
import { presentOf } from './present.ts';
import { type Declared, Routed } from './routed.ts';
import { Subscribing } from './subscribing.ts';
import { areOffered, isServed, taskRefusal } from './task-methods.ts';

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
  /**
   * The client asks for more than that.
   *
   * @param capabilities as this request declares them.
   * @returns the name that it gives itself; null: it gives none.
   */
  used(frame: Frame, claim: Claim, capabilities: object): string | null;
  /** Nobody waits for the answer to this request any more. @param key by which the router knows it. */
  withdraw(key: string, reason: string): void;
}

/** What all clients of a gateway have together. */
export interface Counts {
  readonly listens: ListenCount;
  readonly parked: ParkedCount;
}

/** What a request says besides what it asks for. */
interface Said {
  readonly level: LogLevel | null;
  readonly clientName: string | null;
  readonly declared: Declared;
}

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
const STOPPING = 'the gateway is stopping';

export class SessionlessRequests {
  readonly #router: Router;
  readonly #host: Host;
  readonly #form: AnswerForm;
  readonly #listens: Listens;
  readonly #routed: Routed;
  readonly #subscribing: Subscribing;
  readonly #claims = new Claims();
  readonly #declared = new DeclaredCapabilities();
  /** Requests for lists: the ids that the port knows → their raw ids. */
  readonly #lists = new Map<string, Uint8Array>();

  constructor(router: Router, host: Host, count: Counts) {
    this.#router = router;
    this.#host = host;
    this.#form = sessionlessForm(gatewayInfo(router.version));
    this.#subscribing = new Subscribing(router);
    this.#listens = new Listens({
      count: count.listens,
      form: this.#form,
      send: (parts, idText) => host.send(parts, idText),
      answer: (parts, idText) => host.answer(parts, idText),
      offersTasks: () => areOffered(router.profiles),
      subscribe: (subject, on, done) => this.#subscribing.subscribe(host.client, subject, on, done),
    });
    this.#routed = new Routed({
      form: this.#form,
      count: count.parked,
      answer: (parts, idText) => host.answer(parts, idText),
      send: (parts, idText) => host.send(parts, idText),
      answered: (response) => router.answered(host.client, response),
      another: (id) => router.serverRequests.another(host.client, id),
      moved: (id, key) => router.serverRequests.moved(id, key),
      withdraw: (key, reason) => host.withdraw(key, reason),
    });
  }

  /** The client was asked something, and is to come back. */
  get isAwaited(): boolean {
    return this.#routed.isAwaited;
  }

  /**
   * Takes a request from a pipe, on which any message may be of either kind.
   *
   * @param hasSession a handshake was made there.
   * @returns false: it is not of this kind; nothing was done.
   */
  take(request: Omit<ClaimedRequest, 'claim'>, hasSession: boolean): boolean {
    const { frame, method, idRaw, idText } = request;
    const read = this.#claims.of(frame, hasSession);
    if (read.kind === 'none') {
      const isOdd = SESSIONLESS.has(method) || (method !== 'initialize' && hasOddMeta(frame));
      if (hasSession || !isOdd) return false;
      this.#refuse(idRaw, idText, claimMissing(frame));
      return true;
    }
    const refusal = read.kind === 'bad' ? read.refusal : versionRefusal(read.claim);
    if (refusal !== null) this.#refuse(idRaw, idText, refusal);
    else if (read.kind === 'claim') {
      // Objects of every request are written out here and below: to copy another one costs more than the rest.
      const { claim } = read;
      const isKnown = this.ask({ frame, method, claim, idRaw, idText });
      if (!isKnown) this.#refuse(idRaw, idText, methodNotFound(method));
    }
    return true;
  }

  /** @returns false: there is no such method. */
  ask(request: ClaimedRequest): boolean {
    const { method, frame, idRaw, idText, claim } = request;
    const kind = listOf(method);
    const isDiscover = method === DISCOVER;
    if (!isDiscover && kind === null && !this.#isServed(method)) return false;
    const judged = judge(request, this.#host.has(idText) || this.has(idText));
    if ('message' in judged) {
      this.#refuse(idRaw, idText, judged);
      return true;
    }
    const { level, retry } = judged;
    if (isDiscover) {
      this.#host.looked();
      const { version, profiles } = this.#router;
      const result = discoverResult(gatewayInfo(version), profiles.all(), profiles.notices);
      this.#host.answer(this.#form.result(idRaw, result), idText);
      return true;
    }
    const declared = this.#declared.of(frame, claim.capabilities);
    const refusal = taskRefusal(method, declared);
    if (refusal !== null) {
      this.#refuse(idRaw, idText, refusal);
      return true;
    }
    const clientName = this.#host.used(frame, claim, declared.capabilities);
    if (kind !== null) {
      this.#lists.set(idText, idRaw);
      this.#host.list(kind, idRaw, idText, this.#form);
    } else if (method === LISTEN) this.#listen(request, declared);
    else if (retry !== null) this.#retry(request, retry, { level, clientName, declared });
    else this.#begin(request, { level, clientName, declared });
    return true;
  }

  /** A request with this id has no answer yet. A stream of changes gets its own when it ends. */
  has(idText: string): boolean {
    return this.#lists.has(idText) || this.#routed.waits(idText) || this.#listens.has(idText);
  }

  /** What the client can be asked about a request of these; null: it is none. @param about as the router knows it. */
  grant(about: string): Grant | null {
    return this.#routed.grant(about);
  }

  /** Refuses an open request. @returns false: it is none of these. */
  refuse(idText: string, code: number, message: string): boolean {
    const list = this.#lists.get(idText);
    if (list === undefined) return this.#routed.refuse(idText, code, message);
    this.#lists.delete(idText);
    this.#host.answer(this.#form.error(list, code, message), idText);
    return true;
  }

  /** The one answer of a request. @param idText as the router knows it. @returns false: it is none of these. */
  answer(idText: string, parts: readonly Uint8Array[], asksToVisit = false): boolean {
    return this.#routed.answer(idText, parts, asksToVisit) || this.#subscribing.ended(idText);
  }

  /** A list is being answered. */
  listed(idText: string): void {
    this.#lists.delete(idText);
  }

  /** What belongs to a request, before its answer. @returns false: to none of these. */
  send(parts: readonly Uint8Array[], idText: string): boolean {
    return this.#routed.send(idText, parts);
  }

  /** The client is asked about a request. @param name of the question. @returns false: about none of these. */
  question(parts: readonly Uint8Array[], about: string, name: string | null): boolean {
    return this.#routed.ask(about, parts, name);
  }

  /** A question needs no answer any more. @param id raw JSON. @returns false: it is about none of these. */
  withdrawn(id: string): boolean {
    return this.#routed.withdraw(id);
  }

  /** The client wants no answer any more. @returns whether there was something to end. */
  cancelled(idText: string, reason: string): boolean {
    this.#lists.delete(idText);
    return this.#routed.leave(idText, reason) || this.#listens.end(idText);
  }

  /**
   * A log message of a server.
   *
   * @param of the call that it is about, if that is certain and it is this client's.
   * @returns whether it was for one of these requests.
   */
  log(level: string | null, parts: readonly Uint8Array[], of: string | null): boolean {
    const wanted = of === null ? null : this.#routed.levelOf(of);
    if (of === null || wanted === null || level === null || !isLogLevel(level)) return false;
    if (isBelow(level, wanted)) return false;
    this.#host.client.progress(parts, of);
    return true;
  }

  /** Something has changed. @param parts together a notification. */
  changed(parts: readonly Uint8Array[]): void {
    this.#listens.tell(parts);
  }

  /** The gateway is stopping, or the client says nothing more: nothing will change, and nobody comes back. */
  stopping(): void {
    this.#listens.endAll();
    this.#routed.stopping(STOPPING);
  }

  close(): void {
    this.#listens.close();
    this.#routed.close();
  }

  #isServed(method: string): boolean {
    if (SERVED.has(method) || isServed(method, this.#router.profiles)) return true;
    return method.length <= MAX_METHOD && this.#router.unknown.isOfExtension(method);
  }

  #refuse(idRaw: Uint8Array, idText: string, { code, message, data }: Refusal): void {
    this.#host.answer(this.#form.error(idRaw, code, message, data), idText);
  }

  #listen({ frame, idRaw, idText }: ClaimedRequest, { can }: Declared): void {
    const refusal = this.#listens.open(frame, idText, idRaw, can);
    if (refusal !== null) this.#refuse(idRaw, idText, refusal);
  }

  #retry(request: ClaimedRequest, retry: ReadRetry, said: Said): void {
    const { frame, method, idRaw, idText } = request;
    const present = presentOf(frame, request, said.level);
    const again = (key: string, firstIdRaw: Uint8Array) => {
      const first = { frame: forServers(frame, method), method, idRaw: firstIdRaw, idText: key };
      this.#route(first, said);
    };
    if (!this.#routed.retry(retry, request, present, again)) this.#refuse(idRaw, idText, STALE);
  }

  #begin(request: ClaimedRequest, said: Said): void {
    const { method, idRaw } = request;
    const frame = forServers(request.frame, method);
    const present = presentOf(frame, request, said.level);
    const { declared } = said;
    const early = earlyAnswers(request.frame);
    const idText = this.#routed.begin(frame, method, present, { declared, early });
    this.#route({ frame, method, idRaw, idText }, said);
  }

  /** @param idText by which the router is to know the request. */
  #route(
    { frame, method, idRaw, idText }: Omit<ClaimedRequest, 'claim'>,
    { level: logLevel, clientName }: Said,
  ): void {
    const { client } = this.#host;
    const form = this.#form;
    const listDeadline = null;
    this.#router.route({
      client,
      clientName,
      frame,
      method,
      idRaw,
      idText,
      form,
      logLevel,
      listDeadline,
    });
  }
}
