/**
 * The stream for messages of the server that belong to no request: opened after the handshake, and again
 * with back-off when it ends. Not every server has one. Owned by the remote.
 */
import type { IncomingMessage } from 'node:http';
import type { Receiver } from '../receiver.ts';
import { STREAM_HEADERS } from './exchange.ts';
import type { HttpClient, HttpExchange } from './http-client.ts';
import { isStream, MessageStream } from './message-stream.ts';
import { Reopening } from './reopening.ts';

/** They say nothing about the session: later, another stream is open, no stream at all. */
const BUSY = new Set([429, 409, 405]);

export interface ListenerOptions {
  readonly client: HttpClient;
  readonly maxBytes: number;
  readonly receiver: Receiver;
  /** The stream stays closed although the server seems to have one. */
  readonly onTrouble: (problem: string) => void;
  readonly onSessionLost: (detail: string) => void;
  /** The server has no stream. */
  readonly onNone: () => void;
  /** A stream that has been open is refused: the session may be lost. */
  readonly onRefused: () => void;
}

export class Listener {
  readonly #options: ListenerOptions;
  readonly #reopening = new Reopening();
  #http: HttpExchange | null = null;
  #stream: MessageStream | null = null;
  #timer: NodeJS.Timeout | null = null;
  #lastEventId: string | null = null;
  /** Whether the stream has been open in this session. */
  #known = false;
  #none = false;

  /** Opens the stream. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#open();
  }

  /** Whether the stream is open, or may be open soon. */
  get has(): boolean {
    return !this.#none;
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#http?.destroy();
    this.#stream?.close();
  }

  #open(): void {
    const { client, receiver } = this.#options;
    const resumed = this.#lastEventId;
    this.#http = client.send({
      method: 'GET',
      body: null,
      headers: { ...STREAM_HEADERS, ...(resumed === null ? {} : { 'last-event-id': resumed }) },
      onResponse: (response) => this.#read(response),
      onFailed: ({ broken, detail }) => {
        if (!broken) return this.#stayClosed(detail);
        receiver.suspect();
        this.#again();
      },
    });
  }

  #read(response: IncomingMessage): void {
    const { receiver, maxBytes, onSessionLost } = this.#options;
    const status = response.statusCode ?? 0;
    if (isStream(response)) {
      receiver.heard();
      // Without the id of the last event the server cannot send again what was missed.
      if (this.#known && this.#lastEventId === null) receiver.missed();
      this.#known = true;
      this.#stream = new MessageStream({
        response,
        kind: 'events',
        maxBytes,
        framer: receiver.source(null),
        receiver,
        onBytes: () => {
          receiver.heard();
          this.#reopening.worked();
          return receiver.reading;
        },
        onEvent: (id) => {
          if (id !== null) this.#lastEventId = id === '' ? null : id;
        },
        onRetry: (ms) => {
          this.#reopening.serverMs = ms;
        },
        onEnd: (how) => {
          if (how === 'broken') receiver.suspect();
          this.#again();
        },
      });
      return;
    }
    response.destroy();
    if (this.#known && (status === 404 || status === 400)) {
      onSessionLost(`the server does not know the session any more (HTTP ${status})`);
      return;
    }
    if (this.#known && status >= 400 && !BUSY.has(status)) this.#options.onRefused();
    if (status >= 500 || status === 429 || status === 409) {
      this.#again();
    } else {
      const isUsual = status === 405 || status === 404;
      const type = status < 300 ? `, ${response.headers['content-type'] ?? 'no content type'}` : '';
      this.#stayClosed(isUsual ? null : `the server answered GET with HTTP ${status}${type}`);
    }
  }

  /** @param why null: as servers without a stream do. */
  #stayClosed(why: string | null): void {
    this.#none = true;
    if (why !== null) this.#options.onTrouble(`no stream of notifications: ${why}`);
    this.#options.onNone();
  }

  /** With back-off, so that a stream that ends at once each time is opened more and more rarely. */
  #again(): void {
    const ms = this.#reopening.delay(Math.random());
    this.#reopening.failed();
    this.#timer = setTimeout(() => this.#open(), ms);
  }
}
