/**
 * An HTTP client that writes messages as it is told and hands out those of the gateway as they came,
 * with a connection for each request under way. For load, and for what an SDK client would not send.
 */
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';

export interface RawHttpOptions {
  /** What the client says at `initialize` that it can do. @default nothing */
  readonly capabilities?: object;
}

type OnMessage = (raw: string) => void;

const ACCEPT = 'application/json, text/event-stream';

export class RawHttpClient {
  readonly #url: URL;
  readonly #agent = new Agent({ keepAlive: true });
  #session: string | null = null;

  private constructor(url: string) {
    this.#url = new URL(url);
  }

  /** Does the handshake. */
  static async open(
    url: string,
    { capabilities = {} }: RawHttpOptions = {},
  ): Promise<RawHttpClient> {
    const client = new RawHttpClient(url);
    const params = {
      protocolVersion: '2025-11-25',
      capabilities,
      clientInfo: { name: 'raw', version: '1.0.0' },
    };
    const body = { jsonrpc: '2.0', id: 'initialize', method: 'initialize', params };
    const response = await client.#send('POST', JSON.stringify(body));
    client.#session = String(response.headers['mcp-session-id']);
    await readMessages(response, () => {});
    await client.post('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    return client;
  }

  /**
   * Sends a message and resolves with the status once the response has ended.
   *
   * @param onMessage gets the raw text of every message in the response, as soon as it is there.
   */
  async post(body: string | Uint8Array, onMessage: OnMessage = () => {}): Promise<number> {
    const response = await this.#send('POST', body);
    await readMessages(response, onMessage);
    return response.statusCode ?? 0;
  }

  /** Opens the stream for what belongs to no request; resolves with its status once it is open. */
  async listen(onMessage: OnMessage): Promise<number> {
    const response = await this.#send('GET', '');
    readMessages(response, onMessage).catch(() => undefined);
    return response.statusCode ?? 0;
  }

  /** Ends the session and all connections; resolves with the status of DELETE. */
  async close(): Promise<number> {
    const response = await this.#send('DELETE', '');
    await readMessages(response, () => {});
    this.#agent.destroy();
    return response.statusCode ?? 0;
  }

  async #send(method: string, body: string | Uint8Array): Promise<IncomingMessage> {
    const request = httpRequest(this.#url, {
      method,
      agent: this.#agent,
      headers: {
        accept: ACCEPT,
        ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
        'content-length': Buffer.byteLength(body),
        ...(this.#session === null ? {} : { 'mcp-session-id': this.#session }),
      },
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  }
}

/** Reads a response to its end: the events of a stream that have data, or a body that is one message. */
async function readMessages(response: IncomingMessage, onMessage: OnMessage): Promise<void> {
  const isStream = response.headers['content-type'] === 'text/event-stream';
  /** Of the event that has not ended yet; joined at its line ends only, because it may be long. */
  let pieces: string[] = [];
  for await (const chunk of response.setEncoding('utf8')) {
    pieces.push(chunk as string);
    if (!isStream || !(chunk as string).includes('\n')) continue;
    const text = pieces.join('');
    let from = 0;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n', from)) {
      const data = /^data: ([^\n]+)/m.exec(text.slice(from, end))?.[1];
      if (data !== undefined) onMessage(data);
      from = end + 2;
    }
    pieces = [text.slice(from)];
  }
  const rest = pieces.join('');
  if (!isStream && rest !== '') onMessage(rest);
}
