/** The plain (not streamed) replies of the HTTP edge. Errors are JSON-RPC errors, as MCP asks for. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** The rest of a refused body is thrown away as long as it comes, but not for ever. */
const LINGER_IDLE_MS = 2000;
const LINGER_MS = 30_000;

type Headers = Readonly<Record<string, string>>;

export function replyError(
  response: ServerResponse,
  status: number,
  code: number,
  message: string,
  headers: Headers = {},
): void {
  const body = errorBody(code, message);
  response.writeHead(status, { ...headers, ...describe(body) }).end(body);
}

/** Says that a notification, or an answer to a request of ours, has come. */
export function replyAccepted(response: ServerResponse): void {
  response.writeHead(202, { 'content-length': 0 }).end();
}

/** Answers a request with one message. @param parts together its JSON text. */
export function replyMessage(
  response: ServerResponse,
  parts: readonly Uint8Array[],
  headers: Headers = {},
): void {
  const body = Buffer.concat(parts);
  response.writeHead(200, { ...headers, ...describe(body) }).end(body);
}

/**
 * Refuses a request whose body, if it has one, is still arriving, and ends the connection. A client
 * that is writing reads the reply only if the connection outlives its next writes, so they are taken
 * and dropped.
 */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  code: number,
  message: string,
  headers: Headers = {},
): void {
  if (request.readableEnded || !hasBody(request)) {
    replyError(response, status, code, message, headers);
    return;
  }
  const body = errorBody(code, message);
  response.writeHead(status, { ...headers, connection: 'close', ...describe(body) });
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

function errorBody(code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null });
}

function describe(body: string | Uint8Array): Record<string, string | number> {
  return { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
}
