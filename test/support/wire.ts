/**
 * The client's end of a stdio connection, byte for byte: records everything the gateway writes to
 * stdout, checks that each line is one JSON-RPC message and that each request gets at most one
 * answer, and sends requests by hand. What it finds wrong is kept in `faults`, never thrown.
 */
import type { ReaError } from '#src/shared/model/errors.ts';
import { within } from './wait-for.ts';

/** A JSON-RPC message as it was parsed; `any` because tests look at whatever they expect. */
export interface Message {
  readonly jsonrpc: string;
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: any;
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: any };
}

/** One line of stdout, without its newline. */
export interface StdoutFrame {
  readonly raw: string;
  readonly message: Message;
}

export class Answer {
  readonly raw: string;
  readonly message: Message;
  /** Between the request's write and the answer's arrival. */
  readonly ms: number;

  constructor(frame: StdoutFrame, ms: number) {
    this.raw = frame.raw;
    this.message = frame.message;
    this.ms = ms;
  }

  /** Text of the first content block, or of the error. */
  get text(): string {
    return String(
      this.message.result?.content?.[0]?.text ?? this.message.error?.message ?? this.raw,
    );
  }

  /** The gateway's own error object, null when the server itself answered. */
  get failure(): ReaError | null {
    const { result, error } = this.message;
    return result?._meta?.['rea/error'] ?? error?.data?.['rea/error'] ?? null;
  }
}

/** A request on its way. */
export interface Pending {
  readonly id: string;
  readonly answer: Promise<Answer>;
  /** Whether the answer has arrived. */
  answered(): boolean;
}

interface Waiting {
  readonly resolve: (frame: StdoutFrame) => void;
  readonly reject: (error: Error) => void;
}

const NEWLINE = 0x0a;
/** A net under every wait for an answer; longer than any deadline that a test configures. */
const ANSWER_LIMIT_MS = 120_000;

export class Wire {
  /** Everything received, in order. */
  readonly frames: StdoutFrame[] = [];
  /** What was not as it must be, one sentence each. */
  readonly faults: string[] = [];
  /** Frames that belong to no request made here, for another reader such as an SDK client. */
  onForeign: (message: Message) => void = () => {};
  readonly #write: (bytes: Uint8Array | string) => void;
  readonly #standing: () => string;
  readonly #waiting = new Map<string, Waiting>();
  readonly #answers = new Map<string, number>();
  #rest: Buffer[] = [];
  #lastId = 0;

  /** @param standing how the gateway is, told when it does not answer. */
  constructor(write: (bytes: Uint8Array | string) => void, standing = () => '') {
    this.#write = write;
    this.#standing = standing;
  }

  /** Bytes as they come from stdout. */
  receive(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.#rest.push(chunk.subarray(from, at));
      this.#line(Buffer.concat(this.#rest));
      this.#rest = [];
      from = at + 1;
    }
    if (from < chunk.length) this.#rest.push(chunk.subarray(from));
  }

  /** stdout ended; `killed` allows half a line. */
  end(killed: boolean): void {
    const rest = Buffer.concat(this.#rest);
    if (rest.length > 0 && !killed) this.faults.push(`stdout ends in half a line: ${show(rest)}`);
    for (const [id, { reject }] of this.#waiting) {
      reject(new Error(`the gateway ended before it answered request ${id}`));
    }
    this.#waiting.clear();
  }

  /** Writes exactly these bytes. */
  writeRaw(bytes: Uint8Array | string): void {
    this.#write(bytes);
  }

  /** A request with this id is about to be written with `writeRaw`. */
  expectAnswer(id: string | number): void {
    this.#answers.set(JSON.stringify(id), 0);
  }

  /** Writes a message made elsewhere, keeping account of its id. */
  send(message: object): void {
    if ('method' in message && 'id' in message) this.#answers.set(JSON.stringify(message.id), 0);
    this.#write(`${JSON.stringify(message)}\n`);
  }

  notify(method: string, params?: object): void {
    this.send({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) });
  }

  request(method: string, params?: object): Pending {
    this.#lastId += 1;
    const id = `t${this.#lastId}`;
    const start = performance.now();
    let done = false;
    const frame = new Promise<StdoutFrame>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    this.send({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) });
    const answer = within(
      frame.then((received) => {
        done = true;
        return new Answer(received, performance.now() - start);
      }),
      ANSWER_LIMIT_MS,
      () => `no answer to ${method} ${JSON.stringify(params)?.slice(0, 200)}; ${this.#standing()}`,
    );
    // A test that never looks at an answer must not fail for its absence.
    answer.catch(() => undefined);
    return { id, answer, answered: () => done };
  }

  /** Notifications of one method received so far. */
  notifications(method: string): Message[] {
    return this.frames.map(({ message }) => message).filter((message) => message.method === method);
  }

  #line(bytes: Buffer): void {
    const frame = parseLine(bytes);
    if (frame === null) {
      this.faults.push(`stdout carries a line that is no JSON-RPC message: ${show(bytes)}`);
      return;
    }
    this.frames.push(frame);
    const { message } = frame;
    if (message.method === undefined) this.#countAnswer(message);
    const waiting = typeof message.id === 'string' ? this.#waiting.get(message.id) : undefined;
    if (message.method !== undefined || waiting === undefined) return this.onForeign(message);
    this.#waiting.delete(String(message.id));
    waiting.resolve(frame);
  }

  #countAnswer({ id }: Message): void {
    // An error about a message whose id could not be read carries a null id.
    if (id === null) return;
    const key = JSON.stringify(id);
    const before = this.#answers.get(key);
    if (before === undefined) this.faults.push(`an answer to ${key}, which nobody asked`);
    if (before === 1) this.faults.push(`a second answer to ${key}`);
    this.#answers.set(key, (before ?? 0) + 1);
  }
}

function parseLine(bytes: Buffer): StdoutFrame | null {
  if (bytes.includes(0x0d)) return null;
  let raw: string;
  let message: Message;
  try {
    raw = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    message = JSON.parse(raw);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
  if (typeof message !== 'object' || message === null || message.jsonrpc !== '2.0') return null;
  const isAnswer =
    message.id !== undefined && (message.result === undefined) !== (message.error === undefined);
  return isAnswer || typeof message.method === 'string' ? { raw, message } : null;
}

function show(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 200).toString('latin1'));
}
