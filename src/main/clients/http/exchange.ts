/**
 * The way of one HTTP request through the edge: who asks, what for, whose session, which message.
 * Everything after that is the session's. Never routes and never looks into a message beyond its
 * envelope.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Frame, scanFrame } from '../../../shared/json/frame.ts';
import { classify } from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { isLongId, MAX_ID_BYTES } from '../../../shared/json/keys.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import { cleanForTerminal, clip } from '../../../shared/text/clean-text.ts';
import { readBody } from '../../http/body.ts';
import { foreignRequest, isLoopback } from '../../http/guard.ts';
import { refuse, replyError, replyText } from '../../http/replies.ts';
import type { HttpLimits, HttpOptions } from './options.ts';
import type { Sessions } from './sessionful/sessions.ts';
import type { Tokens } from './tokens.ts';

/** The parts of the edge that an exchange needs. */
export interface Edge {
  readonly options: HttpOptions;
  readonly limits: HttpLimits;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
}

const SESSION_NOT_FOUND = -32001;
const MAX_PATH = 4096;

/** Serves one request to its end. */
export async function serve(
  edge: Edge,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { options, sessions, tokens } = edge;
  // A client that leaves while it is being written to is no failure of ours.
  response.on('error', (error) => options.log.debug({ err: error }, 'a client has left'));
  const foreign = foreignRequest(request.headers, options.host);
  if (foreign !== null) return refuse(request, response, 403, JSON_RPC.gatewayError, foreign);
  const path = (request.url ?? '').split('?', 1)[0];
  if (path === '/healthz') return replyText(response, 200, 'ok');
  const caller = tokens.caller(request.headers.authorization);
  if (caller.kind === 'refused') {
    const why = unauthorized(request, options.tokenFile ?? null);
    return refuse(request, response, 401, JSON_RPC.gatewayError, why, {
      'www-authenticate': caller.challenge,
    });
  }
  if (path === '/readyz') {
    const isReady = sessions.accepting && (options.ready?.() ?? true);
    return replyText(response, isReady ? 200 : 503, isReady ? 'ok' : 'not ready');
  }
  if (path !== '/mcp') {
    const where = 'Not found: the MCP endpoint is /mcp';
    return refuse(request, response, 404, JSON_RPC.gatewayError, where);
  }
  const { method } = request;
  if (method !== 'POST' && method !== 'GET' && method !== 'DELETE') {
    return refuse(request, response, 405, JSON_RPC.gatewayError, 'Method not allowed', {
      allow: 'GET, POST, DELETE',
    });
  }
  const principal = caller.kind === 'principal' ? caller.name : null;
  const id = request.headers['mcp-session-id'];
  const session = typeof id === 'string' ? sessions.get(id, principal) : undefined;
  if (id !== undefined && session === undefined) {
    return refuse(request, response, 404, SESSION_NOT_FOUND, 'Session not found');
  }
  if (method !== 'POST') {
    if (session === undefined) return missingSession(response);
    return session.exchange(request, response, null);
  }
  const frame = await readFrame(edge, request, response);
  if (frame === null) return;
  if (session !== undefined) return session.exchange(request, response, frame);
  const message = classify(frame);
  if (message.kind !== 'request' || message.method !== 'initialize') {
    return missingSession(response);
  }
  const fresh = sessions.create(principal);
  if (typeof fresh === 'string') {
    const headers = { 'retry-after': '60' };
    return replyError(response, 503, JSON_RPC.gatewayError, fresh, headers);
  }
  return fresh.exchange(request, response, frame);
}

/**
 * What a client without a right token is told. Clients on other machines are not told where it stands:
 * they cannot read the file, and its path holds the names of a user and a project.
 */
function unauthorized({ socket }: IncomingMessage, file: string | null): string {
  const where =
    file === null || !isLoopback(socket.remoteAddress ?? '')
      ? 'rea status names the file that holds it'
      : `it stands in ${clip(cleanForTerminal(file), MAX_PATH)}`;
  return `Unauthorized: send the header "Authorization: Bearer <token>" with a token of this gateway; ${where}`;
}

/** The scanned body, or null when the request has been answered already (or nobody waits for one). */
async function readFrame(
  { options, limits }: Edge,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Frame | null> {
  const body = await readBody(request, options.maxBodyBytes, limits.bodyIdleMs);
  switch (body.kind) {
    case 'aborted':
      return null;
    case 'stalled':
      refuse(request, response, 408, JSON_RPC.gatewayError, 'The body did not arrive');
      return null;
    case 'too_large': {
      const limit = `Body too large: the limit is ${options.maxBodyBytes} bytes`;
      refuse(request, response, 413, JSON_RPC.gatewayError, limit);
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
  if (isLongId(frame, SLOT.id)) {
    const message = `The id may have at most ${MAX_ID_BYTES} bytes`;
    replyError(response, 400, JSON_RPC.invalidRequest, message);
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
