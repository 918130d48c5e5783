/**
 * The raw client over HTTP: MCP's Streamable HTTP (a POST answers itself) and the older HTTP+SSE (one
 * long GET carries all answers), with a session, and at revision 2026-07-28 without one. Keeps its connections open.
 */
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { answerTo, CLAIM, type Connection, Lines, Pending, type Reply } from './wire.ts';

const DATA = Buffer.from('data:');
const FAILED: Reply = { ok: false, bytes: 0, message: null };

export class HttpConnection implements Connection {
  readonly #pending: Pending;
  readonly #sessionless: boolean;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  #url: string;
  #stream: ClientRequest | null = null;

  private constructor(url: string, sessionless = false) {
    this.#url = url;
    this.#sessionless = sessionless;
    this.#pending = new Pending(sessionless ? CLAIM : null);
  }

  /** Every request says what it is in its headers, too. */
  static sessionless(url: string): HttpConnection {
    return new HttpConnection(url, true);
  }

  static streamable(url: string): HttpConnection {
    return new HttpConnection(url);
  }

  /** Resolves once the server has said where to post to. */
  static async sse(url: string): Promise<HttpConnection> {
    const connection = new HttpConnection(url);
    await connection.#listen();
    return connection;
  }

  get unasked(): number {
    return this.#pending.unasked;
  }

  request(method: string, params?: object): Promise<Reply> {
    const { id, line, reply } = this.#pending.begin(method, params);
    const own = this.#sessionless ? headersOf(method, params) : {};
    this.#post(line, () => this.#pending.settle(id, FAILED), own);
    return reply;
  }

  notify(method: string): void {
    this.#post(JSON.stringify({ jsonrpc: '2.0', method }), () => undefined);
  }

  close(): void {
    this.#stream?.destroy();
    this.#agent.destroy();
    this.#pending.end();
  }

  /** @param failed nothing will come of this post. */
  #post(body: string, failed: () => void, own: Readonly<Record<string, string>> = {}): void {
    const length = String(Buffer.byteLength(body));
    const headers = { ...this.#headers, ...own, 'content-length': length };
    const post = request(this.#url, { method: 'POST', agent: this.#agent, headers }, (response) => {
      const session = response.headers['mcp-session-id'];
      if (typeof session === 'string') this.#headers['mcp-session-id'] = session;
      if (response.statusCode !== 200 && response.statusCode !== 202) failed();
      else if (this.#stream === null) this.#read(response);
      response.resume().on('error', failed);
      // Without a stream of its own the answer is here or nowhere; settling twice has no effect.
      if (this.#stream === null) response.on('close', failed);
    });
    post.on('error', failed);
    post.end(body);
  }

  #read(response: IncomingMessage): void {
    if (response.headers['content-type']?.startsWith('text/event-stream') === true) {
      this.#events(response, () => undefined);
      return;
    }
    const parts: Buffer[] = [];
    response.on('data', (part: Buffer) => parts.push(part));
    response.on('end', () => this.#receive(parts));
  }

  /** Each `data:` line is one message, or what `other` makes of it. */
  #events(response: IncomingMessage, other: (data: string) => void): void {
    const lines = new Lines((parts) => {
      const [first, ...rest] = parts as [Buffer, ...Buffer[]];
      if (!first.subarray(0, DATA.length).equals(DATA)) return;
      const data = [first.subarray(DATA.length), ...rest];
      if (first[DATA.length + 1] === 0x2f) other(String(first.subarray(DATA.length + 1)));
      else this.#receive(data);
    });
    response.on('data', (chunk: Buffer) => lines.push(chunk));
  }

  #receive(parts: readonly Buffer[]): void {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    const asked = this.#pending.receive(parts, bytes);
    if (asked !== null) this.#post(answerTo(asked), () => undefined);
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = { accept: 'text/event-stream' };
      this.#stream = request(this.#url, { headers, agent: false }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        this.#events(response, (path) => {
          this.#url = new URL(path.trim(), this.#url).href;
          resolve();
        });
        response.on('close', () => this.#pending.end()).on('error', () => undefined);
      });
      this.#stream.on('error', (error) => {
        this.#pending.end();
        reject(error);
      });
      this.#stream.end();
    });
  }
}

function headersOf(method: string, params: object = {}): Record<string, string> {
  return {
    'mcp-protocol-version': String(CLAIM['io.modelcontextprotocol/protocolVersion']),
    'mcp-method': method,
    ...('name' in params ? { 'mcp-name': String(params.name) } : {}),
  };
}
