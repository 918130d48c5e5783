/**
 * One tool call over the control socket, in a session of MCP that is made for it and ended after it. The command
 * is no client that can be asked: what needs a person's answer is refused by the gateway.
 */
import type { IncomingMessage } from 'node:http';
import { isObject } from '../../shared/model/is-object.ts';
import { LATEST_PROTOCOL_VERSION } from '../../shared/model/revisions.ts';
import { SILENT_MS, send, Unreachable } from './ask.ts';
import type { Found } from './reach.ts';
import { type Message, readMessages } from './read-messages.ts';

/** A stream that is silent otherwise carries a comment every 15 s. */
const STREAM_SILENT_MS = 40_000;
/** An answer that holds nothing of a server's. */
const SHORT = { silentMs: SILENT_MS, mostBytes: 1024 * 1024 } as const;
const CALL_ID = 2;

export interface CallOptions {
  /** As clients call the tool. */
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** By whose name it is made, and its version. */
  readonly client: string;
  readonly version: string;
  readonly onProgress: (progress: Message) => void;
  /** Of an answer; a longer one is not read. */
  readonly mostBytes: number;
  /** Aborted: the call is cancelled. */
  readonly signal: AbortSignal;
}

export type Called =
  | { readonly kind: 'result'; readonly result: Message }
  | { readonly kind: 'error'; readonly error: Message }
  | { readonly kind: 'cancelled' };

/** @throws TooLong, Silent, Unreachable */
export async function callTool(gateway: Found, options: CallOptions): Promise<Called> {
  const { tool, args, client, version, signal, onProgress, mostBytes } = options;
  const session = await McpSession.open(gateway, { name: client, version });
  const cancel = () =>
    void session
      .post({
        method: 'notifications/cancelled',
        params: { requestId: CALL_ID, reason: 'cancelled by a person' },
      })
      .catch(() => undefined);
  signal.addEventListener('abort', cancel);
  try {
    if (signal.aborted) return { kind: 'cancelled' };
    const params = { name: tool, arguments: args, _meta: { progressToken: CALL_ID } };
    const onMessage = ({ method, params: told }: Message) => {
      if (method === 'notifications/progress') onProgress(isObject(told) ? told : {});
    };
    const message = { id: CALL_ID, method: 'tools/call', params };
    const answer = await session.request(message, mostBytes, onMessage);
    if (answer === null) {
      if (signal.aborted) return { kind: 'cancelled' };
      throw new Unreachable('the stream has ended without an answer: the outcome is unknown');
    }
    const { result, error } = answer;
    return isObject(result)
      ? { kind: 'result', result }
      : { kind: 'error', error: isObject(error) ? error : {} };
  } finally {
    signal.removeEventListener('abort', cancel);
    await session.close();
  }
}

class McpSession {
  readonly #gateway: Found;
  readonly #id: string;

  private constructor(gateway: Found, id: string) {
    this.#gateway = gateway;
    this.#id = id;
  }

  static async open(
    gateway: Found,
    clientInfo: { readonly name: string; readonly version: string },
  ): Promise<McpSession> {
    const params = {
      protocolVersion: LATEST_PROTOCOL_VERSION,
      capabilities: {},
      clientInfo,
    };
    const response = await post(gateway, { id: 1, method: 'initialize', params }, {});
    const id = response.headers['mcp-session-id'];
    await readMessages(response, SHORT, () => undefined);
    if (typeof id !== 'string') {
      throw new Unreachable(`it opens no session (status ${response.statusCode})`);
    }
    const session = new McpSession(gateway, id);
    await session.post({ method: 'notifications/initialized' });
    return session;
  }

  /** Sends a notification. */
  async post(message: Message): Promise<void> {
    const response = await post(this.#gateway, message, this.#headers);
    await readMessages(response, SHORT, () => undefined);
  }

  /** @returns the answer; null: there is none. */
  async request(
    message: Message & { readonly id: number },
    mostBytes: number,
    onMessage: (message: Message) => void,
  ): Promise<Message | null> {
    const response = await post(this.#gateway, message, this.#headers);
    let answer: Message | null = null;
    const limits = { silentMs: STREAM_SILENT_MS, mostBytes };
    await readMessages(response, limits, (one) => {
      if (one['id'] === message.id && one['method'] === undefined) answer = one;
      else onMessage(one);
    });
    return answer;
  }

  async close(): Promise<void> {
    const response = await send(this.#gateway, 'DELETE', '/mcp', undefined, this.#headers).catch(
      () => null,
    );
    response?.resume();
  }

  get #headers() {
    return { 'mcp-session-id': this.#id, 'mcp-protocol-version': LATEST_PROTOCOL_VERSION };
  }
}

function post(
  gateway: Found,
  message: Message,
  headers: Readonly<Record<string, string>>,
): Promise<IncomingMessage> {
  const accept = 'application/json, text/event-stream';
  return send(gateway, 'POST', '/mcp', { jsonrpc: '2.0', ...message }, { accept, ...headers });
}
