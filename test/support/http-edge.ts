/**
 * An HTTP edge in front of an echo router, and a client for it that does by hand what an SDK client
 * hides: single requests, events with their ids, connections that break. `tidyEdges()` closes all.
 */
import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { type HttpEdge, type HttpOptions, startHttp } from '#src/main/clients/http/listener.ts';
import type { EchoRouter } from './echo-router.ts';

export type Edge = Extract<HttpEdge, { ok: true }>;

const cleanup: (() => Promise<unknown> | void)[] = [];
const errors: string[] = [];

/** Runs before the edges are closed, latest first. */
export function onTidy(end: () => Promise<unknown> | void): void {
  cleanup.push(end);
}

/** Closes everything; fails when an edge logged an error. */
export async function tidyEdges(): Promise<void> {
  for (const end of cleanup.splice(0).reverse()) await end();
  if (errors.length > 0) throw new Error(errors.splice(0).join('\n'));
}

export function edgeOptions(router: EchoRouter): HttpOptions {
  return {
    host: '127.0.0.1',
    port: 0,
    open: router.open,
    maxBodyBytes: 1_000_000,
    credit: { addUnits: () => {} },
    log: {
      debug: () => {},
      warn: () => {},
      error: (fields, message) => errors.push(`${message} ${JSON.stringify(fields)}`),
    },
  };
}

export async function startEdge(
  router: EchoRouter,
  options: Partial<HttpOptions> = {},
): Promise<Edge> {
  // What was logged after the edges of another test were closed is not this one's.
  if (cleanup.length === 0) errors.length = 0;
  const edge = await startHttp({ ...edgeOptions(router), ...options });
  if (!edge.ok) throw new Error(edge.message);
  onTidy(() => edge.close());
  return edge;
}

export const HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

export function initializeWith(protocolVersion: string): string {
  return `{"jsonrpc":"2.0","id":"first","method":"initialize","params":{"protocolVersion":"${protocolVersion}","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}`;
}

export function callTool(name: string, id: string, rest = ''): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}"${rest}}}`;
}

/** One client's session. */
export class HttpClient {
  readonly edge: Edge;
  readonly session: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(edge: Edge, session: string, headers: Readonly<Record<string, string>>) {
    this.edge = edge;
    this.session = session;
    this.#headers = { ...headers, 'mcp-session-id': session };
  }

  /** @param options.version its protocol version. @default 2025-11-25 */
  static async open(
    edge: Edge,
    options: { version?: string; headers?: Readonly<Record<string, string>> } = {},
  ): Promise<HttpClient> {
    const { version = '2025-11-25', headers = {} } = options;
    const response = await fetch(edge.url, {
      method: 'POST',
      headers: { ...HEADERS, ...headers },
      body: initializeWith(version),
    });
    await response.text();
    const session = response.headers.get('mcp-session-id');
    if (session === null) throw new Error(`initialize got ${response.status}`);
    return new HttpClient(edge, session, { ...headers, 'mcp-protocol-version': version });
  }

  post(body: string, signal: AbortSignal | null = null): Promise<Response> {
    const headers = { ...HEADERS, ...this.#headers };
    return fetch(this.edge.url, { method: 'POST', headers, body, signal });
  }

  /** Opens the stream of its own, or resumes the one that this event was on. */
  get(lastEventId?: string, signal: AbortSignal | null = null): Promise<Response> {
    const last = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const headers = { accept: 'text/event-stream', ...this.#headers, ...last };
    return fetch(this.edge.url, { headers, signal });
  }

  delete(): Promise<Response> {
    return fetch(this.edge.url, { method: 'DELETE', headers: this.#headers });
  }

  /** A call whose events are read one by one. */
  async call(body: string): Promise<EventReader> {
    const leave = new AbortController();
    return new EventReader(await this.post(body, leave.signal), leave);
  }

  async listen(lastEventId?: string): Promise<EventReader> {
    const leave = new AbortController();
    return new EventReader(await this.get(lastEventId, leave.signal), leave);
  }
}

export interface SseEvent {
  readonly id: string | null;
  readonly retry: string | null;
  readonly data: string | null;
  readonly comment: string | null;
}

/** Reads an event stream piece by piece. */
export class EventReader {
  readonly response: Response;
  readonly #leave: AbortController;
  readonly #chunks: AsyncIterator<string>;
  #text = '';

  constructor(response: Response, leave: AbortController) {
    this.response = response;
    this.#leave = leave;
    const body = response.body ?? new ReadableStream();
    this.#chunks = body
      .pipeThrough(new TextDecoderStream() as never)
      [Symbol.asyncIterator]() as never;
    onTidy(() => leave.abort());
  }

  /** The next event, or null at the end of the stream. */
  async next(): Promise<SseEvent | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const lines = this.#text.slice(0, end).split('\n');
        this.#text = this.#text.slice(end + 2);
        const field = (name: string) =>
          lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 2) ?? null;
        return { id: field('id'), retry: field('retry'), data: field('data'), comment: field('') };
      }
      const { done, value } = await this.#chunks.next();
      if (done === true) return null;
      this.#text += value;
    }
  }

  /** All events up to the end of the stream, without comments. */
  async rest(): Promise<SseEvent[]> {
    const events: SseEvent[] = [];
    for (let event = await this.next(); event !== null; event = await this.next()) {
      if (event.comment === null) events.push(event);
    }
    return events;
  }

  /** Breaks the connection. */
  async leave(): Promise<void> {
    this.#leave.abort();
    await this.#chunks.next().catch(() => undefined);
  }
}

/** A POST whose body is written by hand. */
export function openPost(edge: Edge, headers: Record<string, string | number> = {}): ClientRequest {
  const request = httpRequest(edge.url, { method: 'POST', headers: { ...HEADERS, ...headers } });
  request.on('error', () => {});
  return request;
}

/** A request with headers that `fetch` would not send, and its status. */
export async function statusOf(
  edge: Edge,
  path: string,
  headers: Record<string, string>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(new URL(path, edge.url), { headers });
    request.on('error', reject).on('response', (response: IncomingMessage) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.end();
  });
}

export interface RawReply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** A request with no header that is not given, as `fetch` cannot send it. */
export async function rawRequest(
  url: string | URL,
  method: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<RawReply> {
  const request = httpRequest(url, { method, headers });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const text = (await response.toArray()).join('');
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

/** A POST of JSON, see `rawRequest`. */
export function rawPost(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<RawReply> {
  return rawRequest(url, 'POST', { 'content-type': 'application/json', ...headers }, body);
}
