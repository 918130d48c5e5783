/**
 * Lets pages of a browser use the endpoint, if the guard lets their requests in: browsers ask before the first
 * request (preflight), and show a page only the headers of a response that are named here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  isHeaderName,
  MAX_PARAM_HEADERS,
  PARAM_HEADER,
} from '../../../shared/json/param-headers.ts';

const METHODS = 'GET, POST, DELETE';
/** What MCP clients send besides the headers that browsers always allow. */
const REQUEST_HEADERS =
  'accept, authorization, content-type, last-event-id, mcp-method, mcp-name, mcp-protocol-version, mcp-session-id';
const PREFIX = PARAM_HEADER.toLowerCase();
const RESPONSE_HEADERS =
  'mcp-session-id, mcp-protocol-version, retry-after, www-authenticate, rea-outcome';
/** How long a browser may remember the answer to a preflight. Seconds. */
const MAX_AGE = '600';

/** Headers for every response to the page. @param origin one that the guard has accepted. */
export function allowPage(response: ServerResponse, origin: string): void {
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', RESPONSE_HEADERS);
  response.setHeader('vary', 'Origin');
}

/** A browser asks whether a page may send its request. It sends no token with that. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

/** Answers a preflight. The headers of `allowPage` are set already. */
export function replyPreflight(request: IncomingMessage, response: ServerResponse): void {
  // Asked by Chromium before a page of one network reaches into another.
  if (request.headers['access-control-request-private-network'] === 'true') {
    response.setHeader('access-control-allow-private-network', 'true');
  }
  response
    .writeHead(204, {
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': [REQUEST_HEADERS, ...paramHeaders(request)].join(', '),
      'access-control-max-age': MAX_AGE,
    })
    .end();
}

/** Of the arguments of a tool that are repeated in headers, those that the page asks for. */
function paramHeaders({ headers }: IncomingMessage): string[] {
  const asked = headers['access-control-request-headers'] ?? '';
  return asked
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name.startsWith(PREFIX) && isHeaderName(name.slice(PREFIX.length)))
    .slice(0, MAX_PARAM_HEADERS);
}
