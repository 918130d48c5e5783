/** Plain requests to an edge, one at a time, and an SDK client for it. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { EchoRouter } from '../../../support/echo-router.ts';
import { type Edge, HEADERS, onTidy } from '../../../support/http-edge.ts';

export async function connect(edge: Edge): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(edge.url)));
  onTidy(() => client.close());
  return client;
}

export const INITIALIZE =
  '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}';

export function post(edge: Edge, session: string | null, body: string): Promise<Response> {
  const headers = session === null ? HEADERS : { ...HEADERS, 'mcp-session-id': session };
  return fetch(edge.url, { method: 'POST', headers, body });
}

export async function openSession(edge: Edge): Promise<string> {
  const response = await post(edge, null, INITIALIZE);
  await response.text();
  return response.headers.get('mcp-session-id') ?? '';
}

/** The payloads of a finished event stream, or the one that is the whole response, as text. */
export async function payloads(response: Response): Promise<string[]> {
  const text = await response.text();
  if (response.headers.get('content-type') === 'application/json') return [text];
  return text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
}

/** Waits for the next message that satisfies the condition. */
export function received(router: EchoRouter, text: string): Promise<void> {
  return new Promise((resolve) => {
    router.onMessage = (client) => {
      if (client.received.at(-1)?.includes(text)) resolve();
    };
  });
}
