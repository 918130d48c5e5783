/** Replies without a stream. Errors are JSON-RPC errors, as MCP asks for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sizeOf } from '../../shared/json/json-rpc.ts';

/** A refused body is read and dropped until nothing has come for this long. */
const LINGER_IDLE_MS = 2000;
/** A refused body is read and dropped for at most this long. */
const LINGER_MS = 30_000;

/** A longer body is not copied. */
const ONE_WRITE_BYTES = 16 * 1024;

type Headers = Readonly<Record<string, string>>;

/** A request that cannot be served. */
export interface HttpError {
  /** The HTTP status. */
  readonly status: number;
  /** The JSON-RPC error code. */
  readonly code: number;
  /** One line for the client. */
  readonly message: string;
  /** For programs. @default none */
  readonly data?: object;
  readonly headers?: Headers;
  /** Raw JSON of the request's id. @default null */
  readonly idText?: string;
}

/** Tells a gateway before this one that the request may be made again. Its code is the client's revision's. */
export const STOPPING = {
  status: 503,
  message: 'The gateway is stopping; the request was not carried out',
  headers: { 'retry-after': '5', 'rea-outcome': 'not_sent' },
};

export function replyError(response: ServerResponse, error: HttpError): void {
  const body = errorBody(error);
  response.writeHead(error.status, { ...error.headers, ...describe(body) }).end(body);
}

/** Accepts a notification, or an answer to a request of ours. */
export function replyAccepted(response: ServerResponse): void {
  response.writeHead(202, { 'content-length': 0 }).end();
}

/** Answers a request with one message. @param parts together its JSON text. */
export function replyMessage(
  response: ServerResponse,
  parts: readonly Uint8Array[],
  headers: Headers = {},
  status = 200,
): void {
  const body = Buffer.concat(parts);
  const { 'content-type': type, 'content-length': length } = describe(body);
  response.writeHead(status, { ...headers, 'content-type': type, 'content-length': length });
  // Node sends a string together with the head, and a buffer behind it.
  if (body.length <= ONE_WRITE_BYTES) response.end(body.toString('latin1'), 'latin1');
  else response.end(body);
}

/**
 * Writes parts that belong together. To Node each small part costs as much as all of them joined.
 *
 * @returns false: the client has to read first, and `drain` follows.
 */
export function writeParts(response: ServerResponse, parts: readonly Uint8Array[]): boolean {
  if (sizeOf(parts) <= ONE_WRITE_BYTES) return response.write(Buffer.concat(parts));
  // Not corked by hand: a corked response that reaches its high-water mark never emits `drain`.
  let flowing = true;
  for (const part of parts) flowing = response.write(part);
  return flowing;
}

/**
 * Refuses a request whose body may still be arriving, and then ends the connection. A client reads the reply
 * only when it has written its body, so the rest of the body is read and dropped.
 */
export function refuse(request: IncomingMessage, response: ServerResponse, error: HttpError): void {
  if (request.readableEnded || !hasBody(request)) {
    replyError(response, error);
    return;
  }
  const body = errorBody(error);
  response.writeHead(error.status, { ...error.headers, connection: 'close', ...describe(body) });
  response.write(body);
  const cut = () => request.destroy();
  const idle = setTimeout(cut, LINGER_IDLE_MS);
  const limit = setTimeout(cut, LINGER_MS);
  request.once('close', () => {
    clearTimeout(idle);
    clearTimeout(limit);
  });
  request.once('end', () => response.end());
  request.on('data', () => idle.refresh());
}

export function replyText(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(text),
    })
    .end(text);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function errorBody({ code, message, data, idText = 'null' }: HttpError): string {
  return `{"jsonrpc":"2.0","error":${JSON.stringify({ code, message, data })},"id":${idText}}`;
}

function describe(body: string | Uint8Array): Record<string, string | number> {
  return { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
}
