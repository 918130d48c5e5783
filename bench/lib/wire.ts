/**
 * A raw JSON-RPC client, light enough to load a gateway without being the slowest part: splits lines
 * linearly, parses small messages, and looks only for the id of large ones.
 */
import type { Readable, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

export interface Reply {
  /** Whether it is a result that is no tool error. */
  readonly ok: boolean;
  readonly bytes: number;
  /** Null for a large result of a tool. */
  readonly message: Message | null;
}

export interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: unknown;
  // The shape belongs to whoever asked.
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: any };
}

/** One client of a gateway or server. */
export interface Connection {
  request(method: string, params?: object): Promise<Reply>;
  notify(method: string): void;
  /** Messages that were no answer, so far. */
  readonly unasked: number;
  close(): void;
}

export const HANDSHAKE = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'rea-bench', version: '1.0.0' },
};

/** What every request of revision 2026-07-28 says of its client, as its `_meta`. */
export const CLAIM: Readonly<Record<string, unknown>> = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': HANDSHAKE.clientInfo,
};

const NEWLINE = 0x0a;
/** Up to this size a message is parsed. */
const SMALL = 64 * 1024;
/** Where the id of a large message is, from either end. */
const EDGE = 512;
const SERVING_LIMIT_MS = 60_000;
const CLOSED: Reply = { ok: false, bytes: 0, message: null };

/** Cuts a stream of bytes into lines. */
export class Lines {
  readonly #onLine: (parts: readonly Buffer[], bytes: number) => void;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(onLine: (parts: readonly Buffer[], bytes: number) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.#parts.push(chunk.subarray(from, at));
      const [parts, bytes] = [this.#parts, this.#bytes + at - from];
      this.#parts = [];
      this.#bytes = 0;
      from = at + 1;
      this.#onLine(parts, bytes);
    }
    if (from === chunk.length) return;
    this.#parts.push(chunk.subarray(from));
    this.#bytes += chunk.length - from;
  }
}

/** Requests that wait for their answers. */
export class Pending {
  readonly #waiting = new Map<number, { method: string; resolve: (reply: Reply) => void }>();
  readonly #meta: object | null;
  #lastId = 0;
  unasked = 0;
  #ended = false;

  /** @param meta goes with every request; null: nothing. */
  constructor(meta: object | null) {
    this.#meta = meta;
  }

  /** The line of a request, without newline, and its answer. */
  begin(method: string, params?: object): { id: number; line: string; reply: Promise<Reply> } {
    const id = ++this.#lastId;
    const all = this.#meta === null ? params : { ...params, _meta: this.#meta };
    const line = JSON.stringify({ jsonrpc: '2.0', id, method, params: all });
    if (this.#ended) return { id, line, reply: Promise.resolve(CLOSED) };
    const reply = new Promise<Reply>((resolve) => this.#waiting.set(id, { method, resolve }));
    return { id, line, reply };
  }

  /** @returns a request of the server that wants an answer, else null. */
  receive(parts: readonly Buffer[], bytes: number): Message | null {
    if (bytes === 0) return null;
    if (bytes > SMALL) {
      const id = idOfLarge(parts);
      // Results of tools are not looked into; anything else was asked for to be read.
      if (this.#waiting.get(id)?.method === 'tools/call') {
        this.settle(id, { ok: !isFailure(parts), bytes, message: null });
        return null;
      }
    }
    const text = parts.length === 1 ? String(parts[0]) : Buffer.concat(parts).toString();
    const message = JSON.parse(text) as Message;
    if (message.method !== undefined) {
      this.unasked++;
      return message.id === undefined ? null : message;
    }
    const ok = message.result !== undefined && message.result.isError !== true;
    this.settle(message.id, { ok, bytes, message });
    return null;
  }

  settle(id: unknown, reply: Reply): void {
    const waiting = this.#waiting.get(Number(id));
    this.#waiting.delete(Number(id));
    waiting?.resolve(reply);
  }

  /** No answer will come any more, nor to what is begun later. */
  end(): void {
    this.#ended = true;
    for (const id of this.#waiting.keys()) this.settle(id, CLOSED);
  }
}

/** A client on the two ends of a pipe; its handshake, where it makes one, is still to be made. */
export class StdioConnection implements Connection {
  readonly #pending: Pending;
  readonly #stdin: Writable;
  #corked = false;

  /** @param claim of a client without a handshake. */
  constructor(stdin: Writable, stdout: Readable, claim: object | null = null) {
    this.#pending = new Pending(claim);
    this.#stdin = stdin;
    const lines = new Lines((parts, bytes) => {
      const asked = this.#pending.receive(parts, bytes);
      if (asked !== null) this.#write(answerTo(asked));
    });
    stdout.on('data', (chunk: Buffer) => lines.push(chunk));
    stdout.on('close', () => this.#pending.end());
  }

  get unasked(): number {
    return this.#pending.unasked;
  }

  request(method: string, params?: object): Promise<Reply> {
    const { line, reply } = this.#pending.begin(method, params);
    this.#write(line);
    return reply;
  }

  notify(method: string): void {
    this.#write(JSON.stringify({ jsonrpc: '2.0', method }));
  }

  close(): void {
    this.#stdin.end();
  }

  /** What is written in one turn goes out with one system call. */
  #write(line: string): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#stdin.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#stdin.uncork();
      });
    }
    this.#stdin.write(`${line}\n`);
  }
}

/** Pings are answered, everything else is refused. */
export function answerTo({ id, method }: Message): string {
  const answer =
    method === 'ping' ? { result: {} } : { error: { code: -32601, message: 'not supported' } };
  return JSON.stringify({ jsonrpc: '2.0', id, ...answer });
}

/** Makes the MCP handshake. */
export async function handshake<C extends Connection>(connection: C): Promise<C> {
  const { ok, message } = await connection.request('initialize', HANDSHAKE);
  if (!ok) throw new Error(`initialize failed: ${JSON.stringify(message?.error ?? 'closed')}`);
  connection.notify('notifications/initialized');
  return connection;
}

/** Calls each of the tools until it answers: some gateways serve before their servers do. */
export async function untilServing(
  connection: Connection,
  tools: readonly string[],
): Promise<void> {
  const end = performance.now() + SERVING_LIMIT_MS;
  await connection.request('tools/list');
  const serves = async (name: string) => {
    while (!(await connection.request('tools/call', { name, arguments: { message: '' } })).ok) {
      if (performance.now() > end) throw new Error(`${name} does not answer`);
      await pause(50);
    }
  };
  await Promise.all(tools.map(serves));
}

/** What rea says became of a call that failed, null where nothing is said. */
export function outcomeOf({ message }: Reply): string | null {
  const error = message?.result?._meta?.['rea/error'] ?? message?.error?.data?.['rea/error'];
  return typeof error?.outcome === 'string' ? error.outcome : null;
}

function idOfLarge(parts: readonly Buffer[]): number {
  const { head, tail } = edges(parts);
  const last = tail.lastIndexOf('"id":');
  return Number.parseInt(
    last >= 0 ? tail.slice(last + 5) : (/"id":\s*(\d+)/.exec(head)?.[1] ?? ''),
  );
}

function isFailure(parts: readonly Buffer[]): boolean {
  const { head, tail } = edges(parts);
  return /"isError":\s*true|"error":/.test(`${head} ${tail}`);
}

function edges(parts: readonly Buffer[]): { head: string; tail: string } {
  const head = (parts[0] as Buffer).subarray(0, EDGE).toString();
  const tail = Buffer.concat(parts.slice(-2)).subarray(-EDGE).toString();
  return { head, tail };
}
