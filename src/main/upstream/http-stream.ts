/**
 * One server-sent event stream to a client. The SDK's transport decides what goes on it and when it
 * ends, but sees only envelopes: each event carries a token, and the message's own bytes take the
 * token's place here, on the way to the socket.
 */
import type { ServerResponse } from 'node:http';

/** The member of an envelope that holds the token. */
export const RAW = 'rea/raw';

const TOKEN = new RegExp(`"${RAW}":(\\d+)`);
const HEAD = Buffer.from('event: message\ndata: ');
const TAIL = Buffer.from('\n\n');
const COLON = 0x3a;

export class SseStream {
  readonly #response: ServerResponse;
  readonly #maxUnread: number;
  readonly #messages = new Map<number, readonly Uint8Array[]>();
  #unread = 0;
  #nextToken = 1;
  #open = true;

  /** @param maxUnread bytes that may wait for a client that does not read; more cuts it off. */
  constructor(response: ServerResponse, maxUnread: number) {
    this.#response = response;
    this.#maxUnread = maxUnread;
  }

  /** False once the client is gone or the stream has ended. */
  get open(): boolean {
    return this.#open;
  }

  /**
   * Keeps a message until its envelope comes by.
   *
   * @returns the token to put into the envelope, or null when nobody would read it.
   */
  hold(parts: readonly Uint8Array[]): number | null {
    if (!this.#open) return null;
    const size = sizeOf(parts);
    if (this.#unread > 0 && this.#unread + size > this.#maxUnread) {
      this.#response.destroy();
      this.#end();
      return null;
    }
    this.#unread += size;
    this.#messages.set(this.#nextToken, parts);
    return this.#nextToken++;
  }

  /** Carries events to the client until the transport ends the stream or the client goes away. */
  async run(body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.getReader();
    const onClose = () => {
      this.#end();
      void reader.cancel();
    };
    this.#response.once('close', onClose);
    if (this.#response.destroyed) onClose();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      await this.#write(value);
    }
    this.#response.off('close', onClose);
    this.#end();
    this.#response.end();
  }

  async #write(event: Uint8Array): Promise<void> {
    const response = this.#response;
    if (!this.#open) return;
    if (event[0] === COLON) {
      response.write(event);
      return;
    }
    const token = Number(TOKEN.exec(Buffer.from(event).toString('latin1'))?.[1] ?? 0);
    const parts = this.#messages.get(token);
    // An envelope without a message only ends the stream.
    if (parts === undefined) return;
    this.#messages.delete(token);
    // Not corked by hand: a corked response that reaches its high-water mark never emits `drain`.
    response.write(HEAD);
    for (const part of parts) response.write(part);
    const flowing = response.write(TAIL);
    if (!flowing) await drained(response);
    this.#unread -= sizeOf(parts);
  }

  #end(): void {
    this.#open = false;
    this.#messages.clear();
  }
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** Resolves when the socket takes more, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
