/**
 * The relay of `rea serve --shared`: a client on stdin and stdout, and the gateway of now on a socket. When the
 * gateway ends, it reaches for the next one. It ends when its client does, never later.
 */
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { LineFramer } from '../../shared/json/framing.ts';
import { errorParts, joinExact } from '../../shared/json/json-rpc.ts';
import { MAX_CLIENT_MESSAGE_BYTES, refusalOf } from '../clients/stdio/refusal.ts';
import { Conversation } from './conversation.ts';
import { keeping } from './discover.ts';

/** A connection to a gateway on which both sides now speak as on stdio; or why there is none, in one line. */
export type Reached =
  | {
      readonly ok: true;
      readonly socket: Socket;
      /** Bytes that came with the answer. */
      readonly head: Uint8Array;
    }
  | { readonly ok: false; readonly why: string };

export interface RelayOptions {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Finds or starts a gateway. Never rejects. */
  readonly reach: () => Promise<Reached>;
  /** Finds one that is there; null: there is none. Never rejects. */
  readonly find: () => Promise<Reached | null>;
  /** What a gateway would answer to `server/discover`, JSON text; null: only one can say. Never rejects. */
  readonly discover: () => Promise<string | null>;
  /** Tells the person one line. */
  readonly say: (text: string) => void;
  /** Ids that no client has. */
  readonly ownIds: string;
}

const NEWLINE = Buffer.from('\n');
/** A gateway that ends sooner has not come up well. */
const SHORT_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;
const FLUSH_MS = 1000;
/** The gateway ends the connection by then; one that does not is not waited for. */
const LONGEST_END_MS = 12_000;
/** More is left in the pipe while there is no gateway. */
const MAX_HELD_BYTES = 1024 * 1024;
/** What servers may answer is limited by the gateway. */
const MAX_GATEWAY_MESSAGE_BYTES = 2 ** 31;

export interface RunningRelay {
  /** Resolves with the exit code, when the client is gone or no gateway can be reached. */
  readonly finished: Promise<number>;
  /** Ends it at once. */
  stop(): void;
}

export function startRelay(options: RelayOptions): RunningRelay {
  let done: (code: number) => void = () => undefined;
  const finished = new Promise<number>((resolve) => {
    done = resolve;
  });
  const relay = new Relay(options, (code) => done(code));
  relay.look();
  return { finished, stop: () => relay.stop() };
}

class Relay {
  readonly #options: RelayOptions;
  readonly #conversation: Conversation;
  readonly #discover: () => Promise<string | null>;
  readonly #done: (code: number) => void;
  #socket: Socket | null = null;
  /** It is looking for a gateway. */
  #reaching = false;
  /** It finds out what a gateway would say. */
  #asking = false;
  /** It waits before it looks for the next one. */
  #pausing = false;
  /** The gateway of now has said that somebody wanted it to stop. */
  #wasStopped = false;
  /** The client says nothing more, and may still read. */
  #hasEnded = false;
  #isOver = false;
  /** When the gateway of now was reached, in monotonic milliseconds. */
  #reachedAt = 0;
  /** Gateways in a row that have ended soon. */
  #short = 0;

  constructor(options: RelayOptions, done: (code: number) => void) {
    const { stdin, stdout, ownIds } = options;
    this.#options = options;
    this.#discover = keeping(options.discover);
    this.#done = done;
    this.#conversation = new Conversation({
      ownIds,
      toClient: (bytes) => this.#toClient(bytes),
      toGateway: (bytes) => this.#toGateway(bytes),
      onGoodbye: () => {
        this.#wasStopped = true;
      },
    });
    const framer = new LineFramer({
      maxBytes: MAX_CLIENT_MESSAGE_BYTES,
      onFrame: (frame) => this.#conversation.fromClient(frame),
      onRefused: (refused) => {
        const { id, code, message } = refusalOf(refused, MAX_CLIENT_MESSAGE_BYTES);
        const parts = errorParts(Buffer.from(id ?? 'null'), code, message);
        this.#toClient(joinExact([...parts, NEWLINE]));
      },
    });
    stdin.on('data', (chunk: Buffer) => {
      framer.push(chunk);
      if (this.#socket === null) this.#hold();
    });
    for (const event of ['end', 'close', 'error']) stdin.on(event, () => this.#clientEnded());
    stdout.on('error', () => this.#over(0));
    stdout.on('drain', () => this.#socket?.resume());
  }

  /** Finds a gateway; starts one only for a client that wants more than to know what is there. */
  look(): void {
    if (this.#conversation.needsGateway) return this.reach();
    if (this.#reaching || this.#asking || this.#pausing || this.#isOver) return;
    this.#reaching = true;
    void this.#options.find().then((found) => {
      this.#reaching = false;
      if (found?.ok === true) this.#found(found);
      else if (this.#conversation.needsGateway) this.reach();
      else if (this.#conversation.heldBytes > 0 && !this.#isOver) this.#ask();
    });
  }

  /** Finds the gateway that the client speaks with from now on. */
  reach(): void {
    if (this.#reaching || this.#pausing || this.#isOver) return;
    this.#reaching = true;
    void this.#options.reach().then((reached) => {
      this.#reaching = false;
      if (reached.ok) this.#found(reached);
      else if (!this.#isOver) {
        this.#options.say(reached.why);
        this.#conversation.end(reached.why);
        this.#over(1);
      }
    });
  }

  stop(): void {
    this.#over(0);
  }

  /** Ends at once, as when the client is gone. */
  #over(code: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { stdin, stdout } = this.#options;
    stdin.pause();
    this.#socket?.destroy();
    const done = () => {
      clearTimeout(limit);
      this.#done(code);
    };
    // A slow client gets what was written last.
    const limit = setTimeout(done, FLUSH_MS);
    if (stdout.destroyed) done();
    else stdout.write('', done);
  }

  /** What the client says while there is no gateway is kept for the next one. */
  #hold(): void {
    const { heldBytes } = this.#conversation;
    if (heldBytes > MAX_HELD_BYTES) this.#options.stdin.pause();
    if (heldBytes > 0) this.look();
  }

  /** The client wants to know what is there, and there is nothing yet. */
  #ask(): void {
    this.#asking = true;
    void this.#discover().then((result) => {
      this.#asking = false;
      if (this.#isOver || this.#socket !== null) return;
      if (result === null) return this.reach();
      this.#conversation.discovered(result);
      if (this.#hasEnded && this.#conversation.answered) this.#over(0);
    });
  }

  #found({ socket, head }: Extract<Reached, { ok: true }>): void {
    if (this.#isOver) socket.destroy();
    else this.#connected(socket, head);
  }

  #connected(socket: Socket, head: Uint8Array): void {
    this.#socket = socket;
    this.#wasStopped = false;
    this.#reachedAt = performance.now();
    const framer = new LineFramer({
      maxBytes: MAX_GATEWAY_MESSAGE_BYTES,
      onFrame: (frame) => this.#conversation.fromGateway(frame),
      onRefused: () => {},
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => framer.push(chunk));
    socket.on('drain', () => this.#options.stdin.resume());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#lost(socket));
    if (head.length > 0) framer.push(head);
    this.#conversation.connected();
    this.#options.stdin.resume();
    if (this.#hasEnded) socket.end();
  }

  #lost(socket: Socket): void {
    if (this.#isOver || this.#socket !== socket) return;
    this.#socket = null;
    this.#conversation.lost();
    this.#short = performance.now() - this.#reachedAt < SHORT_MS ? this.#short + 1 : 0;
    const isIdle = this.#conversation.answered;
    if (isIdle && this.#hasEnded) return this.#over(0);
    // Who stops the gateway does not want it back at once, and one that ends soon again and again harms nobody while
    // nothing is asked: it is started when the client needs it.
    if (isIdle && (this.#wasStopped || this.#short > 1)) this.#options.stdin.resume();
    else if (this.#short > 1) this.#again();
    else this.reach();
  }

  /** Gateways have ended soon after they came up: the next one gets some time. */
  #again(): void {
    const ms = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#short - 2));
    this.#pausing = true;
    setTimeout(() => {
      this.#pausing = false;
      this.reach();
    }, ms);
  }

  #clientEnded(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    // The gateway answers what it was asked, and then ends the connection.
    if (this.#socket !== null) this.#socket.end();
    else if (this.#conversation.answered) this.#over(0);
    // A client that was killed says no more than that.
    setTimeout(() => this.#over(0), LONGEST_END_MS).unref();
  }

  #toClient(bytes: Uint8Array): void {
    if (!this.#options.stdout.write(bytes)) this.#socket?.pause();
  }

  #toGateway(bytes: Uint8Array): void {
    if (this.#socket?.write(bytes) === false) this.#options.stdin.pause();
  }
}
