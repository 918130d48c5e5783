/** Requests of revision 2026-07-28, written by hand: over HTTP as such a client sends them, and their claim. */
import type { Message } from './wire.ts';

export const VERSION = '2026-07-28';

/** The members of `_meta` that say what a request is. */
export const CLAIM = {
  'io.modelcontextprotocol/protocolVersion': VERSION,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'by-hand', version: '1' },
} as const;

export const LEVEL = 'io.modelcontextprotocol/logLevel';
export const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';

export interface Sent {
  readonly id?: string | number;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** Beside the claim. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /** In place of those that belong to the request; undefined: it is left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

export interface Received {
  readonly status: number;
  readonly headers: Headers;
  /** In the order in which they came. */
  readonly messages: readonly Message[];
  readonly answer: Message;
}

/** JSON of a request with its claim. */
export function bodyOf({ id = 1, method, params = {}, meta = {} }: Sent): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    method,
    params: { ...params, _meta: { ...CLAIM, ...meta } },
  });
}

/** Sends a request; resolves when the response begins. */
export function begin(url: string, sent: Sent, body = bodyOf(sent)): Promise<Response> {
  const { method, params = {}, signal } = sent;
  const name = params['name'] ?? params['uri'] ?? params['taskId'];
  const all: Record<string, string | undefined> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': VERSION,
    'mcp-method': method,
    'mcp-name': typeof name === 'string' ? name : undefined,
    ...sent.headers,
  };
  const headers = Object.entries(all).filter(
    (one): one is [string, string] => one[1] !== undefined,
  );
  return fetch(url, { method: 'POST', headers, body, ...(signal === undefined ? {} : { signal }) });
}

/** Sends a request and reads its response to the end. */
export async function ask(url: string, sent: Sent, body?: string): Promise<Received> {
  const response = await begin(url, sent, body);
  const text = await response.text();
  const isStream = response.headers.get('content-type') === 'text/event-stream';
  const messages = isStream ? events(text) : text === '' ? [] : [JSON.parse(text) as Message];
  const answer = messages.at(-1) ?? { jsonrpc: '2.0' };
  return { status: response.status, headers: response.headers, messages, answer };
}

/** The messages of a stream, as they come. */
export async function* messagesOf(response: Response): AsyncGenerator<Message> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf('\n\n');
    if (end < 0) continue;
    yield* events(text.slice(0, end));
    text = text.slice(end + 2);
  }
}

function events(text: string): Message[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice('data: '.length)));
}
