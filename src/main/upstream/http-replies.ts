/** The plain (not streamed) replies of the HTTP edge. Errors are JSON-RPC errors, as MCP asks for. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long the rest of a refused body is thrown away before the connection is cut. */
const LINGER_MS = 2000;

export function replyError(
  response: ServerResponse,
  status: number,
  code: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = errorBody(code, message);
  response.writeHead(status, { ...headers, ...describe(body) }).end(body);
}

/**
 * Refuses a request whose body is still arriving, and ends the connection. A client that is writing
 * reads the reply only if the connection outlives its next writes, so they are taken and dropped.
 */
export function refuseBody(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  code: number,
  message: string,
): void {
  const body = errorBody(code, message);
  response.writeHead(status, { connection: 'close', ...describe(body) });
  if (request.readableEnded) {
    response.end(body);
    return;
  }
  response.write(body);
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  request.once('close', () => clearTimeout(timer));
  request.once('end', () => response.end());
  request.resume();
}

export function replyText(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(text),
    })
    .end(text);
}

function errorBody(code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null });
}

function describe(body: string): Record<string, string | number> {
  return { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
}
