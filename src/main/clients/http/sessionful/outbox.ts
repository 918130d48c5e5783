/**
 * The way of messages to one HTTP client: each goes on the stream of its request, or on the client's own
 * stream, and is logged so that a broken stream can be taken up again. The SDK's transport is given
 * envelopes that stand for the messages.
 */
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { joinExact, sizeOf } from '../../../../shared/json/json-rpc.ts';
import type { EdgeLog } from '../options.ts';
import type { EventLog } from './events.ts';
import type { Early, OpenRequest } from './open-requests.ts';
import { answerNotKept } from './refusals.ts';
import { RAW, type SseStream } from './stream.ts';
import { Waiting } from './waiting.ts';

const COPIED_BELOW_BYTES = 16 * 1024;

export interface OutboxOptions {
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly events: EventLog;
  readonly maxEventBytes: number;
  readonly log: EdgeLog;
  /** The request has its answer, or gets none. */
  readonly onEnded: (request: OpenRequest) => void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #waiting = new Waiting();
  #standalone: SseStream | null = null;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** The client has opened a stream for what belongs to no request: what waits goes there. */
  opened(stream: SseStream): void {
    this.#standalone = stream;
  }

  /** Sends what has waited for that stream. */
  catchUp(): void {
    for (const parts of this.#waiting.takeAll()) this.sendUnrelated(parts);
  }

  ended(stream: SseStream): void {
    if (this.#standalone === stream) this.#standalone = null;
  }

  /** Forgets what waits: the session is over. */
  clear(): void {
    this.#waiting.takeAll();
  }

  /** Puts a message on the stream of its request, once there is one. */
  deliver(request: OpenRequest, { parts, final }: Early): void {
    const { stream } = request;
    const own = kept(parts);
    if (stream === null) return request.keep({ parts: own, final });
    if (final) this.#settle(request, stream, own);
    else this.#relay(own, stream, request.id);
  }

  sendUnrelated(parts: readonly Uint8Array[]): void {
    const own = kept(parts);
    if (this.#standalone?.open === true) this.#relay(own, this.#standalone, null);
    else this.#waiting.add(own);
  }

  #relay(parts: readonly Uint8Array[], origin: SseStream, relatedTo: number | null): void {
    const { events, transport } = this.#options;
    const related = relatedTo !== null;
    const token = events.put({ parts, final: false, origin, related, instead: null });
    const envelope = { jsonrpc: '2.0', method: 'rea/message', params: { [RAW]: token } } as const;
    transport
      .send(envelope, related ? { relatedRequestId: relatedTo } : {})
      .catch((error: unknown) => this.#notSent(token, origin, error));
  }

  /** The end of a request. The transport forgets it only with its answer: an empty one ends the stream. */
  #settle(request: OpenRequest, origin: SseStream, parts: readonly Uint8Array[]): void {
    const { id, idText, method } = request;
    const { events, transport, maxEventBytes, onEnded } = this.#options;
    onEnded(request);
    const instead = () => answerNotKept(method, idText, maxEventBytes);
    const token = events.put({ parts, final: true, origin, related: true, instead });
    transport
      .send({ jsonrpc: '2.0', id, result: { [RAW]: token } })
      .catch((error: unknown) => this.#notSent(token, origin, error));
  }

  #notSent(token: number, origin: SseStream, error: unknown): void {
    const { events, transport, log } = this.#options;
    events.discard(token);
    const fields = { session: transport.sessionId, err: error };
    // A client of an old revision cannot resume a stream that it left; the transport says so by an error.
    if (origin.open) log.error(fields, 'a message could not be sent');
    else log.debug(fields, 'message dropped: the client has left');
  }
}

/** Small messages are views of a buffer of many, which must not live as long as each of them is kept. */
function kept(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const isSmall = parts.length > 0 && sizeOf(parts) < COPIED_BELOW_BYTES;
  return isSmall ? [joinExact(parts)] : parts;
}
