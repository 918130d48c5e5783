/**
 * The Streamable HTTP edge: one listener, `/mcp` for MCP, `/healthz` and `/readyz` for probes. On
 * loopback unless bearer tokens are given. Owns the listener and its limits; requests are served by
 * `exchange.ts`.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import { hostPort, loopbackAddress } from '../../http/guard.ts';
import { listen } from '../../http/listen.ts';
import { replyError } from '../../http/replies.ts';
import { type Edge, serve } from './exchange.ts';
import { DEFAULT_LIMITS, type HttpOptions } from './options.ts';
import { Sessions } from './sessionful/sessions.ts';
import { Principals } from './sessionless/principals.ts';
import { Tokens } from './tokens.ts';

export type { HttpOptions } from './options.ts';

const INTERNAL_ERROR = { status: 500, code: JSON_RPC.internalError, message: 'Internal error' };

export type HttpEdge =
  | {
      readonly ok: true;
      /** The MCP endpoint with the real port. */
      readonly url: string;
      /** From now on new requests and `/readyz` are answered 503; requests that are open go on. */
      stopAccepting(): void;
      /** Ends all sessions and streams and frees the port; connections still open after 1 s are cut. */
      close(): Promise<void>;
      /** Number of open connections. */
      connections(): number;
    }
  /** One line that names host and port and what to do. */
  | { readonly ok: false; readonly message: string };

export async function startHttp(options: HttpOptions): Promise<HttpEdge> {
  const { host, port } = options;
  const limits = { ...DEFAULT_LIMITS, ...options };
  const tokens = new Tokens(options.tokens ?? []);
  const loopback = loopbackAddress(host);
  if (loopback === null && !tokens.required) {
    return {
      ok: false,
      message: `cannot listen on ${hostPort(host, port)}: an address other than loopback needs a bearer token; leave out --no-token, or give one with --token-file, or use --http 127.0.0.1:${port}`,
    };
  }
  const sessions = new Sessions(options, limits);
  const principals = new Principals(options, limits);
  const edge: Edge = { options, limits, tokens, sessions, principals };
  /** Connections without a request so far. Node does not count them as idle. */
  const silent = new Set<Socket>();
  const responses = new Map<Socket, Set<ServerResponse>>();
  const server = createServer((request, response) => {
    silent.delete(request.socket);
    const besides = responses.get(request.socket);
    besides?.add(response);
    response.once('close', () => besides?.delete(response));
    serve(edge, request, response).catch((error: unknown) => {
      options.log.error({ err: error }, 'an HTTP request failed');
      if (response.headersSent) response.destroy();
      else replyError(response, INTERNAL_ERROR);
    });
  });
  server.on('connection', (socket) => {
    silent.add(socket);
    responses.set(socket, new Set());
    socket.once('close', () => {
      silent.delete(socket);
      // Node 20 emits 'close' only for the first of several pipelined responses.
      for (const response of responses.get(socket) ?? []) response.destroy().emit('close');
      responses.delete(socket);
    });
  });
  // Streams stay open for hours; bodies have their own limit, headers keep one.
  server.requestTimeout = 0;
  server.headersTimeout = 30_000;
  server.keepAliveTimeout = 65_000;
  server.maxConnections = limits.maxConnections;
  const problem = await listen(server, loopback ?? host, port);
  if (problem !== null) {
    principals.closeAll('the listener did not start');
    await sessions.closeAll('the listener did not start');
    return { ok: false, message: explain(problem, hostPort(host, port)) };
  }
  server.on('error', (error) => options.log.error({ err: error }, 'the HTTP listener failed'));
  return {
    ok: true,
    url: `http://${hostPort(loopback ?? host, (server.address() as AddressInfo).port)}/mcp`,
    connections: () => responses.size,
    stopAccepting: () => sessions.stopAccepting(),
    close: async () => {
      const timer = setTimeout(() => server.closeAllConnections(), limits.closeMs);
      principals.closeAll('the gateway is stopping');
      await sessions.closeAll('the gateway is stopping');
      // Only now: it cuts connections with a complete response that the client is still reading.
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of silent) socket.destroy();
      await closed;
      clearTimeout(timer);
    },
  };
}

function explain(error: NodeJS.ErrnoException, where: string): string {
  switch (error.code ?? '') {
    case 'EADDRINUSE':
      return `cannot listen on ${where}: the port is in use; stop the program that uses it or choose another with --http`;
    case 'EACCES':
      return `cannot listen on ${where}: ports below 1024 need privileges; choose another with --http`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `cannot listen on ${where}: this machine has no such address; use --http 127.0.0.1`;
    default:
      return `cannot listen on ${where}: ${error.code ?? error.message}; choose another address with --http`;
  }
}
