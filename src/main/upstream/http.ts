/**
 * The Streamable HTTP edge: one loopback listener, `/mcp` for MCP and `/healthz` for probes. Checks
 * who asks, reads and scans bodies under the cap, and finds the session; everything after that is the
 * session's. Never routes and never looks into a message beyond its envelope.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JSON_RPC } from '../../shared/model/errors.ts';
import { type Frame, scanFrame } from '../../shared/wire/frame.ts';
import { classify } from '../../shared/wire/json-rpc.ts';
import { readBody } from './http-body.ts';
import { foreignRequest, hostPort, loopbackAddress } from './http-guard.ts';
import { refuseBody, replyError, replyText } from './http-replies.ts';
import { type EdgeLog, HttpSession, type SessionHooks } from './http-session.ts';
import type { OpenSession } from './session.ts';

export interface HttpOptions {
  /** A loopback name: `127.0.0.1`, `localhost` or `::1`. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly open: OpenSession;
  /** Largest body of one POST. */
  readonly maxBodyBytes: number;
  readonly log: EdgeLog;
  /** A session without exchange or open stream ends after this. @default 1800000 */
  readonly idleMs?: number;
  /** Further clients are refused with 503. @default 256 */
  readonly maxSessions?: number;
}

export type HttpEdge =
  | {
      readonly ok: true;
      /** The MCP endpoint with the real port. */
      readonly url: string;
      /** Ends all sessions and streams and frees the port; connections still open after 1 s are cut. */
      close(): Promise<void>;
      /** Number of sessions. */
      sessions(): number;
    }
  /** One line that names host and port and what to do. */
  | { readonly ok: false; readonly message: string };

const SESSION_NOT_FOUND = -32001;
const BODY_IDLE_MS = 30_000;
const CLOSE_MS = 1000;

export async function startHttp(options: HttpOptions): Promise<HttpEdge> {
  const { host, port } = options;
  const address = loopbackAddress(host);
  if (address === null) {
    return {
      ok: false,
      message: `cannot listen on ${hostPort(host, port)}: only loopback addresses are supported by this version; use --http 127.0.0.1:${port}`,
    };
  }
  const sessions = new Sessions(options);
  const server = createServer((request, response) => {
    serve(sessions, options, request, response).catch((error: unknown) => {
      options.log.error({ err: error }, 'an HTTP request failed');
      if (response.headersSent) response.destroy();
      else replyError(response, 500, JSON_RPC.internalError, 'Internal error');
    });
  });
  // Streams stay open for hours; bodies have their own limit, headers keep one.
  server.requestTimeout = 0;
  server.headersTimeout = 30_000;
  server.keepAliveTimeout = 65_000;
  const problem = await listen(server, address, port);
  if (problem !== null) return { ok: false, message: explain(problem, hostPort(host, port)) };
  server.on('error', (error) => options.log.error({ err: error }, 'the HTTP listener failed'));
  return {
    ok: true,
    url: `http://${hostPort(address, (server.address() as AddressInfo).port)}/mcp`,
    sessions: () => sessions.size,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await sessions.closeAll('the gateway is stopping');
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** All sessions of the listener, and the end of those that nobody uses. */
class Sessions {
  readonly #byId = new Map<string, HttpSession>();
  readonly #hooks: SessionHooks;
  readonly #max: number;
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: HttpOptions) {
    this.#max = options.maxSessions ?? 256;
    const idleMs = options.idleMs ?? 30 * 60_000;
    this.#hooks = {
      open: options.open,
      now: () => performance.now(),
      log: options.log,
      onOpen: (session) => this.#byId.set(session.id ?? '', session),
      onClose: (session) => this.#byId.delete(session.id ?? ''),
    };
    this.#sweeper = setInterval(() => this.#sweep(idleMs), Math.min(idleMs / 4, 60_000));
    this.#sweeper.unref();
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): HttpSession | undefined {
    return this.#byId.get(id);
  }

  /** A session that counts once its client's `initialize` is accepted; null when there are too many. */
  create(): HttpSession | null {
    return this.#byId.size < this.#max ? new HttpSession(this.#hooks) : null;
  }

  async closeAll(reason: string): Promise<void> {
    clearInterval(this.#sweeper);
    await Promise.all([...this.#byId.values()].map((session) => session.close(reason)));
  }

  #sweep(idleMs: number): void {
    for (const session of this.#byId.values()) {
      if (session.idleMs() >= idleMs) void session.close('idle for too long');
    }
  }
}

async function serve(
  sessions: Sessions,
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A client that leaves while it is being written to is no failure of ours.
  response.on('error', (error) => options.log.debug({ err: error }, 'a client has left'));
  const foreign = foreignRequest(request.headers);
  if (foreign !== null) return replyError(response, 403, JSON_RPC.gatewayError, foreign);
  const path = (request.url ?? '').split('?', 1)[0];
  if (path === '/healthz') return replyText(response, 200, 'ok');
  if (path !== '/mcp') return replyText(response, 404, 'Not found: the MCP endpoint is /mcp\n');
  const { method } = request;
  if (method !== 'POST' && method !== 'GET' && method !== 'DELETE') {
    return replyError(response, 405, JSON_RPC.gatewayError, 'Method not allowed', {
      allow: 'GET, POST, DELETE',
    });
  }
  const id = request.headers['mcp-session-id'];
  const session = typeof id === 'string' ? sessions.get(id) : undefined;
  if (id !== undefined && session === undefined) {
    return replyError(response, 404, SESSION_NOT_FOUND, 'Session not found');
  }
  if (method !== 'POST') {
    if (session === undefined) return missingSession(response);
    return session.exchange(request, response, null);
  }
  const frame = await readFrame(options, request, response);
  if (frame === null) return;
  if (session !== undefined) return session.exchange(request, response, frame);
  const message = classify(frame);
  if (message.kind !== 'request' || message.method !== 'initialize') {
    return missingSession(response);
  }
  const fresh = sessions.create();
  if (fresh === null) {
    return replyError(response, 503, JSON_RPC.gatewayError, 'Too many sessions: try again later', {
      'retry-after': '60',
    });
  }
  return fresh.exchange(request, response, frame);
}

/** The scanned body, or null when the request has been answered already (or nobody waits for one). */
async function readFrame(
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Frame | null> {
  const body = await readBody(request, options.maxBodyBytes, BODY_IDLE_MS);
  switch (body.kind) {
    case 'aborted':
      return null;
    case 'stalled':
      refuseBody(request, response, 408, JSON_RPC.gatewayError, 'The body did not arrive');
      return null;
    case 'too_large': {
      const limit = `Body too large: the limit is ${options.maxBodyBytes} bytes`;
      refuseBody(request, response, 413, JSON_RPC.gatewayError, limit);
      return null;
    }
    case 'complete':
      break;
  }
  if (isBatch(body.line)) {
    replyError(response, 400, JSON_RPC.invalidRequest, 'Batches are not supported');
    return null;
  }
  const frame = scanFrame(body.line);
  if ('error' in frame) {
    replyError(response, 400, JSON_RPC.parseError, 'Parse error: the body is not one JSON message');
    return null;
  }
  return frame;
}

function isBatch(line: Uint8Array): boolean {
  const first = line.find((byte) => byte !== 0x20 && byte !== 0x09);
  return first === 0x5b;
}

function missingSession(response: ServerResponse): void {
  replyError(response, 400, JSON_RPC.gatewayError, 'Mcp-Session-Id header is required');
}

function listen(server: Server, host: string, port: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const onError = (error: NodeJS.ErrnoException) => resolve(error);
    server.once('error', onError);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', onError);
      resolve(null);
    });
  });
}

function explain(error: NodeJS.ErrnoException, where: string): string {
  switch (error.code ?? '') {
    case 'EADDRINUSE':
      return `cannot listen on ${where}: the port is in use; stop the program that uses it or choose another with --http`;
    case 'EACCES':
      return `cannot listen on ${where}: ports below 1024 need privileges; choose another with --http`;
    case 'EADDRNOTAVAIL':
      return `cannot listen on ${where}: this machine has no such address; use --http 127.0.0.1`;
    default:
      return `cannot listen on ${where}: ${error.code ?? error.message}; choose another address with --http`;
  }
}
