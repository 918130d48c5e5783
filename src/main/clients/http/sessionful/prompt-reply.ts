/**
 * The first moments of a request over HTTP: an answer that is there at once, and not large, is the whole
 * response, as JSON. Anything else (time is up, another message comes first, a large answer, none at all)
 * is left to a stream of events, which costs more and can be resumed. Owns the response until then.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { sizeOf } from '../../../../shared/json/json-rpc.ts';
import { replyMessage } from '../../../http/replies.ts';

export interface PromptOptions {
  /** How long an answer is waited for, in milliseconds; null: the client takes nothing but the answer. */
  readonly waitMs: number | null;
  /** A larger answer is for a stream. */
  readonly maxBytes: number;
  /** A client that takes nothing for this long is cut off. Milliseconds. */
  readonly stallMs: number;
  /** Headers of the response, besides those that describe its body. */
  readonly headers: Readonly<Record<string, string>>;
}

export class PromptReply {
  /** Resolves to true when the response was given here, to false when it is to become a stream. */
  readonly given: Promise<boolean>;
  readonly #response: ServerResponse;
  readonly #options: PromptOptions;
  readonly #timer: NodeJS.Timeout | null;
  #settle: ((given: boolean) => void) | null = null;
  #bytes = 0;

  constructor(response: ServerResponse, options: PromptOptions) {
    this.#response = response;
    this.#options = options;
    this.given = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const { waitMs } = options;
    this.#timer = waitMs === null ? null : setTimeout(() => this.leave(), waitMs);
  }

  /** Bytes of the answer while the client has not taken all of it. */
  get unread(): number {
    const { writableFinished, destroyed } = this.#response;
    return writableFinished || destroyed ? 0 : this.#bytes;
  }

  /** The client takes no stream: what comes before the answer must go another way. */
  get alone(): boolean {
    return this.#options.waitMs === null;
  }

  /** Makes an answer the response. @returns whether it was taken; otherwise it is for the stream. */
  take(parts: readonly Uint8Array[]): boolean {
    const bytes = sizeOf(parts);
    if (this.#settle === null || bytes > this.#options.maxBytes) return false;
    this.#bytes = bytes;
    replyMessage(this.#response, parts, this.#options.headers);
    this.#end(true);
    return true;
  }

  /** Leaves the response to a stream, unless it was given. */
  leave(): void {
    this.#end(false);
  }

  /** Once it was given: resolves when the client has taken it, or is gone. */
  async taken(): Promise<void> {
    if (this.unread === 0) return;
    this.#response.setTimeout(this.#options.stallMs);
    await once(this.#response, 'close');
  }

  #end(given: boolean): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#settle?.(given);
    this.#settle = null;
  }
}
