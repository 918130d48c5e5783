/**
 * The response to one request without a session. An answer that is there at once, with nothing before it, is the
 * whole response, as JSON; otherwise the response is a stream of events that ends with the answer. It cannot be
 * taken up again, so that events have no ids: a client that closes it wants no answer any more.
 */
import type { ServerResponse } from 'node:http';
import { sizeOf } from '../../../../shared/json/json-rpc.ts';
import type { ByteCredit } from '../../../../shared/memory/byte-credit.ts';
import { replyMessage, writeParts } from '../../../http/replies.ts';
import { MAX_UNSENT_BYTES, Unsent } from '../../unsent.ts';
import type { Accepts } from '../accept.ts';
import type { HttpLimits } from '../options.ts';
import { statusOf } from './status.ts';

export interface PostOptions {
  readonly limits: Pick<HttpLimits, 'wholeMs' | 'promptBytes' | 'keepAliveMs' | 'slowClientMs'>;
  readonly accepts: Accepts;
  readonly credit: Pick<ByteCredit, 'addUnits'>;
  /** More waits for the client. @param bytes so much more. */
  readonly onGiven: (bytes: number) => void;
}

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // Some proxies would gather what is meant to arrive at once.
  'x-accel-buffering': 'no',
} as const;
const HEAD = Buffer.from('event: message\ndata: ');
const TAIL = Buffer.from('\n\n');
const COUNTED_FROM_BYTES = 64 * 1024;
const KEEP_ALIVE = ': keep-alive\n\n';

export class Post {
  readonly #response: ServerResponse;
  readonly #options: PostOptions;
  /** One that is read does not hide another that is not. */
  readonly #unsent: Unsent;
  #timer: NodeJS.Timeout | undefined;
  #streams = false;
  /** The client has yet to take what it was sent. */
  #waits = false;

  constructor(response: ServerResponse, options: PostOptions) {
    this.#response = response;
    this.#options = options;
    const { credit } = options;
    this.#unsent = new Unsent({ credit, waiting: () => this.unread, onDrained: () => undefined });
    response.once('close', () => {
      this.end();
      this.#unsent.close();
    });
  }

  /** Its request is being served: the answer may come at once, or it may not. */
  begin(): void {
    const { accepts, limits } = this.#options;
    if (!accepts.stream || this.#streams || this.#response.writableEnded) return;
    if (accepts.json) this.#timer = setTimeout(() => this.#stream(), limits.wholeMs);
    else this.#stream();
  }

  /** Bytes that the client has not taken. */
  get unread(): number {
    const { writableFinished, destroyed, writableLength } = this.#response;
    return writableFinished || destroyed ? 0 : writableLength;
  }

  /** When its client has stopped reading it, monotonic milliseconds; null: it has not. */
  get stoppedAt(): number | null {
    return this.#unsent.stoppedAt;
  }

  /** Cuts it off. */
  cut(): void {
    this.#response.destroy();
  }

  /** A message before the answer; not for a client that takes nothing but the answer, or does not read. */
  send(parts: readonly Uint8Array[]): void {
    if (!this.#options.accepts.stream || this.unread > MAX_UNSENT_BYTES) return;
    this.#stream();
    this.#write(parts);
  }

  /** The answer, which ends the response. */
  answer(parts: readonly Uint8Array[]): void {
    const { accepts, limits } = this.#options;
    const isPrompt = !this.#streams && accepts.json && sizeOf(parts) <= limits.promptBytes;
    if (isPrompt || !accepts.stream) {
      this.end();
      replyMessage(this.#response, parts, {}, statusOf(parts));
      this.#given(sizeOf(parts));
      return;
    }
    this.#stream();
    this.#write(parts);
    this.end();
    this.#response.end();
  }

  /** Nothing more is written here. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #stream(): void {
    if (this.#streams) return;
    this.#streams = true;
    clearTimeout(this.#timer);
    const response = this.#response;
    response.writeHead(200, STREAM_HEADERS).flushHeaders();
    const { keepAliveMs } = this.#options.limits;
    this.#timer = setInterval(() => response.write(KEEP_ALIVE), keepAliveMs);
  }

  #write(parts: readonly Uint8Array[]): void {
    writeParts(this.#response, [HEAD, ...parts, TAIL]);
    this.#given(sizeOf(parts));
  }

  /** A client that takes nothing for long, while something waits, is cut off. */
  #given(bytes: number): void {
    const response = this.#response;
    // To count what all responses hold costs more than a small message that is gone at once.
    if (!response.writableNeedDrain && bytes < COUNTED_FROM_BYTES) return;
    this.#unsent.given(bytes);
    this.#options.onGiven(bytes);
    if (!response.writableNeedDrain || this.#waits) return;
    this.#waits = true;
    response.setTimeout(this.#options.limits.slowClientMs);
    response.once('drain', () => {
      this.#waits = false;
      response.setTimeout(0);
    });
  }
}
