/**
 * One client over Streamable HTTP: the SDK's transport (session header, streams, status codes) on one
 * side, the router's peer on the other. The transport gets envelopes only; the client's messages go
 * to the peer and the peer's to the client as bytes. Owns the ids of the requests in flight: the
 * transport's are minted here, because a client's may be any number or string. A connection that
 * breaks cancels nothing.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { decodeString, type Frame, rangeOf, textAt } from '../../../../shared/json/frame.ts';
import { classify, joinExact, sizeOf } from '../../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import { member } from '../../../../shared/json/json-slice.ts';
import type { ByteCredit } from '../../../../shared/memory/byte-credit.ts';
import { JSON_RPC } from '../../../../shared/model/errors.ts';
import { replyAccepted, replyError, replyMessage } from '../../../http/replies.ts';
import { isAnswer } from '../../answer.ts';
import type { OpenSession, UpstreamPeer, UpstreamSink } from '../../port.ts';
import { Unsent } from '../../unsent.ts';
import type { EdgeLog, HttpLimits } from '../options.ts';
import type { EventBudget } from './event-budget.ts';
import { EventLog } from './events.ts';
import type { Standing } from './eviction.ts';
import { PromptReply } from './prompt-reply.ts';
import { answerNotKept, sessionEnded, tooManyInFlight } from './refusals.ts';
import { AcceptedHeaders, ask, forward, headersOf } from './sdk-transport.ts';
import { RAW, SseStream } from './stream.ts';
import { Waiting } from './waiting.ts';

/** What a client asks for before it makes use of anything. */
const IS_LOOKING =
  /^(?:initialize|ping|logging\/setLevel|(?:tools|prompts|resources|resources\/templates|tasks)\/list)$/;
const COPIED_BELOW_BYTES = 16 * 1024;

interface PendingRequest {
  /** Its id towards the transport. */
  readonly id: number;
  readonly idText: string;
  readonly method: string;
  /** Null until the transport has accepted the request. */
  stream: SseStream | null;
  /** While the answer alone may still be the response. */
  prompt: PromptReply | null;
  /** What came before the stream was open, in order. */
  readonly early: (readonly Uint8Array[])[];
}

export interface SessionHooks {
  readonly open: OpenSession;
  readonly credit: Pick<ByteCredit, 'addUnits'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly log: EdgeLog;
  readonly limits: HttpLimits;
  /** For the events of all sessions. */
  readonly budget: EventBudget;
  /** The client's `initialize` was accepted; called before the router sees it. */
  readonly onOpen: (session: HttpSession) => void;
  readonly onClose: (session: HttpSession, reason: string) => void;
}

export class HttpSession implements UpstreamSink {
  /** Whose it is; null when no tokens are in use. */
  readonly principal: string | null;
  readonly #hooks: SessionHooks;
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  readonly #events: EventLog;
  /** In flight, by the client's raw id. */
  readonly #requests = new Map<string, PendingRequest>();
  readonly #waiting = new Waiting();
  readonly #streams = new Set<SseStream>();
  /** Answers without a stream that the client has yet to read. */
  readonly #replies = new Set<PromptReply>();
  readonly #unsent: Unsent;
  #peer: UpstreamPeer | null = null;
  #standalone: SseStream | null = null;
  #closeReason = 'the client ended the session';
  #nextId = 1;
  #exchanges = 0;
  readonly #accepted = new AcceptedHeaders();
  #lastUsed: number;
  #called = false;

  constructor(hooks: SessionHooks, principal: string | null) {
    const { maxEvents, maxEventBytes, retryMs, keepAliveMs } = hooks.limits;
    this.#hooks = hooks;
    this.principal = principal;
    this.#lastUsed = hooks.now();
    this.#events = new EventLog({ maxEvents, maxBytes: maxEventBytes }, hooks.budget, hooks.now);
    this.#unsent = new Unsent({
      credit: hooks.credit,
      waiting: () => this.#unread(),
      onDrained: () => this.#peer?.drained(),
    });
    this.#transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: this.#events,
      retryInterval: retryMs,
      keepAliveMs,
    });
    this.#transport.onclose = () => this.#closed();
  }

  /** Set once the client's `initialize` was accepted. */
  get id(): string | undefined {
    return this.#transport.sessionId;
  }

  get congested(): boolean {
    return this.#unsent.congested;
  }

  /** How it stands when room is needed for another. */
  standing(): Standing {
    return {
      principal: this.principal,
      called: this.#called,
      inFlight: this.#requests.size > 0 || this.#peer?.busy === true,
      open: this.#exchanges > 0,
      lastUsed: this.#lastUsed,
    };
  }

  /** Milliseconds since its last use; 0 while an exchange, a stream or a request goes on. */
  idleMs(): number {
    const isBusy = this.#exchanges > 0 || this.#requests.size > 0;
    return isBusy ? 0 : this.#hooks.now() - this.#lastUsed;
  }

  dropOldEvents(): void {
    this.#events.dropOlderThan(this.#hooks.limits.eventAgeMs);
  }

  /** Serves one HTTP exchange to its end. `frame` is the scanned body of a POST, null otherwise. */
  async exchange(
    request: IncomingMessage,
    response: ServerResponse,
    frame: Frame | null,
  ): Promise<void> {
    this.#exchanges++;
    try {
      if (frame !== null) await this.#post(request, response, frame);
      else if (request.method === 'GET') await this.#get(request, response);
      else await forward(await ask(this.#transport, request), response);
    } finally {
      this.#exchanges--;
      this.#lastUsed = this.#hooks.now();
    }
  }

  /** Resolves when those answers that have no stream are read, or their clients gone. */
  async close(reason: string): Promise<void> {
    this.#closeReason = reason;
    await this.#transport.close();
    await Promise.all([...this.#replies].map((reply) => reply.taken()));
  }

  send(parts: readonly Uint8Array[], relatedTo: string | null): void {
    if (relatedTo === null) {
      this.#sendUnrelated(kept(parts));
      return;
    }
    const pending = this.#requests.get(relatedTo);
    if (pending === undefined) return;
    if (pending.prompt !== null && isAnswer(parts) && pending.prompt.take(parts)) {
      this.#ended(pending);
      return;
    }
    this.#deliver(pending, kept(parts));
  }

  finished(idRaw: string): void {
    const pending = this.#requests.get(idRaw);
    if (pending !== undefined) this.#deliver(pending, []);
  }

  async #post(request: IncomingMessage, response: ServerResponse, frame: Frame): Promise<void> {
    const message = classify(frame);
    if (message.kind === 'invalid') {
      replyError(response, 400, JSON_RPC.invalidRequest, `Invalid message: ${message.why}`);
      return;
    }
    if (message.kind !== 'request') {
      if (this.#accepts(request)) {
        this.#peer?.receive(frame);
        replyAccepted(response);
        return;
      }
      const envelope = { jsonrpc: '2.0', method: 'notifications/rea' };
      const reply = await ask(this.#transport, request, envelope);
      if (reply.ok) {
        this.#accepted.add(request);
        this.#peer?.receive(frame);
      }
      await forward(reply, response);
      return;
    }
    const { method } = message;
    const idText = textAt(frame, SLOT.id) ?? 'null';
    if (this.#requests.has(idText)) {
      const why = `Request id ${idText} is in flight already`;
      replyError(response, 400, JSON_RPC.invalidRequest, why);
      return;
    }
    const { maxInFlight } = this.#hooks.limits;
    if (this.#requests.size >= maxInFlight && method !== 'ping') {
      replyMessage(response, tooManyInFlight(method, idText, maxInFlight));
      return;
    }
    const pending: PendingRequest = {
      id: this.#nextId++,
      idText,
      method,
      stream: null,
      prompt: null,
      early: [],
    };
    this.#requests.set(idText, pending);
    if (!IS_LOOKING.test(method)) this.#called = true;
    if (method !== 'initialize' && this.#accepts(request)) {
      await this.#promptly(request, response, frame, pending);
    } else {
      await this.#request(request, response, frame, pending);
    }
  }

  /** A request of which the transport hears only when its answer does not come at once. */
  async #promptly(
    request: IncomingMessage,
    response: ServerResponse,
    frame: Frame,
    pending: PendingRequest,
  ): Promise<void> {
    const { promptMs, promptBytes, slowClientMs } = this.#hooks.limits;
    const prompt = new PromptReply(response, {
      waitMs: promptMs,
      maxBytes: promptBytes,
      stallMs: slowClientMs,
      headers: { 'mcp-session-id': this.id ?? '' },
    });
    pending.prompt = prompt;
    this.#peer?.receive(frame);
    if (!(await prompt.given)) {
      pending.prompt = null;
      await this.#request(request, response, null, pending);
      return;
    }
    if (prompt.unread === 0) return;
    this.#replies.add(prompt);
    this.#unsent.given(prompt.unread);
    await prompt.taken().finally(() => this.#replies.delete(prompt));
  }

  /** @param frame null when the peer has it already. */
  async #request(
    request: IncomingMessage,
    response: ServerResponse,
    frame: Frame | null,
    pending: PendingRequest,
  ): Promise<void> {
    const isFirst = pending.method === 'initialize';
    const reply = await ask(this.#transport, request, {
      jsonrpc: '2.0',
      id: pending.id,
      method: isFirst ? 'initialize' : 'rea/request',
      params: isFirst && frame !== null ? initializeParams(frame) : {},
    });
    if (frame === null && (this.#peer === null || !reply.ok)) {
      // What the transport says of a session that has ended would mean that nobody has seen the request.
      const answer = pending.early.find(isAnswer);
      replyMessage(response, answer ?? sessionEnded(pending.method, pending.idText));
      await reply.body?.cancel();
      this.#ended(pending);
      return;
    }
    if (!reply.ok || reply.body === null) {
      this.#requests.delete(pending.idText);
      await forward(reply, response);
      return;
    }
    if (isFirst) {
      this.#hooks.onOpen(this);
      this.#peer = this.#hooks.open(this, 'http');
    } else if (frame !== null) {
      this.#accepted.add(request);
    }
    pending.stream = this.#stream(response);
    const carried = this.#carry(pending.stream, reply, response, reply.body);
    for (const parts of pending.early.splice(0)) this.#deliver(pending, parts);
    if (frame !== null) this.#peer?.receive(frame);
    await carried;
  }

  /** Whether the transport has accepted a POST with the same headers. */
  #accepts(request: IncomingMessage): boolean {
    return this.#peer !== null && this.#accepted.has(request);
  }

  /** Opens the stream for what belongs to no request, or goes on with a stream that broke. */
  async #get(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const stream = this.#stream(response);
    let isStandalone = true;
    let afterwards = () => {};
    const lastEventId = request.headers['last-event-id'];
    if (typeof lastEventId === 'string' && lastEventId !== '') {
      const resumption = this.#events.lookUp(lastEventId);
      if (resumption.kind === 'unknown') {
        const why = 'Last-Event-ID is not known in this session, or no longer';
        return replyError(response, 400, JSON_RPC.gatewayError, why);
      }
      if (resumption.kind === 'complete') {
        // Tells an event source not to come again.
        response.writeHead(204).end();
        return;
      }
      isStandalone = !resumption.related;
      afterwards = this.#events.resumeOn(lastEventId, stream);
    }
    const reply = await ask(this.#transport, request).finally(afterwards);
    if (!reply.ok || reply.body === null) {
      await forward(reply, response);
      return;
    }
    if (isStandalone) this.#standalone = stream;
    const carried = this.#carry(stream, reply, response, reply.body);
    if (isStandalone) for (const parts of this.#waiting.takeAll()) this.#sendUnrelated(parts);
    await carried;
    if (this.#standalone === stream) this.#standalone = null;
  }

  #stream(response: ServerResponse): SseStream {
    const onGiven = (bytes: number) => this.#unsent.given(bytes);
    return new SseStream(response, { stallMs: this.#hooks.limits.slowClientMs, onGiven });
  }

  async #carry(
    stream: SseStream,
    reply: Response,
    response: ServerResponse,
    body: ReadableStream<Uint8Array>,
  ): Promise<void> {
    response.writeHead(reply.status, headersOf(reply)).flushHeaders();
    this.#streams.add(stream);
    // What is replayed was handed to it before it was one of them.
    this.#unsent.given(0);
    await stream.run(body).finally(() => this.#streams.delete(stream));
  }

  #unread(): number {
    let bytes = 0;
    for (const stream of this.#streams) bytes += stream.unread;
    for (const reply of this.#replies) bytes += reply.unread;
    return bytes;
  }

  /** Puts a message on the stream of its request. @param parts none = the request gets no answer. */
  #deliver(pending: PendingRequest, parts: readonly Uint8Array[]): void {
    if (pending.stream === null) {
      pending.early.push(parts);
      pending.prompt?.leave();
      return;
    }
    // The transport forgets a request only with its answer: an empty one ends the stream.
    if (parts.length === 0 || isAnswer(parts)) this.#settle(pending, pending.stream, parts);
    else this.#relay(parts, pending.stream, pending.id);
  }

  #sendUnrelated(parts: readonly Uint8Array[]): void {
    if (this.#standalone?.open === true) this.#relay(parts, this.#standalone, null);
    else this.#waiting.add(parts);
  }

  #relay(parts: readonly Uint8Array[], origin: SseStream, relatedTo: number | null): void {
    const related = relatedTo !== null;
    const token = this.#events.put({ parts, final: false, origin, related, instead: null });
    const envelope = { jsonrpc: '2.0', method: 'rea/message', params: { [RAW]: token } } as const;
    this.#transport
      .send(envelope, related ? { relatedRequestId: relatedTo } : {})
      .catch((error: unknown) => this.#notSent(token, origin, error));
  }

  /** The end of a request. @param parts its answer; none when it gets none. */
  #settle(pending: PendingRequest, origin: SseStream, parts: readonly Uint8Array[]): void {
    const { id, idText, method } = pending;
    this.#ended(pending);
    const instead = () => answerNotKept(method, idText, this.#hooks.limits.maxEventBytes);
    const token = this.#events.put({ parts, final: true, origin, related: true, instead });
    this.#transport
      .send({ jsonrpc: '2.0', id, result: { [RAW]: token } })
      .catch((error: unknown) => this.#notSent(token, origin, error));
  }

  #ended({ idText }: PendingRequest): void {
    this.#requests.delete(idText);
    this.#lastUsed = this.#hooks.now();
  }

  #notSent(token: number, origin: SseStream, error: unknown): void {
    this.#events.discard(token);
    const fields = { session: this.id, err: error };
    // A client of an old revision cannot resume a stream that it left; the transport says so by an error.
    if (origin.open) this.#hooks.log.error(fields, 'a message could not be sent');
    else this.#hooks.log.debug(fields, 'message dropped: the client has left');
  }

  #closed(): void {
    for (const { prompt } of this.#requests.values()) prompt?.leave();
    this.#requests.clear();
    this.#unsent.close();
    this.#waiting.takeAll();
    this.#events.clear();
    const peer = this.#peer;
    this.#peer = null;
    if (peer === null) return;
    this.#hooks.onClose(this, this.#closeReason);
    peer.closed(this.#closeReason);
  }
}

/** What the transport wants to know of an `initialize`; the client's own params are read by the router. */
function initializeParams(frame: Frame): object {
  const params = rangeOf(frame, SLOT.params);
  const at = params === null ? null : member(frame.line, params, 'protocolVersion');
  const asked = at === null ? null : decodeString(frame.line, at);
  return {
    protocolVersion: /^\d{4}-\d\d-\d\d$/.test(asked ?? '') ? asked : '2025-03-26',
    capabilities: {},
    clientInfo: { name: 'client', version: '0' },
  };
}

/** Small messages are views of a buffer of many, which must not live as long as each of them is kept. */
function kept(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  return sizeOf(parts) < COPIED_BELOW_BYTES ? [joinExact(parts)] : parts;
}
