/**
 * The responses of one session that its client has not read to the end: streams, and answers without a
 * stream. Counts what they hold in the byte credit, and reports when the client has caught up. Decides
 * nothing about messages.
 */
import type { ServerResponse } from 'node:http';
import type { ByteCredit } from '../../../../shared/memory/byte-credit.ts';
import { Unsent } from '../../unsent.ts';
import type { PromptReply } from './prompt-reply.ts';
import { type Accepted, headersOf } from './sdk-transport.ts';
import { SseStream } from './stream.ts';

export interface ResponsesOptions {
  readonly credit: Pick<ByteCredit, 'addUnits'>;
  /** A client that reads nothing for this long is cut off. Milliseconds. */
  readonly slowClientMs: number;
  /** A client that had too much to read has read it. */
  readonly onDrained: () => void;
}

export class Responses {
  readonly #options: ResponsesOptions;
  readonly #streams = new Set<SseStream>();
  readonly #replies = new Set<PromptReply>();
  readonly #unsent: Unsent;

  constructor(options: ResponsesOptions) {
    this.#options = options;
    this.#unsent = new Unsent({
      credit: options.credit,
      waiting: () => this.#unread(),
      onDrained: options.onDrained,
    });
  }

  /** Backpressure: the client has so much to read that its servers have to wait. */
  get needsDrain(): boolean {
    return this.#unsent.needsDrain;
  }

  stream(response: ServerResponse): SseStream {
    const onGiven = (bytes: number) => this.#unsent.given(bytes);
    return new SseStream(response, { stallMs: this.#options.slowClientMs, onGiven });
  }

  /** Makes the response a stream. Resolves at its end. */
  async carry(stream: SseStream, reply: Accepted, response: ServerResponse): Promise<void> {
    response.writeHead(reply.status, headersOf(reply)).flushHeaders();
    this.#streams.add(stream);
    // Replayed events were written to the stream before it was counted.
    this.#unsent.given(0);
    await stream.run(reply.body).finally(() => this.#streams.delete(stream));
  }

  /** An answer without a stream was given. Resolves when the client has read it, or is gone. */
  async finish(reply: PromptReply): Promise<void> {
    if (reply.unread === 0) return;
    this.#replies.add(reply);
    this.#unsent.given(reply.unread);
    await reply.taken().finally(() => this.#replies.delete(reply));
  }

  /** Resolves when all answers without a stream are read, or their clients are gone. */
  async repliesTaken(): Promise<void> {
    await Promise.all([...this.#replies].map((reply) => reply.taken()));
  }

  /** The session is over: nothing is counted any more. */
  close(): void {
    this.#unsent.close();
  }

  #unread(): number {
    let bytes = 0;
    for (const stream of this.#streams) bytes += stream.unread;
    for (const reply of this.#replies) bytes += reply.unread;
    return bytes;
  }
}
