/**
 * One client over Streamable HTTP: the SDK's transport (session header, streams, status codes) on one
 * side, the client that routing knows on the other. The transport gets envelopes only; messages pass as
 * bytes. A connection that breaks cancels nothing.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { type Frame, textAt } from '../../../../shared/json/frame.ts';
import type { MessageKind } from '../../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import type { ByteCredit } from '../../../../shared/memory/byte-credit.ts';
import { JSON_RPC } from '../../../../shared/model/errors.ts';
import { type HttpError, replyAccepted, replyError, replyMessage } from '../../../http/replies.ts';
import type { ClientFace, ClientPort, OpenClient } from '../../port.ts';
import { acceptsOf } from '../accept.ts';
import type { EdgeLog, HttpLimits } from '../options.ts';
import type { EventBudget } from './event-budget.ts';
import { EventLog } from './events.ts';
import { isLooking, type Standing } from './eviction.ts';
import { Gets } from './gets.ts';
import { type OpenRequest, OpenRequests } from './open-requests.ts';
import { Outbox } from './outbox.ts';
import { PromptReply } from './prompt-reply.ts';
import { sessionEnded, tooManyInFlight } from './refusals.ts';
import { Responses } from './responses.ts';
import {
  AcceptedHeaders,
  ask,
  askAboutHeaders,
  forward,
  initializeParams,
  isAccepted,
} from './sdk-transport.ts';

export interface SessionHooks {
  readonly open: OpenClient;
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

/** The body of a POST, which makes no claim. */
export interface Body {
  readonly frame: Frame;
  readonly message: MessageKind;
}

export class HttpSession implements ClientPort {
  /** The name of the token that it was opened with; null when no tokens are in use. */
  readonly principal: string | null;
  readonly several = false;
  readonly #hooks: SessionHooks;
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  readonly #events: EventLog;
  readonly #requests = new OpenRequests();
  readonly #outbox: Outbox;
  readonly #responses: Responses;
  readonly #gets: Gets;
  #client: ClientFace | null = null;
  #closeReason = 'the client ended the session';
  #exchanges = 0;
  readonly #accepted = new AcceptedHeaders();
  #lastUsed: number;
  #called = false;

  constructor(hooks: SessionHooks, principal: string | null) {
    const { maxEvents, maxEventBytes, retryMs, keepAliveMs, slowClientMs } = hooks.limits;
    this.#hooks = hooks;
    this.principal = principal;
    this.#lastUsed = hooks.now();
    this.#events = new EventLog({ maxEvents, maxBytes: maxEventBytes }, hooks.budget, hooks.now);
    this.#responses = new Responses({
      credit: hooks.credit,
      slowClientMs,
      onDrained: () => this.#client?.drained(),
    });
    this.#transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: this.#events,
      retryInterval: retryMs,
      keepAliveMs,
    });
    this.#transport.onclose = () => this.#closed();
    this.#outbox = new Outbox({
      transport: this.#transport,
      events: this.#events,
      maxEventBytes,
      log: hooks.log,
      onEnded: (request) => this.#ended(request),
    });
    this.#gets = new Gets(this.#transport, this.#events, this.#responses, this.#outbox);
  }

  /** Set once the client's `initialize` was accepted. */
  get id(): string | undefined {
    return this.#transport.sessionId;
  }

  get needsDrain(): boolean {
    return this.#responses.needsDrain;
  }

  /** For `eviction.ts`, which chooses a session to close when another client needs its place. */
  standing(): Standing {
    return {
      principal: this.principal,
      called: this.#called,
      inFlight: this.#requests.size > 0 || this.#client?.busy === true,
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

  /** Serves one HTTP exchange to its end. `body` is that of a POST, null otherwise. */
  async exchange(
    request: IncomingMessage,
    response: ServerResponse,
    body: Body | null,
  ): Promise<void> {
    this.#exchanges++;
    try {
      if (body !== null) await this.#post(request, response, body);
      else if (request.method === 'GET') await this.#gets.serve(request, response);
      else await forward(await ask(this.#transport, request), response);
    } finally {
      this.#exchanges--;
      this.#lastUsed = this.#hooks.now();
    }
  }

  /** Resolves when answers without a stream are read, or their clients are gone. */
  async close(reason: string): Promise<void> {
    this.#closeReason = reason;
    await this.#transport.close();
    await this.#responses.repliesTaken();
  }

  answer(parts: readonly Uint8Array[], idText: string | null): void {
    if (idText === null) return this.#outbox.sendUnrelated(parts);
    const open = this.#requests.get(idText);
    if (open === undefined) return;
    if (open.prompt?.take(parts) === true) this.#ended(open);
    else this.#outbox.deliver(open, { parts, final: true });
  }

  send(parts: readonly Uint8Array[], relatedTo: string | null): void {
    if (relatedTo === null) return this.#outbox.sendUnrelated(parts);
    const open = this.#requests.get(relatedTo);
    // The response to this request has room for its answer alone.
    if (open?.prompt?.alone === true) this.#outbox.sendUnrelated(parts);
    else if (open !== undefined) this.#outbox.deliver(open, { parts, final: false });
  }

  finished(idText: string): void {
    const open = this.#requests.get(idText);
    if (open !== undefined) this.#outbox.deliver(open, { parts: [], final: true });
  }

  async #post(request: IncomingMessage, response: ServerResponse, body: Body): Promise<void> {
    const { frame, message } = body;
    if (message.kind === 'invalid') {
      replyError(response, invalid(`Invalid message: ${message.why}`));
      return;
    }
    if (message.kind !== 'request') {
      if (this.#accepts(request)) {
        this.#client?.receive(frame, message);
        replyAccepted(response);
        return;
      }
      const reply = await askAboutHeaders(this.#transport, request);
      if (reply.ok) {
        this.#accepted.add(request);
        this.#client?.receive(frame, message);
      }
      await forward(reply, response);
      return;
    }
    const { method } = message;
    const idText = textAt(frame, SLOT.id) ?? 'null';
    if (this.#requests.has(idText)) {
      replyError(response, invalid(`Request id ${idText} is in flight already`));
      return;
    }
    const { maxInFlight } = this.#hooks.limits;
    if (this.#requests.size >= maxInFlight && method !== 'ping') {
      replyMessage(response, tooManyInFlight(method, idText, maxInFlight));
      return;
    }
    const pending = this.#requests.open(idText, method);
    if (!isLooking(method)) this.#called = true;
    const accepts = acceptsOf(request.headers.accept);
    if (accepts.json && !accepts.stream) {
      await this.#alone(request, response, body, pending);
    } else if (method !== 'initialize' && accepts.json && this.#accepts(request)) {
      await this.#promptly(request, response, body, pending);
    } else {
      await this.#request(request, response, body, pending);
    }
  }

  /** Serves a request without the transport if its answer comes at once, and through it otherwise. */
  async #promptly(
    request: IncomingMessage,
    response: ServerResponse,
    body: Body,
    pending: OpenRequest,
  ): Promise<void> {
    const { promptMs, promptBytes } = this.#hooks.limits;
    const prompt = this.#prompt(pending, response, promptMs, promptBytes);
    this.#client?.receive(body.frame, body.message);
    if (!(await prompt.given)) {
      pending.prompt = null;
      await this.#request(request, response, null, pending);
      return;
    }
    await this.#responses.finish(prompt);
  }

  /** Serves a request whose client takes its answer as JSON and nothing else. */
  async #alone(
    request: IncomingMessage,
    response: ServerResponse,
    body: Body,
    pending: OpenRequest,
  ): Promise<void> {
    const isFirst = pending.method === 'initialize';
    if (isFirst || !this.#accepts(request)) {
      const reply = isFirst
        ? await this.#askFor(request, pending, body)
        : await askAboutHeaders(this.#transport, request);
      if (!reply.ok) {
        this.#requests.delete(pending);
        return forward(reply, response);
      }
      // The transport would answer `initialize` on a stream.
      await reply.body?.cancel();
      if (isFirst) this.#open();
      this.#accepted.add(request);
    }
    const prompt = this.#prompt(pending, response, null, Number.POSITIVE_INFINITY);
    this.#client?.receive(body.frame, body.message);
    if (await prompt.given) return this.#responses.finish(prompt);
    // Its session has ended, or the request was cancelled and gets no answer.
    if (this.#client === null) {
      replyMessage(response, sessionEnded(pending.method, pending.idText));
    } else {
      replyAccepted(response);
    }
    this.#ended(pending);
  }

  /** @param waitMs, maxBytes see `PromptOptions`. */
  #prompt(pending: OpenRequest, response: ServerResponse, waitMs: number | null, maxBytes: number) {
    const stallMs = this.#hooks.limits.slowClientMs;
    const headers = { 'mcp-session-id': this.id ?? '' };
    const prompt = new PromptReply(response, { waitMs, maxBytes, stallMs, headers });
    pending.prompt = prompt;
    return prompt;
  }

  #open(): void {
    this.#hooks.onOpen(this);
    this.#client = this.#hooks.open(this);
  }

  #askFor(request: IncomingMessage, { id, method }: OpenRequest, body: Body | null) {
    const isFirst = method === 'initialize';
    return ask(this.#transport, request, {
      jsonrpc: '2.0',
      id,
      method: isFirst ? 'initialize' : 'rea/request',
      params: isFirst && body !== null ? initializeParams(body.frame) : {},
    });
  }

  /** @param body null when the client behind has received it already. */
  async #request(
    request: IncomingMessage,
    response: ServerResponse,
    body: Body | null,
    pending: OpenRequest,
  ): Promise<void> {
    const reply = await this.#askFor(request, pending, body);
    if (body === null && (this.#client === null || !reply.ok)) {
      // The transport would answer as if the request had never been sent, but the client behind has it.
      replyMessage(response, pending.earlyAnswer ?? sessionEnded(pending.method, pending.idText));
      await reply.body?.cancel();
      this.#ended(pending);
      return;
    }
    if (!isAccepted(reply)) {
      this.#requests.delete(pending);
      await forward(reply, response);
      return;
    }
    if (pending.method === 'initialize') this.#open();
    else if (body !== null) this.#accepted.add(request);
    pending.stream = this.#responses.stream(response);
    const carried = this.#responses.carry(pending.stream, reply, response);
    for (const message of pending.takeEarly()) this.#outbox.deliver(pending, message);
    if (body !== null) this.#client?.receive(body.frame, body.message);
    await carried;
  }

  /** True if the transport has accepted a POST with the same headers before. */
  #accepts(request: IncomingMessage): boolean {
    return this.#client !== null && this.#accepted.has(request);
  }

  #ended(request: OpenRequest): void {
    this.#requests.delete(request);
    this.#lastUsed = this.#hooks.now();
  }

  #closed(): void {
    this.#requests.clear();
    this.#responses.close();
    this.#outbox.clear();
    this.#events.clear();
    const client = this.#client;
    this.#client = null;
    if (client === null) return;
    this.#hooks.onClose(this, this.#closeReason);
    client.closed(this.#closeReason);
  }
}

function invalid(message: string): HttpError {
  return { status: 400, code: JSON_RPC.invalidRequest, message };
}
