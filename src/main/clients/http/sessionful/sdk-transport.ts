/**
 * Between Node's HTTP and the SDK's transport of one session: shows it the headers it judges by, never
 * a body and never `Authorization`, and passes on its replies that are not streams.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { decodeString, type Frame, rangeOf } from '../../../../shared/json/frame.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import { member } from '../../../../shared/json/json-slice.ts';
import {
  isLaterRevision,
  isRevision,
  LATEST_PROTOCOL_VERSION,
} from '../../../../shared/model/revisions.ts';
import { acceptsOf } from '../accept.ts';

const SHOWN = [
  'accept',
  'content-type',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
] as const;

/** More than the programs that share a session will differ in. */
const MAX_ACCEPTED = 8;

/** The transport wants both of every POST; a client that takes one of them gets that one. */
const ANY_POST = 'application/json, text/event-stream';

/** Lets the transport judge an exchange; `envelope` stands for the body of a POST. */
export function ask(
  transport: WebStandardStreamableHTTPServerTransport,
  request: IncomingMessage,
  envelope?: object,
): Promise<Response> {
  const headers = new Headers();
  for (const name of SHOWN) {
    const value = request.headers[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  const { json, stream } = acceptsOf(request.headers.accept);
  if (request.method === 'POST' ? json || stream : stream) headers.set('accept', ANY_POST);
  const shown = new Request('http://localhost/mcp', { method: request.method ?? 'GET', headers });
  return transport.handleRequest(shown, envelope === undefined ? {} : { parsedBody: envelope });
}

/** The headers of POSTs that the transport of one session has accepted: what it makes of them does not change. */
export class AcceptedHeaders {
  readonly #keys = new Set<string>();

  has(request: IncomingMessage): boolean {
    return this.#keys.has(judgedBy(request));
  }

  add(request: IncomingMessage): void {
    if (this.#keys.size >= MAX_ACCEPTED) this.#keys.clear();
    this.#keys.add(judgedBy(request));
  }
}

/** Lets the transport judge the headers of a POST alone: a notification opens no stream. */
export function askAboutHeaders(
  transport: WebStandardStreamableHTTPServerTransport,
  request: IncomingMessage,
): Promise<Response> {
  return ask(transport, request, { jsonrpc: '2.0', method: 'notifications/rea' });
}

/** Passes on a reply that is not a stream. */
export async function forward(reply: Response, response: ServerResponse): Promise<void> {
  const text = await reply.text();
  response.writeHead(reply.status, {
    ...headersOf(reply),
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** The headers without `connection`: Node and the client settle whether the connection is kept. */
export function headersOf(reply: Response): Record<string, string> {
  const { connection: _, ...headers } = Object.fromEntries(reply.headers);
  return headers;
}

function judgedBy({ headers }: IncomingMessage): string {
  const { accept, 'content-type': type, 'mcp-protocol-version': version } = headers;
  return JSON.stringify([accept ?? null, type ?? null, version ?? null]);
}

/** The params of `initialize` for the transport; the client's own params are read by the router. */
export function initializeParams(frame: Frame): object {
  const params = rangeOf(frame, SLOT.params);
  const at = params === null ? null : member(frame.line, params, 'protocolVersion');
  const asked = (at === null ? null : decodeString(frame.line, at)) ?? '';
  // It is told the newest one that has a handshake, and knows what that one's streams hold.
  const known = isLaterRevision(asked) ? LATEST_PROTOCOL_VERSION : asked;
  return {
    protocolVersion: isRevision(known) ? known : '2025-03-26',
    capabilities: {},
    clientInfo: { name: 'client', version: '0' },
  };
}

/** An answer of the transport that is a stream. */
export type Accepted = Response & { readonly body: ReadableStream<Uint8Array> };

export function isAccepted(reply: Response): reply is Accepted {
  return reply.ok && reply.body !== null;
}
