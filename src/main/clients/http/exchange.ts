/**
 * One HTTP request on its way through the edge: host, token, path, method, session, body. The session does
 * the rest. Never routes, and reads no more of a message than its envelope.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Frame, textAt } from '../../../shared/json/frame.ts';
import { classify } from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { isLongId, MAX_ID_BYTES } from '../../../shared/json/keys.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import { cleanForTerminal, clip } from '../../../shared/text/clean-text.ts';
import { readBody } from '../../http/body.ts';
import { isLoopback, judgeCaller } from '../../http/guard.ts';
import { type HttpError, refuse, replyError, replyText, STOPPING } from '../../http/replies.ts';
import { takeNullParamsAsNone } from '../null-params.ts';
import { allowPage, isPreflight, replyPreflight } from './cors.ts';
import type { HttpLimits, HttpOptions } from './options.ts';
import type { Sessions } from './sessionful/sessions.ts';
import { isSessionless, type Principals } from './sessionless/principals.ts';
import type { Tokens } from './tokens.ts';

/** The parts of the edge that serving a request needs. */
export interface Edge {
  readonly options: HttpOptions;
  readonly limits: HttpLimits;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly principals: Principals;
}

const METHODS: readonly string[] = ['GET', 'POST', 'DELETE'];
/** A slash at the end is a common slip in the configuration of a client. */
const ENDPOINTS: readonly string[] = ['/mcp', '/mcp/'];
const MAX_PATH = 4096;
const TO_LET_IN = 'if it may come in, start rea serve with --allow-host and the name of that host';
const SESSION_NOT_FOUND = { status: 404, code: -32001, message: 'Session not found' };
const SESSION_MISSING = gatewayError(400, 'Mcp-Session-Id header is required');
/** Without a session there is nothing to be streamed or ended. */
const NO_STREAMS = {
  ...gatewayError(405, 'Method not allowed: without a session there is only POST'),
  headers: { allow: 'POST' },
};
const PARSE_ERROR = {
  status: 400,
  code: JSON_RPC.parseError,
  message: 'Parse error: the body is not one JSON message',
};

/** Serves one request to its end. */
export async function serve(
  edge: Edge,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { options } = edge;
  // A client that leaves while it is being written to is no failure of ours.
  response.on('error', (error) => options.log.debug({ err: error }, 'a client has left'));
  const { allowedHosts: allowed = [], host: listening } = options;
  const rule = { listening, allowed, tokens: edge.tokens.required };
  const caller = judgeCaller(request.headers, rule);
  if (caller.kind === 'refused') {
    return refuse(request, response, gatewayError(403, `${caller.why}; ${TO_LET_IN}`));
  }
  const { origin, named } = caller;
  if (origin !== null) allowPage(response, origin);
  if (origin !== null && isPreflight(request)) return replyPreflight(request, response);
  const admitted = admit(edge, request, named);
  if (admitted.kind === 'probe') return replyText(response, admitted.status, admitted.text);
  if (admitted.kind === 'refused') return refuse(request, response, admitted.error);
  return toClient(edge, request, response, admitted);
}

/** Serves a request of MCP: without a session, in the one that it names, or in a new one. */
async function toClient(
  edge: Edge,
  request: IncomingMessage,
  response: ServerResponse,
  { method, principal }: Extract<Admitted, { kind: 'mcp' }>,
): Promise<void> {
  const { sessions, principals } = edge;
  const id = request.headers['mcp-session-id'];
  const session = typeof id === 'string' ? sessions.get(id, principal) : undefined;
  const without = id === undefined ? SESSION_MISSING : SESSION_NOT_FOUND;
  if (method !== 'POST') {
    if (isSessionless(request)) return replyError(response, NO_STREAMS);
    if (session === undefined) return replyError(response, without);
    return session.exchange(request, response, null);
  }
  const frame = await readFrame(edge, request, response);
  if (frame === null) return;
  const message = classify(frame);
  const hasSession = session !== undefined;
  const posted = { request, response, frame, message, principal, hasSession };
  if (principals.serve(posted, sessions.accepting)) return;
  // A client may go on asking whether the gateway lives that still works for it.
  if (!sessions.accepting && message.kind === 'request' && message.method !== 'ping') {
    return replyError(response, {
      ...STOPPING,
      code: JSON_RPC.gatewayError,
      idText: textAt(frame, SLOT.id) ?? 'null',
    });
  }
  if (session !== undefined) return session.exchange(request, response, { frame, message });
  // Some clients begin a new session and still send the id of the one that is gone.
  if (message.kind !== 'request' || message.method !== 'initialize') {
    return replyError(response, without);
  }
  const fresh = sessions.create(principal);
  if (typeof fresh === 'string') {
    const headers = { 'retry-after': '60' };
    return replyError(response, { ...gatewayError(503, fresh), headers });
  }
  return fresh.exchange(request, response, { frame, message });
}

type Admitted =
  | { readonly kind: 'probe'; readonly status: number; readonly text: string }
  | { readonly kind: 'refused'; readonly error: HttpError }
  | {
      readonly kind: 'mcp';
      readonly method: string;
      /** Null when no tokens are in use. */
      readonly principal: string | null;
    };

/**
 * Checks token, path and method, in this order. The probes need no token: balancers have none.
 *
 * @param named the request names the gateway by one of its own names.
 */
function admit(
  { options, sessions, tokens }: Edge,
  request: IncomingMessage,
  named: boolean,
): Admitted {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  if (path === '/healthz') return { kind: 'probe', status: 200, text: 'ok' };
  if (path === '/readyz') {
    const word = sessions.accepting ? (options.ready?.() ?? 'ok') : 'stopping';
    return { kind: 'probe', status: word === 'ok' ? 200 : 503, text: word };
  }
  const caller = tokens.caller(request.headers.authorization);
  if (caller.kind === 'refused') {
    const why = unauthorized(request, named ? (options.tokenFile ?? null) : null);
    return refused(401, why, { 'www-authenticate': caller.challenge });
  }
  if (!ENDPOINTS.includes(path)) return refused(404, 'Not found: the MCP endpoint is /mcp');
  const { method = '' } = request;
  if (!METHODS.includes(method)) {
    return refused(405, 'Method not allowed', { allow: 'GET, POST, DELETE' });
  }
  return { kind: 'mcp', method, principal: caller.kind === 'principal' ? caller.name : null };
}

function refused(status: number, message: string, headers: HttpError['headers'] = {}): Admitted {
  return { kind: 'refused', error: { ...gatewayError(status, message), headers } };
}

function gatewayError(status: number, message: string): HttpError {
  return { status, code: JSON_RPC.gatewayError, message };
}

function invalidRequest(message: string): HttpError {
  return { status: 400, code: JSON_RPC.invalidRequest, message };
}

/**
 * The message for a client without a valid token. Only clients on this machine get the path of the token
 * file: others cannot read it, and the path shows the names of a user and a project. Nor does a page get it
 * that reaches this machine by another name.
 */
function unauthorized({ socket }: IncomingMessage, file: string | null): string {
  const where =
    file === null || !isLoopback(socket.remoteAddress ?? '')
      ? 'rea status names the file that holds it'
      : `it stands in ${clip(cleanForTerminal(file), MAX_PATH)}`;
  return `Unauthorized: send the header "Authorization: Bearer <token>" with a token of this gateway; ${where}`;
}

/** Reads the body. Null: the request has been answered, or its client has left. */
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
      refuse(request, response, gatewayError(408, 'The body did not arrive'));
      return null;
    case 'too_large': {
      const limit = `Body too large: the limit is ${options.maxBodyBytes} bytes`;
      refuse(request, response, gatewayError(413, limit));
      return null;
    }
    case 'batch':
      refuse(request, response, invalidRequest('Batches are not supported'));
      return null;
    case 'several':
      refuse(
        request,
        response,
        invalidRequest('A body holds one message; send each in its own POST'),
      );
      return null;
    case 'malformed':
      refuse(request, response, PARSE_ERROR);
      return null;
    case 'complete':
      break;
  }
  if (isLongId(body.frame, SLOT.id)) {
    replyError(response, invalidRequest(`The id may have at most ${MAX_ID_BYTES} bytes`));
    return null;
  }
  return takeNullParamsAsNone(body.frame);
}
