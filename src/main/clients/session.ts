/**
 * A client with a session, or what stands for one: its handshake, its requests in flight, its log level. Answers what
 * the gateway answers itself (initialize, ping, lists, setLevel) and hands everything else to the router. Requests
 * that say themselves what they are go another way (sessionless/requests.ts). Sees only its own ids and tokens.
 */
import { type Frame, rangeOf, textAt } from '../../shared/json/frame.ts';
import { classify, errorParts, type MessageKind, resultParts } from '../../shared/json/json-rpc.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { isLongId, LONG_ID } from '../../shared/json/keys.ts';
import { JSON_RPC } from '../../shared/model/errors.ts';
import { type ListKind, listOf } from '../../shared/model/lists.ts';
import { isBelow, isLogLevel, type LogLevel } from '../../shared/model/log-levels.ts';
import type { ClientRecord } from '../../shared/model/snapshot.ts';
import { type AnswerForm, PLAIN } from '../calls/answer-form.ts';
import type { Withdrawable } from '../calls/call.ts';
import type { Client } from '../routing/client.ts';
import { type Grant, grantOf } from '../routing/grant.ts';
import type { Router } from '../routing/router.ts';
import type { Claim } from './claims/claim.ts';
import { nameOf } from './client-record.ts';
import { cancelReason, ODD_LEVEL, readHello, readLevel } from './control-messages.ts';
import { initializeResult } from './handshake.ts';
import { Introduction } from './introduction.ts';
import { passNotification } from './notifications.ts';
import type { ClaimedRequest, ClientFace, ClientPort, OpenClient } from './port.ts';
import { IN_USE } from './sessionless/judged.ts';
import { NamedClients } from './sessionless/named.ts';
import { type Counts, type Host, SessionlessRequests } from './sessionless/requests.ts';
import { Unanswered } from './unanswered.ts';

/** Answers of the gateway's own that wait for a client to read; further requests are refused. */
const MAX_HELD = 10_000;

/** Opens a session of the router for each client that a face has. */
export function sessionsOf(router: Router): OpenClient {
  const counts: Counts = { listens: { open: 0 }, parked: { calls: 0, bytes: 0 } };
  return (port) => {
    const session = new Session(router, port, counts);
    router.join(session);
    return session;
  };
}

class Session implements ClientFace, Client {
  readonly #router: Router;
  readonly several: boolean;
  readonly #port: ClientPort;
  readonly #unanswered = new Unanswered();
  /** It has sent a valid `initialize`. */
  #opened = false;
  #initialized = false;
  #closed = false;
  logLevel: LogLevel | null = null;
  #capabilities: object = {};
  /** Of what belongs to no request without a session. */
  #grant: Grant = grantOf({});
  /** The last that has named itself. */
  #record: ClientRecord | null = null;
  /** By its handshake. */
  #name: string | null = null;
  readonly #sessionless: SessionlessRequests;
  readonly #named = new NamedClients();
  readonly #introduction: Introduction;

  constructor(router: Router, port: ClientPort, counts: Counts) {
    this.#router = router;
    this.#port = port;
    this.several = port.several;
    this.#introduction = new Introduction(router, this);
    this.#sessionless = new SessionlessRequests(router, this.#host(), counts);
  }

  get record(): ClientRecord | null {
    return this.#record;
  }

  get busy(): boolean {
    return this.#router.isBusy(this) || this.#sessionless.isAwaited;
  }

  get answered(): boolean {
    return this.#unanswered.isNone;
  }

  get mayAskMore(): boolean {
    return this.#unanswered.mayCall;
  }

  whenAnswered(callback: () => void): void {
    if (this.#closed) return callback();
    this.#sessionless.stopping();
    this.#unanswered.whenNone(callback);
  }

  get needsDrain(): boolean {
    return this.#port.needsDrain;
  }

  drained(): void {
    while (!this.needsDrain && this.#unanswered.giveHeld());
    this.#router.drained(this);
  }

  whenRead(idText: string, answer: () => void): void {
    const { held } = this.#unanswered;
    if (!this.needsDrain && held === 0) return answer();
    if (held >= MAX_HELD) {
      return this.refused(idText, JSON_RPC.gatewayError, `${MAX_HELD} answers wait to be read`);
    }
    this.#unanswered.hold(answer);
  }

  receive(frame: Frame, judged: MessageKind | null = null): void {
    if (this.#closed) return;
    const message = judged ?? classify(frame);
    switch (message.kind) {
      case 'request':
        return this.#request(message.method, frame, judged === null);
      case 'notification':
        return this.#notification(message.method, frame);
      case 'response':
        return this.#router.answered(this, frame);
      case 'invalid':
        return this.#invalid(frame, message.why);
    }
  }

  refused(idText: string | null, code: number, message: string): void {
    if (idText !== null) {
      if (this.#sessionless.refuse(idText, code, message)) return;
      // The gateway's own: nobody is told.
      if (this.#sessionless.answer(idText, [])) return;
    }
    this.#refuse(idText, message, code);
  }

  closed(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const open of this.#unanswered.all()) this.#withdraw(open, reason);
    this.#sessionless.close();
    this.#router.leave(this);
    this.#unanswered.close();
  }

  announce(parts: readonly Uint8Array[], onlyStreams = false): void {
    if (this.#initialized && !onlyStreams) this.#send(parts, null);
    this.#sessionless.changed(parts);
  }

  notify(parts: readonly Uint8Array[], onlyStreams = false): void {
    if (this.needsDrain) return this.#router.dropped();
    this.announce(parts, onlyStreams);
  }

  stopping(): void {
    this.#sessionless.stopping();
  }

  log(level: string | null, parts: readonly Uint8Array[], of: string | null): void {
    if (this.#sessionless.log(level, parts, of)) return;
    const wanted = this.logLevel;
    if (wanted !== null && level !== null && isLogLevel(level) && isBelow(level, wanted)) return;
    this.notify(parts);
  }

  send(parts: readonly Uint8Array[], idText: string): void {
    this.progress(parts, idText);
  }

  progress(parts: readonly Uint8Array[], relatedTo: string | null): void {
    if (this.needsDrain) return this.#router.dropped();
    this.#send(parts, relatedTo);
  }

  /** The one answer of a request. */
  answer(asked: { readonly idText: string }, parts: readonly Uint8Array[], visits = false): void {
    this.#unanswered.remove(asked);
    if (!this.#sessionless.answer(asked.idText, parts, visits)) this.#answer(parts, asked.idText);
  }

  grant(about: string | null): Grant {
    return (about === null ? null : this.#sessionless.grant(about)) ?? this.#grant;
  }

  ask(parts: readonly Uint8Array[], relatedTo: string | null, name: string | null): void {
    if (relatedTo !== null && this.#sessionless.question(parts, relatedTo, name)) return;
    this.#send(parts, relatedTo);
  }

  withdraw(question: string, parts: readonly Uint8Array[], relatedTo: string | null): void {
    if (!this.#sessionless.withdrawn(question)) this.#send(parts, relatedTo);
  }

  track(request: Withdrawable): void {
    this.#unanswered.add(request);
  }

  untrack(request: Withdrawable): void {
    this.#unanswered.remove(request);
  }

  serve(request: ClaimedRequest): boolean {
    return !this.#closed && this.#sessionless.ask(request);
  }

  cancel(idText: string, reason: string): void {
    this.#cancel(idText, reason);
  }

  tool(name: string): Uint8Array | null {
    return this.#router.tool(this, name);
  }

  /** What requests without a session have of this one. */
  #host(): Host {
    return {
      client: this,
      has: (idText) => this.#unanswered.has(idText),
      answer: (parts, idText) => this.#answer(parts, idText),
      send: (parts, idText) => this.#sendNow(parts, idText),
      list: (kind, idRaw, idText, form) => this.#list(kind, idRaw, idText, form),
      looked: () => this.#introduction.looked(),
      used: (frame, claim, capabilities) => this.#used(frame, claim, capabilities),
      withdraw: (key, reason) => this.#withdrawBy(key, reason),
    };
  }

  /** Other clients may come by the same way over HTTP. */
  #used(frame: Frame, { clientInfo }: Claim, capabilities: object): string | null {
    const { record, name } = this.#named.of(frame, clientInfo);
    this.#record = record ?? this.#record;
    this.#introduction.used(this.several, capabilities);
    return name;
  }

  /** @param relatedTo as the router knows it. */
  #send(parts: readonly Uint8Array[], relatedTo: string | null): void {
    if (relatedTo !== null && this.#sessionless.send(parts, relatedTo)) return;
    this.#sendNow(parts, relatedTo);
  }

  /** @param relatedTo as the port knows it. */
  #sendNow(parts: readonly Uint8Array[], relatedTo: string | null): void {
    if (!this.#closed) this.#port.send(parts, relatedTo);
  }

  #answer(parts: readonly Uint8Array[], idText: string | null): void {
    if (!this.#closed) this.#port.answer(parts, idText);
  }

  /** Only what can be a request is answered: an error to a response would be taken for an answer. */
  #invalid(frame: Frame, why: string): void {
    const id = textAt(frame, SLOT.id);
    const hasMethod = rangeOf(frame, SLOT.method) !== null;
    if ((id === null) === hasMethod) return;
    this.#refuse(id, why);
  }

  /** For a message that is no open request. */
  #refuse(idText: string | null, why: string, code: number = JSON_RPC.invalidRequest): void {
    const id = idText !== null && /^["\d-]/.test(idText) ? idText : null;
    this.#answer(errorParts(Buffer.from(id ?? 'null'), code, why), id);
  }

  /** @param mayClaim nobody has looked yet whether it makes a claim. */
  #request(method: string, frame: Frame, mayClaim: boolean): void {
    const idText = textAt(frame, SLOT.id) ?? 'null';
    const idRaw = Buffer.from(idText);
    if (isLongId(frame, SLOT.id) || isLongId(frame, SLOT.paramsMetaProgressToken)) {
      return this.refused(idText, JSON_RPC.invalidRequest, LONG_ID);
    }
    const request = { frame, method, idRaw, idText };
    const isLookedAt = mayClaim || !this.#opened;
    if (isLookedAt && this.#sessionless.take(request, this.#opened)) return;
    // The refusal must not be taken for the answer of that request.
    if (this.#sessionless.has(idText)) return this.#refuse(idText, IN_USE);
    if (method === 'initialize') return this.#initialize(frame, idRaw, idText);
    this.#introduction.goesOn();
    const list = listOf(method);
    if (list !== null) return this.#list(list, idRaw, idText, PLAIN);
    switch (method) {
      case 'ping':
        return this.#answer(resultParts(idRaw, '{}'), idText);
      case 'logging/setLevel':
        return this.#setLevel(frame, idRaw, idText);
      default:
        if (this.#unanswered.has(idText)) return this.#refuse(idText, IN_USE);
        // Only a spread that comes first is cheap.
        return this.#router.route({
          ...request,
          client: this,
          clientName: this.#name,
          form: PLAIN,
          logLevel: null,
          listDeadline: null,
        });
    }
  }

  #list(kind: ListKind, idRaw: Uint8Array, idText: string, form: AnswerForm): void {
    const answer = () => {
      this.#sessionless.listed(idText);
      this.#answer(this.#router.listParts(this, kind, idRaw, form), idText);
    };
    this.#unanswered.listAsked();
    this.#router.list(this, kind, () => {
      this.whenRead(idText, answer);
      this.#unanswered.listKnown();
    });
  }

  #initialize(frame: Frame, idRaw: Uint8Array, idText: string): void {
    const hello = readHello(frame);
    if (hello === null) {
      const needed = 'initialize needs params.protocolVersion (a string)';
      return this.refused(idText, JSON_RPC.invalidParams, needed);
    }
    this.#capabilities = hello.capabilities ?? this.#capabilities;
    this.#grant = grantOf(this.#capabilities);
    this.#record = hello.record;
    this.#name = nameOf(hello.record);
    this.#opened = true;
    this.#introduction.known(this.#capabilities);
    const { version: own, profiles } = this.#router;
    const result = initializeResult(hello.version, own, profiles.all(), profiles.notices);
    this.#answer(resultParts(idRaw, result), idText);
  }

  #setLevel(frame: Frame, idRaw: Uint8Array, idText: string): void {
    const level = readLevel(frame);
    if (level === null) return this.refused(idText, JSON_RPC.invalidParams, ODD_LEVEL);
    this.logLevel = level;
    this.#router.logLevelChanged();
    this.#answer(resultParts(idRaw, '{}'), idText);
  }

  #notification(method: string, frame: Frame): void {
    if (method === 'notifications/initialized') {
      this.#initialized = true;
    } else if (method === 'notifications/cancelled') {
      const idText = textAt(frame, SLOT.paramsRequestId);
      if (idText === null || !this.#cancel(idText, cancelReason(frame))) return;
      this.#port.finished(idText);
    } else {
      passNotification(this.#router, this, { method, frame, initialized: this.#initialized });
    }
  }

  /** @returns false: there is nothing to be cancelled. */
  #cancel(idText: string, reason: string): boolean {
    return this.#sessionless.cancelled(idText, reason) || this.#withdrawBy(idText, reason);
  }

  /** @param idText as the router knows the request. @returns false: there is none. */
  #withdrawBy(idText: string, reason: string): boolean {
    const request = this.#unanswered.get(idText);
    if (request !== undefined) this.#withdraw(request, reason);
    return request !== undefined;
  }

  #withdraw(request: Withdrawable, reason: string): void {
    this.#unanswered.remove(request);
    request.withdraw(reason);
  }
}
