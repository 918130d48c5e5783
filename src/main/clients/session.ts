/**
 * A client with a session: its handshake, its requests in flight, its log level. Answers what the gateway
 * answers itself (initialize, ping, lists, setLevel) and hands everything else to the router. Sees only
 * its own ids and tokens.
 */
import { decodeString, type Frame, rangeOf, textAt } from '../../shared/json/frame.ts';
import { classify, errorParts, resultParts } from '../../shared/json/json-rpc.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { member } from '../../shared/json/json-slice.ts';
import { isLongId, MAX_ID_BYTES } from '../../shared/json/keys.ts';
import { JSON_RPC } from '../../shared/model/errors.ts';
import type { ListKind } from '../../shared/model/lists.ts';
import { isLogLevel, LOG_LEVELS, type LogLevel } from '../../shared/model/log-levels.ts';
import { LATEST_PROTOCOL_VERSION } from '../../shared/model/revisions.ts';
import type { ClientRecord } from '../../shared/model/snapshot.ts';
import { clip } from '../../shared/text/clean-text.ts';
import type { Withdrawable } from '../calls/call.ts';
import { isClaiming } from '../calls/claim.ts';
import type { Client } from '../routing/client.ts';
import type { Router } from '../routing/router.ts';
import { clientRecord } from './client-record.ts';
import { initializeResult } from './handshake.ts';
import type { ClientFace, ClientPort, OpenClient } from './port.ts';
import { Unanswered } from './unanswered.ts';

const encoder = new TextEncoder();
/** Control messages of a client (initialize, setLevel) above this size are refused, never parsed. */
const MAX_CONTROL_BYTES = 1024 * 1024;
const MAX_REASON = 1000;
/** Of a client's own name, and of its version. */
const MAX_NAME = 64;
const NOT_SPOKEN = `this gateway does not speak revisions without a handshake yet: begin with initialize (${LATEST_PROTOCOL_VERSION})`;
/** Answers of the gateway's own that wait for a client to read; further requests are refused. */
const MAX_HELD = 10_000;

/** Opens a session of the router for each client that a face has. */
export function sessionsOf(router: Router): OpenClient {
  return (port) => {
    const session = new Session(router, port);
    router.join(session);
    return session;
  };
}

class Session implements ClientFace, Client {
  readonly #router: Router;
  readonly #port: ClientPort;
  readonly #unanswered = new Unanswered();
  /** It has sent a valid `initialize`. */
  #opened = false;
  #initialized = false;
  #closed = false;
  #logLevel: LogLevel | null = null;
  #capabilities: object = {};
  #record: ClientRecord | null = null;

  constructor(router: Router, port: ClientPort) {
    this.#router = router;
    this.#port = port;
  }

  get clientName(): string | null {
    const record = this.#record;
    if (record === null) return null;
    const name = clip(record.name, MAX_NAME);
    return record.version === null ? name : `${name} ${clip(record.version, MAX_NAME)}`;
  }

  get logLevel(): LogLevel | null {
    return this.#logLevel;
  }

  get record(): ClientRecord | null {
    return this.#record;
  }

  get busy(): boolean {
    return this.#router.isBusy(this);
  }

  get answered(): boolean {
    return this.#unanswered.isNone;
  }

  get mayAskMore(): boolean {
    return this.#unanswered.mayCall;
  }

  whenAnswered(callback: () => void): void {
    if (this.#closed) callback();
    else this.#unanswered.whenNone(callback);
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

  receive(frame: Frame): void {
    if (this.#closed) return;
    const message = classify(frame);
    switch (message.kind) {
      case 'request':
        return this.#request(message.method, frame);
      case 'notification':
        return this.#notification(message.method, frame);
      case 'response':
        return this.#router.answered(this, frame);
      case 'invalid':
        return this.#invalid(frame, message.why);
    }
  }

  refused(idText: string | null, code: number, message: string): void {
    const id = idText !== null && /^["\d-]/.test(idText) ? idText : null;
    this.#answer(errorParts(encoder.encode(id ?? 'null'), code, message), id);
  }

  closed(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const open of this.#unanswered.all()) this.#withdraw(open, reason);
    this.#router.leave(this);
    this.#unanswered.close();
  }

  announce(parts: readonly Uint8Array[]): void {
    if (this.#initialized) this.#send(parts, null);
  }

  notify(parts: readonly Uint8Array[]): void {
    if (this.needsDrain) return this.#router.dropped();
    this.announce(parts);
  }

  log(level: string | null, parts: readonly Uint8Array[]): void {
    if (this.#logLevel !== null && level !== null && isLogLevel(level)) {
      if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#logLevel)) return;
    }
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
  answer(request: { readonly idText: string }, parts: readonly Uint8Array[]): void {
    this.#unanswered.remove(request);
    this.#answer(parts, request.idText);
  }

  supports(...path: readonly string[]): boolean {
    let at: unknown = this.#capabilities;
    for (const name of path) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return false;
      at = (at as Record<string, unknown>)[name];
    }
    return typeof at === 'object' && at !== null;
  }

  ask(parts: readonly Uint8Array[], relatedTo: string | null): void {
    this.#send(parts, relatedTo);
  }

  track(request: Withdrawable): void {
    this.#unanswered.add(request);
  }

  untrack(request: Withdrawable): void {
    this.#unanswered.remove(request);
  }

  #send(parts: readonly Uint8Array[], relatedTo: string | null): void {
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
    this.refused(id, JSON_RPC.invalidRequest, why);
  }

  #request(method: string, frame: Frame): void {
    const idText = textAt(frame, SLOT.id) ?? 'null';
    const idRaw = encoder.encode(idText);
    if (isLongId(frame, SLOT.id) || isLongId(frame, SLOT.paramsMetaProgressToken)) {
      const message = `id and progress token may have at most ${MAX_ID_BYTES} bytes`;
      return this.refused(idText, JSON_RPC.invalidRequest, message);
    }
    if (method === 'initialize') return this.#initialize(frame, idRaw, idText);
    if (!this.#opened && isClaiming(frame)) {
      return this.refused(idText, JSON_RPC.methodNotFound, NOT_SPOKEN);
    }
    switch (method) {
      case 'ping':
        return this.#answer(resultParts(idRaw, '{}'), idText);
      case 'tools/list':
        return this.#list('tools', idRaw, idText);
      case 'prompts/list':
        return this.#list('prompts', idRaw, idText);
      case 'resources/list':
        return this.#list('resources', idRaw, idText);
      case 'resources/templates/list':
        return this.#list('templates', idRaw, idText);
      case 'logging/setLevel':
        return this.#setLevel(frame, idRaw, idText);
      default:
        if (this.#unanswered.has(idText)) {
          return this.refused(idText, JSON_RPC.invalidRequest, 'this id is in use by another call');
        }
        return this.#router.route({
          client: this,
          frame,
          method,
          idRaw,
          idText,
          listDeadline: null,
        });
    }
  }

  #list(kind: ListKind, idRaw: Uint8Array, idText: string): void {
    const answer = () => this.#answer(this.#router.listParts(this, kind, idRaw), idText);
    this.#unanswered.listAsked();
    this.#router.list(this, kind, () => {
      this.whenRead(idText, answer);
      this.#unanswered.listKnown();
    });
  }

  #initialize(frame: Frame, idRaw: Uint8Array, idText: string): void {
    const params = this.#controlParams(frame);
    const version = params?.['protocolVersion'];
    if (typeof version !== 'string') {
      return this.refused(
        idText,
        JSON_RPC.invalidParams,
        'initialize needs params.protocolVersion (a string)',
      );
    }
    const capabilities = params?.['capabilities'];
    if (typeof capabilities === 'object' && capabilities !== null)
      this.#capabilities = capabilities;
    this.#record = clientRecord(params?.['clientInfo']);
    this.#opened = true;
    this.#router.clientKnown(this, this.#capabilities);
    const { version: own, profiles } = this.#router;
    const result = initializeResult(version, own, profiles.all(), profiles.notices);
    this.#answer(resultParts(idRaw, result), idText);
  }

  #setLevel(frame: Frame, idRaw: Uint8Array, idText: string): void {
    const level = this.#controlParams(frame)?.['level'];
    if (typeof level !== 'string' || !isLogLevel(level)) {
      return this.refused(
        idText,
        JSON_RPC.invalidParams,
        `params.level must be one of ${LOG_LEVELS.join(', ')}`,
      );
    }
    this.#logLevel = level;
    this.#router.logLevelChanged();
    this.#answer(resultParts(idRaw, '{}'), idText);
  }

  #controlParams(frame: Frame): Record<string, unknown> | null {
    const text = textAt(frame, SLOT.params);
    if (text === null || text.length > MAX_CONTROL_BYTES) return null;
    const params: unknown = JSON.parse(text);
    return typeof params === 'object' && params !== null
      ? (params as Record<string, unknown>)
      : null;
  }

  #notification(method: string, frame: Frame): void {
    if (method === 'notifications/initialized') {
      this.#initialized = true;
    } else if (method === 'notifications/progress') {
      this.#router.serverRequests.progress(this, frame);
    } else if (method === 'notifications/tasks/status') {
      this.#router.serverRequests.status(this, frame);
    } else if (method === 'notifications/roots/list_changed') {
      this.#router.toServers(this, frame);
    } else if (method === 'notifications/cancelled') {
      const idText = textAt(frame, SLOT.paramsRequestId);
      const request = idText === null ? undefined : this.#unanswered.get(idText);
      if (request === undefined || idText === null) return;
      this.#withdraw(request, cancelReason(frame));
      this.#port.finished(idText);
    } else if (this.#initialized) {
      this.#unknownNotification(method, frame);
    }
  }

  /** A notification with the token of a server's request goes to that server alone. */
  #unknownNotification(method: string, frame: Frame): void {
    if (rangeOf(frame, SLOT.paramsProgressToken) !== null) {
      this.#router.serverRequests.progress(this, frame);
    } else {
      this.#router.unknown.notification(this, method, frame);
    }
  }

  #withdraw(request: Withdrawable, reason: string): void {
    this.#unanswered.remove(request);
    request.withdraw(reason);
  }
}

/** The client's reason, for the server to see. */
function cancelReason(frame: Frame): string {
  const params = rangeOf(frame, SLOT.params);
  const at = params === null ? null : member(frame.line, params, 'reason');
  const reason = at === null ? null : decodeString(frame.line, at);
  return reason === null ? 'cancelled by the client' : reason.slice(0, MAX_REASON);
}
