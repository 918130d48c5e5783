/**
 * One client over Streamable HTTP: the SDK's transport (session header, streams, status codes) on one
 * side, the router's peer on the other. The transport gets envelopes only; the client's messages go
 * to the peer and the peer's to the client as bytes. Owns the ids of the requests in flight: the
 * transport's are minted here, because a client's may be any number or string.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { JSON_RPC } from '../../shared/model/errors.ts';
import { type Frame, textAt } from '../../shared/wire/frame.ts';
import { classify } from '../../shared/wire/json-rpc.ts';
import { SLOT } from '../../shared/wire/json-scan.ts';
import { isAnswer } from './http-answer.ts';
import { replyError } from './http-replies.ts';
import { RAW, SseStream } from './http-stream.ts';
import { Waiting } from './http-waiting.ts';
import type { OpenSession, UpstreamPeer, UpstreamSink } from './session.ts';

/** Bytes that may pile up for a client that has stopped reading one stream. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
/** What the transport checks in an `initialize`; the client's own is read by the router. */
const INITIALIZE_PARAMS = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'client', version: '0' },
};
const FORWARDED = ['accept', 'content-type', 'mcp-session-id', 'mcp-protocol-version'] as const;

interface PendingRequest {
  /** Its id towards the transport. */
  readonly id: number;
  /** Null until the transport has accepted the request. */
  stream: SseStream | null;
}

export interface SessionHooks {
  readonly open: OpenSession;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly log: EdgeLog;
  /** The client's `initialize` was accepted; called before the router sees it. */
  readonly onOpen: (session: HttpSession) => void;
  readonly onClose: (session: HttpSession, reason: string) => void;
}

/** The part of a logger that the edge uses. */
export interface EdgeLog {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export class HttpSession implements UpstreamSink {
  readonly #hooks: SessionHooks;
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  readonly #requests = new Map<string, PendingRequest>();
  readonly #waiting = new Waiting();
  #peer: UpstreamPeer | null = null;
  #standalone: SseStream | null = null;
  #closeReason = 'the client ended the session';
  #nextId = 1;
  #exchanges = 0;
  #lastUsed: number;

  constructor(hooks: SessionHooks) {
    this.#hooks = hooks;
    this.#lastUsed = hooks.now();
    this.#transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
    });
    this.#transport.onclose = () => this.#closed();
  }

  /** Set once the client's `initialize` was accepted. */
  get id(): string | undefined {
    return this.#transport.sessionId;
  }

  /** Milliseconds without an exchange; 0 while one, or an open stream, is there. */
  idleMs(): number {
    return this.#exchanges > 0 ? 0 : this.#hooks.now() - this.#lastUsed;
  }

  /** Serves one HTTP exchange to its end. `frame` is the scanned body of a POST, null otherwise. */
  async exchange(
    request: IncomingMessage,
    response: ServerResponse,
    frame: Frame | null,
  ): Promise<void> {
    this.#exchanges++;
    try {
      if (frame === null) await this.#withoutBody(request, response);
      else await this.#post(request, response, frame);
    } finally {
      this.#exchanges--;
      this.#lastUsed = this.#hooks.now();
    }
  }

  async close(reason: string): Promise<void> {
    this.#closeReason = reason;
    await this.#transport.close();
  }

  send(parts: readonly Uint8Array[], relatedTo: string | null): void {
    if (relatedTo === null) {
      this.#sendUnrelated(parts);
      return;
    }
    const pending = this.#requests.get(relatedTo);
    if (pending?.stream == null) return;
    if (isAnswer(parts)) {
      this.#requests.delete(relatedTo);
      this.#answer(pending, pending.stream, pending.stream.hold(parts));
      return;
    }
    const token = pending.stream.hold(parts);
    if (token !== null) this.#notify(token, pending.id);
  }

  finished(idRaw: string): void {
    const pending = this.#requests.get(idRaw);
    if (pending?.stream == null) return;
    this.#requests.delete(idRaw);
    // The transport forgets a request only with its answer: an empty envelope ends the stream.
    this.#answer(pending, pending.stream, null);
  }

  async #post(request: IncomingMessage, response: ServerResponse, frame: Frame): Promise<void> {
    const message = classify(frame);
    if (message.kind === 'invalid') {
      replyError(response, 400, JSON_RPC.invalidRequest, `Invalid message: ${message.why}`);
      return;
    }
    if (message.kind !== 'request') {
      const envelope = { jsonrpc: '2.0', method: 'notifications/rea' };
      const reply = await this.#ask(request, envelope);
      if (reply.ok) this.#peer?.receive(frame);
      await forward(reply, response);
      return;
    }
    const idRaw = textAt(frame, SLOT.id) ?? 'null';
    if (this.#requests.has(idRaw)) {
      replyError(
        response,
        400,
        JSON_RPC.invalidRequest,
        `Request id ${idRaw} is in flight already`,
      );
      return;
    }
    const pending: PendingRequest = { id: this.#nextId++, stream: null };
    this.#requests.set(idRaw, pending);
    const initialize = message.method === 'initialize';
    const reply = await this.#ask(request, {
      jsonrpc: '2.0',
      id: pending.id,
      method: initialize ? 'initialize' : 'rea/request',
      params: initialize ? INITIALIZE_PARAMS : {},
    });
    if (!reply.ok || reply.body === null) {
      this.#requests.delete(idRaw);
      await forward(reply, response);
      return;
    }
    if (initialize) {
      this.#hooks.onOpen(this);
      this.#peer = this.#hooks.open(this, 'http');
    }
    pending.stream = this.#stream(response);
    const carried = this.#carry(pending.stream, reply, response, reply.body);
    this.#peer?.receive(frame);
    await carried;
  }

  async #withoutBody(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#ask(request);
    if (request.method !== 'GET' || !reply.ok || reply.body === null) {
      await forward(reply, response);
      return;
    }
    const stream = this.#stream(response);
    this.#standalone = stream;
    const carried = this.#carry(stream, reply, response, reply.body);
    for (const parts of this.#waiting.takeAll()) this.#sendUnrelated(parts);
    await carried;
    if (this.#standalone === stream) this.#standalone = null;
  }

  /** Lets the transport judge the exchange. Its requests never carry a body of their own. */
  #ask(request: IncomingMessage, envelope?: object): Promise<Response> {
    const headers = new Headers();
    for (const name of FORWARDED) {
      const value = request.headers[name];
      if (typeof value === 'string') headers.set(name, value);
    }
    const asked = new Request('http://localhost/mcp', { method: request.method ?? 'GET', headers });
    return this.#transport.handleRequest(
      asked,
      envelope === undefined ? {} : { parsedBody: envelope },
    );
  }

  #stream(response: ServerResponse): SseStream {
    return new SseStream(response, MAX_UNREAD_BYTES);
  }

  #carry(
    stream: SseStream,
    reply: Response,
    response: ServerResponse,
    body: ReadableStream<Uint8Array>,
  ): Promise<void> {
    response.writeHead(reply.status, headersOf(reply)).flushHeaders();
    return stream.run(body);
  }

  #sendUnrelated(parts: readonly Uint8Array[]): void {
    const token = this.#standalone?.hold(parts) ?? null;
    if (token === null) this.#waiting.add(parts);
    else this.#notify(token, null);
  }

  #notify(token: number, relatedTo: number | null): void {
    const envelope = { jsonrpc: '2.0', method: 'rea/message', params: { [RAW]: token } } as const;
    const options = relatedTo === null ? {} : { relatedRequestId: relatedTo };
    this.#transport.send(envelope, options).catch((error: unknown) => this.#broken(error));
  }

  #answer(pending: PendingRequest, stream: SseStream, token: number | null): void {
    const result = token === null ? {} : { [RAW]: token };
    this.#transport.send({ jsonrpc: '2.0', id: pending.id, result }).catch((error: unknown) => {
      // A client that left its stream cannot get the answer; the transport says so by an error.
      if (stream.open) this.#broken(error);
      else this.#hooks.log.debug({ session: this.id }, 'answer dropped: the client has left');
    });
  }

  #broken(error: unknown): void {
    this.#hooks.log.error({ session: this.id, err: error }, 'a message could not be sent');
  }

  #closed(): void {
    this.#requests.clear();
    this.#waiting.takeAll();
    const peer = this.#peer;
    this.#peer = null;
    if (peer === null) return;
    this.#hooks.onClose(this, this.#closeReason);
    peer.closed(this.#closeReason);
  }
}

/** Passes on a reply of the transport that is not a stream. */
async function forward(reply: Response, response: ServerResponse): Promise<void> {
  const text = await reply.text();
  response.writeHead(reply.status, {
    ...headersOf(reply),
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** Whether the connection is kept is between Node and the client. */
function headersOf(reply: Response): Record<string, string> {
  const { connection: _, ...headers } = Object.fromEntries(reply.headers);
  return headers;
}
