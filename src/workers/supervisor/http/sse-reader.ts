/**
 * Parses server-sent events as bytes: passes on the data of each event piece by piece and keeps none of it;
 * the framer bounds the size of a message and checks its encoding. Linear and bounded: a field other than
 * `data` that is too long is ignored. Owned by the message stream of one response.
 */

export interface SseReaderOptions {
  /** Bytes of the current event's data, which share memory with the chunk. */
  readonly onData: (piece: Uint8Array) => void;
  /** The data of the event continues on another `data` line. */
  readonly onDataBreak: () => void;
  /** The event is complete. */
  readonly onEvent: (event: SseEvent) => void;
  /** Delay before the stream may be opened again, in milliseconds. */
  readonly onRetry: (ms: number) => void;
}

export interface SseEvent {
  readonly hasData: boolean;
  /** `message` unless the event names another type. */
  readonly type: string;
  /** One character for each byte, as in HTTP headers; null when the event has no id. */
  readonly id: string | null;
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
/** `data:` and the space that may follow. */
const DATA_HEAD_BYTES = 6;
const MAX_FIELD_BYTES = 1024;
const MAX_RETRY_DIGITS = 9;
const BOM = '\u00ef\u00bb\u00bf';

type Mode =
  /** The field is not known yet, so that the line's beginning is kept. */
  | 'field'
  | 'data'
  /** The line is a comment, or a field that is too long. */
  | 'skip';

export class SseReader {
  readonly #options: SseReaderOptions;
  readonly #field = Buffer.alloc(MAX_FIELD_BYTES);
  #length = 0;
  #mode: Mode = 'field';
  #first = true;
  #afterCr = false;
  #dataLines = 0;
  #type = '';
  #id: string | null = null;

  constructor(options: SseReaderOptions) {
    this.#options = options;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    // Each is searched only once, because a chunk may consist of line ends of one kind.
    let cr = chunk.indexOf(CR);
    let lf = chunk.indexOf(LF);
    while (at < chunk.length) {
      if (this.#afterCr) {
        this.#afterCr = false;
        if (chunk[at] === LF) {
          at++;
          continue;
        }
      }
      if (cr >= 0 && cr < at) cr = chunk.indexOf(CR, at);
      if (lf >= 0 && lf < at) lf = chunk.indexOf(LF, at);
      const end = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
      if (end < 0) return this.#take(chunk.subarray(at));
      if (end > at) this.#take(chunk.subarray(at, end));
      this.#endLine();
      this.#afterCr = end === cr;
      at = end + 1;
    }
  }

  #take(piece: Uint8Array): void {
    let rest = piece;
    if (this.#mode === 'field') rest = this.#takeField(piece);
    if (this.#mode === 'data' && rest.length > 0) this.#options.onData(rest);
  }

  /** @returns the rest of the piece, which is data if the line turned out to be a `data` line. */
  #takeField(piece: Uint8Array): Uint8Array {
    let at = 0;
    // The field is decided as early as possible, because data must not be copied.
    while (at < piece.length && this.#mode === 'field') {
      const until = this.#length < DATA_HEAD_BYTES ? DATA_HEAD_BYTES : MAX_FIELD_BYTES;
      const count = Math.min(until - this.#length, piece.length - at);
      this.#field.set(piece.subarray(at, at + count), this.#length);
      this.#length += count;
      at += count;
      if (this.#length >= DATA_HEAD_BYTES) this.#decide();
      if (this.#length === MAX_FIELD_BYTES) this.#mode = 'skip';
    }
    return piece.subarray(at);
  }

  #decide(): void {
    if (this.#first) this.#dropBom();
    if (this.#length < DATA_HEAD_BYTES) return;
    if (this.#field[0] === COLON) this.#mode = 'skip';
    if (this.#field.toString('latin1', 0, 5) === 'data:') this.#beginData(5);
  }

  /** @param from index in the kept beginning right after the colon. */
  #beginData(from: number): void {
    this.#mode = 'data';
    if (this.#dataLines > 0) this.#options.onDataBreak();
    this.#dataLines += 1;
    const start = this.#field[from] === SPACE ? from + 1 : from;
    // A copy, because the next line overwrites the buffer.
    if (start < this.#length)
      this.#options.onData(Uint8Array.from(this.#field.subarray(start, this.#length)));
  }

  #endLine(): void {
    if (this.#first) this.#dropBom();
    this.#first = false;
    if (this.#mode === 'field') {
      if (this.#length === 0) this.#endEvent();
      else this.#endField();
    }
    this.#mode = 'field';
    this.#length = 0;
  }

  #endField(): void {
    const line = this.#field.toString('latin1', 0, this.#length);
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const start = line[colon + 1] === ' ' ? colon + 2 : colon + 1;
    const value = colon < 0 ? '' : line.slice(start);
    if (name === 'data') {
      // A bare `data` without a colon is an empty line of data.
      if (colon < 0) this.#length = 0;
      this.#beginData(colon < 0 ? 0 : colon + 1);
    } else if (name === 'id') {
      // An id with other characters could not be sent back in a header.
      if (/^[\x20-\x7e\x80-\xff]*$/.test(value)) this.#id = value;
    } else if (name === 'event') {
      this.#type = value;
    } else if (name === 'retry' && /^\d+$/.test(value) && value.length <= MAX_RETRY_DIGITS) {
      this.#options.onRetry(Number(value));
    }
  }

  #endEvent(): void {
    const event = {
      hasData: this.#dataLines > 0,
      type: this.#type === '' ? 'message' : this.#type,
      id: this.#id,
    };
    this.#dataLines = 0;
    this.#type = '';
    this.#id = null;
    this.#options.onEvent(event);
  }

  /** A byte order mark at the beginning of the stream does not belong to the first line. */
  #dropBom(): void {
    this.#first = false;
    if (this.#length < BOM.length || this.#field.toString('latin1', 0, 3) !== BOM) return;
    this.#field.copyWithin(0, BOM.length, this.#length);
    this.#length -= BOM.length;
  }
}
