/**
 * Reads the body of one HTTP response, JSON or server-sent events, into a framer, byte for byte. Owned by
 * the exchange or the listener that got the response. Does not decide what the end of the body means.
 */
import type { IncomingMessage } from 'node:http';
import type { LineFramer } from '../../../shared/json/framing.ts';
import { EndlessWatch } from '../limits/endless-watch.ts';
import type { Readable } from '../limits/readers.ts';
import type { Receiver } from '../receiver.ts';
import { Batch } from './batch.ts';
import { decoded, isOfCoding } from './decoded.ts';
import { SseReader } from './sse-reader.ts';

export type BodyKind = 'json' | 'events';

export interface MessageStreamOptions {
  readonly response: IncomingMessage;
  readonly kind: BodyKind;
  readonly maxBytes: number;
  readonly framer: LineFramer;
  readonly receiver: Pick<Receiver, 'readers' | 'taken' | 'work'>;
  /** Bytes arrived. @returns whether to go on reading. */
  readonly onBytes: () => boolean;
  /** An event is complete. @param id of the event, null if it has none. */
  readonly onEvent: (id: string | null) => void;
  readonly onRetry: (ms: number) => void;
  /** The body has ended. Nothing is called after this. */
  readonly onEnd: (how: BodyEnd) => void;
}

/**
 * `endless`: the body was given up, because a message over the cap did not end. `undecodable`: it is not what its
 * content coding says.
 */
export type BodyEnd = 'complete' | 'broken' | 'endless' | 'undecodable';

const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const NEWLINE = Uint8Array.of(LF);
/** In JSON, white space between tokens that is not allowed inside strings. */
const BREAK = Uint8Array.of(TAB);

export class MessageStream {
  readonly #options: MessageStreamOptions;
  readonly #watch: EndlessWatch;
  readonly #reader: SseReader | null;
  readonly #reading: Readable;
  readonly #batch = new Batch();
  readonly #body: ReturnType<typeof decoded>;
  #open = true;

  constructor(options: MessageStreamOptions) {
    this.#options = options;
    const { response, framer, kind } = options;
    const body = decoded(response);
    this.#body = body;
    this.#reading = {
      pause: () => body.pause(),
      resume: () => body.resume(),
      heldBytes: () => framer.heldBytes,
      openBytes: () => framer.openBytes,
    };
    this.#watch = new EndlessWatch(options.maxBytes, () => this.#end('endless'));
    this.#reader =
      kind === 'json'
        ? null
        : new SseReader({
            onData: (piece) => framer.push(piece),
            onDataBreak: () => framer.push(BREAK),
            onEvent: ({ type, id, hasData }) => {
              // Events of other types carry no messages; an event without data only has an id.
              if (hasData && type === 'message') framer.push(NEWLINE);
              else framer.discard();
              if (this.#open) options.onEvent(id);
            },
            onRetry: options.onRetry,
          });
    body.on('data', (chunk: Buffer) => options.receiver.work(() => this.#read(chunk)));
    body.once('end', () => this.#end('complete'));
    body.once('error', (error) => this.#end(isOfCoding(error) ? 'undecodable' : 'broken'));
    body.once('close', () => this.#end('broken'));
    options.receiver.readers.add(this.#reading);
  }

  /** Stops reading. Nothing is called after this. */
  close(): void {
    this.#open = false;
    this.#watch.close();
    const { response, receiver } = this.#options;
    this.#body.destroy();
    response.destroy();
    receiver.readers.remove(this.#reading);
    receiver.taken(0);
  }

  #read(chunk: Buffer): void {
    if (!this.#open) return;
    const { framer, onBytes } = this.#options;
    if (!onBytes()) return this.#end('broken');
    if (this.#reader === null) {
      const body = withoutLineBreaks(chunk);
      this.#batch.takeApart(body);
      framer.push(body);
    } else this.#reader.push(chunk);
    if (!this.#open) return;
    this.#watch.chunk(framer.pendingBytes);
    this.#options.receiver.taken(chunk.length);
  }

  #end(how: BodyEnd): void {
    if (!this.#open) return;
    if (how === 'complete' && this.#reader === null) this.#options.framer.push(NEWLINE);
    // The framed message may have closed this stream.
    if (!this.#open) return;
    this.close();
    this.#options.onEnd(how);
  }
}

/** The kind of body of a response; null for any other. */
export function bodyKind({ headers }: IncomingMessage): BodyKind | null {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json') return 'json';
  return type === 'text/event-stream' ? 'events' : null;
}

/**
 * Whether a response to GET is a stream of events. Whoever answers so with another type, or with none, means a
 * stream all the same, unless it is a page or a JSON body.
 */
export function isStream(response: IncomingMessage): boolean {
  const { statusCode, headers } = response;
  if (bodyKind(response) === 'events') return (statusCode ?? 0) < 300;
  if (statusCode !== 200 || headers['content-length'] === '0') return false;
  return !/json|html/i.test(headers['content-type'] ?? '');
}

/**
 * Replaces line breaks by tabs, in place: the framer cuts at line breaks. Both are white space between the
 * tokens of JSON, and neither is allowed inside strings.
 */
function withoutLineBreaks(chunk: Buffer): Buffer {
  if (!chunk.includes(LF) && !chunk.includes(CR)) return chunk;
  for (let at = 0; at < chunk.length; at++) {
    if (chunk[at] === LF || chunk[at] === CR) chunk[at] = TAB;
  }
  return chunk;
}
