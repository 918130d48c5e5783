/**
 * The listener of the page: on 127.0.0.1 and nothing else, from the first `rea ui` until nobody has looked for ten
 * minutes. Owns the port and its limits; what is asked for is answered elsewhere.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorText } from '../../shared/platform/errno.ts';
import { Tokens } from '../clients/http/tokens.ts';
import { listen } from '../http/listen.ts';
import type { ControlLog } from '../operator/control-options.ts';
import { reply } from '../operator/reply.ts';
import { Connections } from './connections.ts';
import type { Document } from './document.ts';
import { type Judged, judge } from './guard.ts';

const HOST = '127.0.0.1';
/** A browser keeps six, whatever number of tabs it has. */
const MAX_CONNECTIONS = 64;
/** The system seldom gives one twice. */
const MOST_PORTS = 20;
const MAX_HEADER_BYTES = 8 * 1024;
/** For the head of a request, and for the first one of a connection. */
const HEADERS_MS = 5_000;
/** Node looks for what takes too long only so often. */
const CHECK_MS = 1_000;
/** For a whole request; its body has a limit of its own. */
const REQUEST_MS = 30_000;
const KEEP_ALIVE_MS = 15_000;
/** A connection on which nothing moves; an answer that takes time has a line twice a second. */
const SILENT_MS = 60_000;

/** On each answer. */
const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

export type ApiAsked = Extract<Judged, { kind: 'api' }>;

export interface ListenerOptions {
  readonly token: string;
  readonly document: Document;
  /** True for a port that must not be taken. */
  readonly isUsed: (port: number) => boolean;
  /** It closes when nobody with the token has asked for anything for this long. */
  readonly idleMs: number;
  readonly log: Pick<ControlLog, 'error'>;
  /** Whoever asks has the token. */
  readonly answer: (
    asked: ApiAsked,
    request: IncomingMessage,
    response: ServerResponse,
  ) => Promise<void>;
  /** It is closed, or will be in a moment: nobody looks any more. */
  readonly onClosed: () => void;
}

export interface PageListener {
  readonly port: number;
  /** Somebody is about to look: the time without anybody begins anew. */
  touch(): void;
  /** Cuts all connections. */
  close(): Promise<void>;
}

/** @returns why there is none, in words. */
export async function listenForPages(options: ListenerOptions): Promise<PageListener | string> {
  const { document, log, idleMs, answer, onClosed } = options;
  const tokens = new Tokens([options.token]);
  const isToken = (authorization: string | undefined) =>
    tokens.caller(authorization).kind === 'principal';
  let port = 0;
  /** Answers under way. */
  let open = 0;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const judged = judge(request, port, isToken);
    switch (judged.kind) {
      case 'refused':
        // Neither its body is wanted, nor its connection.
        response.shouldKeepAlive = false;
        return reply(response, judged.status, { error: judged.why });
      case 'document': {
        const { html, headers } = document;
        response.writeHead(200, { ...headers, 'content-length': html.length }).end(html);
        return;
      }
      case 'api':
        idle.refresh();
        connections.know(request.socket);
        open += 1;
        response.once('close', () => {
          open -= 1;
        });
        return answer(judged, request, response);
    }
  };
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => {
      // A browser that leaves while it is being written to is no failure of ours.
      response.on('error', () => response.destroy());
      serve(request, response).catch((error: unknown) => {
        log.error({ err: error }, 'a request of the page failed');
        if (response.headersSent) response.destroy();
        else reply(response, 500, { error: `internal error: ${errorText(error)}` });
      });
    },
  );
  const connections = new Connections(server, MAX_CONNECTIONS);
  server.timeout = SILENT_MS;
  const taken = await takePort(server, options.isUsed);
  if (typeof taken === 'string') return `no port on ${HOST}: ${taken}`;
  port = taken;
  server.on('error', (error) => log.error({ err: error }, 'the listener of the page failed'));
  let isClosed = false;
  const close = (): Promise<void> => {
    clearTimeout(idle);
    if (!isClosed) onClosed();
    isClosed = true;
    return new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  const look = () => {
    if (open === 0) void close();
    else idle.refresh();
  };
  const idle = setTimeout(look, idleMs).unref();
  return { port, touch: () => idle.refresh(), close };
}

/** @returns the port, or why there is none. */
async function takePort(
  server: Server,
  isUsed: ListenerOptions['isUsed'],
): Promise<number | string> {
  for (let left = MOST_PORTS; left > 0; left--) {
    const problem = await listen(server, HOST, 0);
    if (problem !== null) return errorText(problem);
    const { port } = server.address() as AddressInfo;
    if (!isUsed(port)) return port;
    await new Promise((resolve) => server.close(resolve));
  }
  return 'the system gives only ports that were used before';
}
