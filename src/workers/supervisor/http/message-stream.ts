/**
 * Reads the messages in the body of one HTTP response, JSON or server-sent events, into a framer, byte
 * for byte. Owned by the exchange or the listener that got the response. Decides nothing about what the
 * end of the body means.
 */
import type { IncomingMessage } from 'node:http';
import type { LineFramer } from '../../../shared/json/framing.ts';
import { EndlessWatch } from '../limits/endless-watch.ts';
import type { Readable } from '../limits/readers.ts';
import type { Receiver } from '../receiver.ts';
import { SseReader } from './sse-reader.ts';

export type BodyKind = 'json' | 'events';

export interface MessageStreamOptions {
  readonly response: IncomingMessage;
  readonly kind: BodyKind;
  readonly maxBytes: number;
  readonly framer: LineFramer;
  readonly receiver: Pick<Receiver, 'readers' | 'taken' | 'work'>;
  /** Bytes came, whatever they are. @returns whether more of them are wanted. */
  readonly onBytes: () => boolean;
  /** An event was handed on. @param id its own, if it has one. */
  readonly onEvent: (id: string | null) => void;
  readonly onRetry: (ms: number) => void;
  /** The body is over. Nothing is called after this. */
  readonly onEnd: (how: BodyEnd) => void;
}

/** `endless`: a message over the cap that does not end; the body was not read further. */
export type BodyEnd = 'complete' | 'broken' | 'endless';

const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const NEWLINE = Uint8Array.of(LF);
/** White space between tokens, and never allowed inside of a string. */
const BREAK = Uint8Array.of(TAB);

export class MessageStream {
  readonly #options: MessageStreamOptions;
  readonly #watch: EndlessWatch;
  readonly #reader: SseReader | null;
  readonly #reading: Readable;
  #open = true;

  constructor(options: MessageStreamOptions) {
    this.#options = options;
    const { response, framer, kind } = options;
    this.#reading = {
      pause: () => response.pause(),
      resume: () => response.resume(),
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
              // Only `message` carries messages; an event without data merely has an id.
              if (hasData && type === 'message') framer.push(NEWLINE);
              else framer.discard();
              if (this.#open) options.onEvent(id);
            },
            onRetry: options.onRetry,
          });
    response.on('data', (chunk: Buffer) => options.receiver.work(() => this.#read(chunk)));
    response.once('end', () => this.#end('complete'));
    response.once('close', () => this.#end('broken'));
    options.receiver.readers.add(this.#reading);
  }

  /** Stops reading; nothing more is called. */
  close(): void {
    this.#open = false;
    this.#watch.close();
    const { response, receiver } = this.#options;
    response.destroy();
    receiver.readers.remove(this.#reading);
    receiver.taken(0);
  }

  #read(chunk: Buffer): void {
    if (!this.#open) return;
    const { framer, onBytes } = this.#options;
    if (!onBytes()) return this.#end('broken');
    if (this.#reader === null) framer.push(withoutLineBreaks(chunk));
    else this.#reader.push(chunk);
    if (!this.#open) return;
    this.#watch.chunk(framer.pendingBytes);
    this.#options.receiver.taken(chunk.length);
  }

  #end(how: BodyEnd): void {
    if (!this.#open) return;
    if (how === 'complete' && this.#reader === null) this.#options.framer.push(NEWLINE);
    // The message itself may have ended everything.
    if (!this.#open) return;
    this.close();
    this.#options.onEnd(how);
  }
}

/** Which of the two kinds a response has; null for any other. */
export function bodyKind({ headers }: IncomingMessage): BodyKind | null {
  // Nothing else was asked for, and inflating has no bound.
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') return null;
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json') return 'json';
  return type === 'text/event-stream' ? 'events' : null;
}

/**
 * Line breaks are made tabs, in place: both are white space between the tokens of JSON, and both are
 * refused inside of its strings.
 */
function withoutLineBreaks(chunk: Buffer): Buffer {
  if (!chunk.includes(LF) && !chunk.includes(CR)) return chunk;
  for (let at = 0; at < chunk.length; at++) {
    if (chunk[at] === LF || chunk[at] === CR) chunk[at] = TAB;
  }
  return chunk;
}
