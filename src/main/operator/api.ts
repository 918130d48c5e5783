/**
 * HTTP on the control socket: `/api/v1` for commands, and everything else for the edge that serves `/mcp`. Each
 * request needs the token of the state directory. Answers are JSON; what takes time is a line of JSON for each
 * step, so that whoever waits sees that the gateway lives.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { errorText } from '../../shared/platform/errno.ts';
import { Tokens } from '../clients/http/tokens.ts';
import { RELAY_PROTOCOL } from '../relay/fleet-record.ts';
import { RELAY } from '../relay/upgrade.ts';
import type { Answering, ControlOptions, McpHandler } from './control-options.ts';
import type { Operable } from './operable.ts';
import { partsOf } from './path-parts.ts';
import { NOT_KNOWN, reply } from './reply.ts';
import { bodyOf } from './request-body.ts';
import { route } from './routes.ts';
import { Watching } from './watching.ts';

/** What a gateway of another version can tell by. */
export const API_VERSION = '1';
/** A connection without a request is closed after this. */
const SILENT_MS = 30_000;
/** At a stop, how long commands may take to read their answer. */
const CLOSE_MS = 1000;

/** Serves connections that a listener hands over. */
export function answer(options: ControlOptions): Answering {
  const { operable, log } = options;
  const tokens = new Tokens([options.token]);
  const watching = new Watching(operable);
  const open = new Set<ServerResponse>();
  let mcp: Promise<McpHandler> | null = null;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // From now on the request has its own limits.
    request.socket.setTimeout(0);
    response.setHeader('rea-version', operable.version);
    response.setHeader('rea-api', API_VERSION);
    const [pathname = '', query] = (request.url ?? '').split('?', 2);
    if (!pathname.startsWith('/api/')) {
      mcp ??= options.mcp();
      return (await mcp).handle(request, response);
    }
    if (tokens.caller(request.headers.authorization).kind === 'refused') {
      return reply(response, 401, { error: 'send the token of the state directory' });
    }
    const [version, ...path] = partsOf(pathname.slice('/api/'.length)) ?? [];
    if (version !== 'v1') return reply(response, 404, NOT_KNOWN);
    const body = await bodyOf(request, SILENT_MS);
    if (request.method === 'POST' && (await isGone(request.socket))) return;
    const asked = {
      method: request.method ?? '',
      path,
      query: new URLSearchParams(query),
      body,
    };
    return route(
      { operable, watching, log, page: options.page, by: 'by a command' },
      asked,
      response,
    );
  };

  const server = createServer((request, response) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    // A command that leaves while it is being written to is no failure of ours.
    response.on('error', () => response.destroy());
    serve(request, response).catch((error: unknown) => {
      log.error({ err: error }, 'a request on the control socket failed');
      if (response.headersSent) response.destroy();
      else reply(response, 500, { error: `internal error: ${errorText(error)}` });
    });
  });
  server.on('upgrade', (request, stream: Duplex, head: Buffer) => {
    const socket = stream as Socket;
    socket.setTimeout(0);
    const refusal = refusedRelay(request, operable, tokens);
    if (refusal !== null) {
      socket.end(`HTTP/1.1 ${refusal}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${RELAY}\r\n\r\n`,
    );
    options.relayed(socket, head);
  });
  return {
    take: (socket) => {
      socket.setTimeout(SILENT_MS, () => socket.destroy());
      server.emit('connection', socket);
    },
    close: async () => {
      watching.close();
      const ended = [...open].map(
        (response) => new Promise<void>((resolve) => response.once('close', () => resolve())),
      );
      const sessions = mcp?.then(
        (handler) => handler.close(),
        () => undefined,
      );
      await within(CLOSE_MS, Promise.all([...ended, sessions]));
    },
  };
}

/** Why a connection is not made one of a relay: a status line. Null: it is. */
function refusedRelay(
  { headers }: IncomingMessage,
  { stopping }: Operable,
  tokens: Tokens,
): string | null {
  if (tokens.caller(headers.authorization).kind === 'refused') return '401 Unauthorized';
  const isKnown =
    headers.upgrade === RELAY && headers['rea-relay-protocol'] === String(RELAY_PROTOCOL);
  if (!isKnown) return '426 Upgrade Required';
  return stopping ? '503 Service Unavailable' : null;
}

/**
 * Whoever was told that this gateway does not answer has left, and may have decided otherwise since: what it asked for
 * is not done when the gateway comes to itself.
 */
async function isGone(socket: Socket): Promise<boolean> {
  // The end of a connection is read one turn of the loop after its last bytes.
  await turn();
  await turn();
  return socket.destroyed || socket.readableEnded;
}

/** Resolves with it, or without it after `limitMs`. */
async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
