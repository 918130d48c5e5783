/**
 * The listener of the metrics: `GET /metrics` on 127.0.0.1 and nothing else, for requests that name a
 * loopback host. Each answer closes its connection, so that none delays a stop. Owns the port; knows no
 * metric.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { judgeCaller } from '../http/guard.ts';
import { listen } from '../http/listen.ts';
import { replyText } from '../http/replies.ts';
import type { Logger } from '../logger.ts';

const HOST = '127.0.0.1';
/** A scraper needs one or two: it asks once in a while. */
const MAX_CONNECTIONS = 32;
/** Time limit for a whole request with its headers. */
const REQUEST_MS = 5000;

export interface MetricsPage {
  readonly contentType: string;
  /** The text of one scrape. */
  render(): Promise<string>;
}

export type MetricsListener =
  | { readonly ok: true; readonly port: number; close(): Promise<void> }
  /** One line that names the port and what to do. */
  | { readonly ok: false; readonly message: string };

/** @param port 0 = any free port. */
export async function listenForScrapes(
  port: number,
  page: MetricsPage,
  log: Logger,
): Promise<MetricsListener> {
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    response.shouldKeepAlive = false;
    answer(page, request, response).catch((error: unknown) => {
      log.error({ err: error }, 'a scrape failed');
      replyText(response, 500, 'Internal error\n');
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  const problem = await listen(server, HOST, port);
  if (problem !== null) return { ok: false, message: explain(problem, port) };
  server.on('error', (error) => log.error({ err: error }, 'the listener of the metrics failed'));
  return {
    ok: true,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  page: MetricsPage,
  { headers, method, url = '' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const caller = judgeCaller(headers, { listening: HOST });
  if (caller.kind === 'refused') return replyText(response, 403, `${caller.why}\n`);
  if (url.split('?', 1)[0] !== '/metrics') return replyText(response, 404, 'Not found\n');
  if (method !== 'GET') {
    response.setHeader('allow', 'GET');
    return replyText(response, 405, 'Method not allowed\n');
  }
  const body = Buffer.from(await page.render());
  response.writeHead(200, { 'content-type': page.contentType, 'content-length': body.length });
  response.end(body);
}

function explain(error: NodeJS.ErrnoException, port: number): string {
  const where = `REA_METRICS_PORT: cannot listen on ${HOST}:${port}`;
  switch (error.code ?? '') {
    case 'EADDRINUSE':
      return `${where}: the port is in use; stop the program that uses it, or set another port (0 = any free one)`;
    case 'EACCES':
      return `${where}: ports below 1024 need privileges; set another one`;
    default:
      return `${where}: ${error.code ?? error.message}; set another port (0 = any free one)`;
  }
}
