/**
 * One server-sent event stream to a client. The SDK's transport decides what goes on it and when it
 * ends, but sees only envelopes: each event carries a token, and the message's own bytes take the
 * token's place here, on the way to the socket. The event's id and the transport's own events (the
 * first one of a stream, keep-alive comments) pass as they are.
 */

import type { ServerResponse } from 'node:http';
import { sizeOf } from '../../../../shared/json/json-rpc.ts';
import { writeParts } from '../../../http/replies.ts';

/** The member of an envelope that holds the token. */
export const RAW = 'rea/raw';

/** A message for the client. */
export interface Outgoing {
  /** Together one JSON-RPC message; none = nothing is written. */
  readonly parts: readonly Uint8Array[];
  /** The stream ends after it. */
  readonly final: boolean;
}

export interface StreamOptions {
  /** A client that takes nothing for this long, while something waits, is cut off. Milliseconds. */
  readonly stallMs: number;
  /** More waits for the client. @param bytes so much more. */
  readonly onGiven: (bytes: number) => void;
}

const TOKEN = new RegExp(`"${RAW}":(\\d+)`);
const EVENT = Buffer.from('event: ');
const DATA = Buffer.from('\ndata: ');
const TAIL = Buffer.from('\n\n');

export class SseStream {
  readonly #response: ServerResponse;
  readonly #options: StreamOptions;
  readonly #messages = new Map<number, Outgoing>();
  #unread = 0;
  #open = true;

  constructor(response: ServerResponse, options: StreamOptions) {
    this.#response = response;
    this.#options = options;
  }

  /** Bytes of messages that the client has not taken. */
  get unread(): number {
    return this.#open ? this.#unread : 0;
  }

  /** False once the client is gone or the stream has ended. */
  get open(): boolean {
    return this.#open;
  }

  /** Keeps a message until its envelope comes by; not when nobody would read it. */
  hold(token: number, message: Outgoing): void {
    if (!this.#open) return;
    const size = sizeOf(message.parts);
    this.#unread += size;
    this.#messages.set(token, message);
    this.#options.onGiven(size);
  }

  /** Carries events until the last message, the transport's end of the stream, or the client's leave. */
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
      if (done || (await this.#write(value)) === 'last') break;
    }
    this.#response.off('close', onClose);
    this.#end();
    this.#response.end();
    await reader.cancel();
  }

  async #write(event: Uint8Array): Promise<'last' | 'more'> {
    const response = this.#response;
    if (!this.#open) return 'more';
    if (!EVENT.equals(event.subarray(0, EVENT.length))) {
      response.write(event);
      return 'more';
    }
    const envelope = Buffer.from(event.buffer, event.byteOffset, event.byteLength);
    const token = Number(TOKEN.exec(envelope.toString('latin1'))?.[1] ?? 0);
    const message = this.#messages.get(token);
    if (message === undefined) return 'more';
    this.#messages.delete(token);
    const { parts, final } = message;
    if (parts.length > 0) {
      const head = envelope.subarray(0, envelope.indexOf(DATA) + DATA.length);
      const flowing = writeParts(response, [head, ...parts, TAIL]);
      if (!flowing) await drained(response, this.#options.stallMs);
      this.#unread -= sizeOf(parts);
    }
    return final ? 'last' : 'more';
  }

  #end(): void {
    this.#open = false;
    this.#messages.clear();
  }
}

/** Resolves when the socket takes more, or is gone; Node cuts it when nothing moves for `stallMs`. */
function drained(response: ServerResponse, stallMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const done = () => {
      response.off('drain', done).off('close', done);
      if (!response.destroyed) response.setTimeout(0);
      resolve();
    };
    response.on('drain', done).on('close', done);
    response.setTimeout(stallMs);
  });
}
