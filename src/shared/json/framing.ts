/**
 * Cuts a byte stream into lines and lets through only lines that are one sound JSON object. Linear: each
 * byte is scanned as it arrives and copied once, into the frame. A refused line is dropped at once, but
 * still scanned for its id, so that the owner can answer it. Owned by the reader of a pipe; knows no clock
 * and never decides what to do about a bad line.
 */

import { clip } from '../text/clean-text.ts';
import { ChunkList } from './chunk-list.ts';
import { type Frame, scanFrame } from './frame.ts';
import { SCAN, Scanner } from './json-scan.ts';

export type RefusalReason =
  /** Longer than `maxBytes`. */
  | 'too_large'
  | 'utf8'
  | 'depth'
  | 'duplicate_key'
  | 'too_many_keys'
  /** A carriage return inside a string. */
  | 'bare_cr'
  | 'syntax'
  /** The line or the stream ends inside the message. */
  | 'truncated'
  /** Does not begin with `{`: output that is not a message. */
  | 'not_json'
  /** A JSON array: batches are not part of the protocol. */
  | 'batch'
  /** An answer to no call in flight. */
  | 'unawaited';

export interface Refused {
  readonly reason: RefusalReason;
  /** Raw JSON text of the line's id, as far as it could be found; see `Scanner.idText`. */
  readonly idText: string | null;
  readonly hasMethod: boolean;
  /** It has a `result` or an `error`. */
  readonly hasOutcome: boolean;
  /** Length of the line without its line end. */
  readonly bytes: number;
  /** See `sampleOf`. */
  readonly sample: string;
}

export interface LineFramerOptions {
  /** Longest line that is let through, in bytes, without its line end. */
  readonly maxBytes: number;
  /** @default 512 */
  readonly maxDepth?: number;
  /** True: chunks that are pushed belong to the framer, which frees them after their line. @default false */
  readonly ownsChunks?: boolean;
  /** `frame.line` owns its whole ArrayBuffer and may be transferred. */
  readonly onFrame: (frame: Frame) => void;
  readonly onRefused: (refused: Refused) => void;
  /** Asked about each line that came in one piece: true skips it unread. @default none is skipped */
  readonly skips?: (line: Uint8Array) => boolean;
  /**
   * Asked about a large answer before its end. False: no more of it is kept, and a sound one is refused as
   * `unawaited`. @default all are awaited
   */
  readonly isAwaited?: () => boolean;
}

/** `isAwaited` is asked only about larger messages. */
const LARGE_BYTES = 64 * 1024;

const NEWLINE = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
/** A byte order mark in UTF-8. */
const BOM = Uint8Array.of(0xef, 0xbb, 0xbf);
/** UTF-16 units; far more than is ever shown, see `redactedHead`. */
export const SAMPLE_UNITS = 2048;
const SAMPLE_BYTES = 3 * SAMPLE_UNITS;
const NOTHING = new Uint8Array(0);

const REASON_OF_CODE: Readonly<Record<number, RefusalReason>> = {
  [SCAN.utf8]: 'utf8',
  [SCAN.depth]: 'depth',
  [SCAN.duplicateKey]: 'duplicate_key',
  [SCAN.tooManyKeys]: 'too_many_keys',
  [SCAN.bareCr]: 'bare_cr',
  [SCAN.syntax]: 'syntax',
  [SCAN.truncated]: 'truncated',
};

/** The kind of the line, as far as it has been read; `blank`: only white space. */
type LineKind = 'blank' | 'message' | 'not_json' | 'batch';

export class LineFramer {
  readonly #options: LineFramerOptions;
  readonly #scanner: Scanner;
  readonly #chunks: ChunkList;
  #kind: LineKind = 'blank';
  /** Bytes of the line so far. */
  #bytes = 0;
  /** Bytes of a byte order mark that has begun before the message. */
  #bomBytes = 0;
  #endsInCr = false;
  /** The beginning of the line, once its bytes are no longer kept; else null. */
  #sample: Uint8Array | null = null;
  #unawaited = false;

  constructor(options: LineFramerOptions) {
    this.#options = options;
    this.#scanner = new Scanner(options.maxDepth);
    this.#chunks = new ChunkList(options.ownsChunks);
  }

  /** Bytes of the unfinished line, also those that were dropped. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /** Bytes of the unfinished line that are kept. */
  get heldBytes(): number {
    return this.#chunks.length;
  }

  /** Bytes of the unfinished line, kept or not, if it may still be a message that is wanted; else 0. */
  get openBytes(): number {
    return this.#kind === 'message' && !this.#unawaited ? this.#bytes : 0;
  }

  /** Takes the next bytes of the stream, which must not change afterwards; see `ownsChunks`. */
  push(chunk: Uint8Array): void {
    let from = 0;
    while (from < chunk.length) {
      const newline = chunk.indexOf(NEWLINE, from);
      const to = newline < 0 ? chunk.length : newline;
      const piece = chunk.subarray(from, to);
      from = to + 1;
      if (newline >= 0 && this.#bytes === 0 && this.#options.skips?.(piece) === true) continue;
      if (piece.length > 0) this.#take(piece);
      if (newline >= 0) this.#endLine();
    }
  }

  /** The stream has ended: an unfinished line is refused as `truncated`. */
  end(): void {
    if (this.#kind === 'blank') this.#startLine();
    else this.#refuse('truncated');
  }

  /** Forgets the unfinished line. */
  discard(): void {
    this.#startLine();
  }

  #take(piece: Uint8Array): void {
    this.#bytes += piece.length;
    const start = this.#kind === 'blank' ? this.#skipBlank(piece) : 0;
    if (start === piece.length) return;
    const rest = start === 0 ? piece : piece.subarray(start);
    if (this.#kind === 'blank') this.#begin(rest);
    this.#endsInCr = rest[rest.length - 1] === CR;
    if (this.#sample === null) this.#chunks.append(rest);
    else if (this.#sample.length < SAMPLE_BYTES) {
      this.#sample = Buffer.concat([this.#sample, rest]).subarray(0, SAMPLE_BYTES);
    }
    if (this.#kind !== 'message') return;
    const code = this.#scanner.push(rest);
    const isLost = code !== SCAN.ok && code !== SCAN.bareCr;
    // One byte more than allowed may still be the CR of the line end.
    if (isLost || this.#bytes > this.#options.maxBytes + 1) this.#drop();
    else if (this.#sample === null && this.#bytes > LARGE_BYTES) this.#askAbout();
  }

  #askAbout(): void {
    const { hasOutcome, hasMethod } = this.#scanner;
    if (!hasOutcome || hasMethod || this.#options.isAwaited?.() !== false) return;
    this.#unawaited = true;
    this.#drop();
  }

  /** Skips white space and byte order marks before a message. @returns the index of the first other byte. */
  #skipBlank(piece: Uint8Array): number {
    let at = 0;
    for (; at < piece.length; at++) {
      if (piece[at] === BOM[this.#bomBytes]) this.#bomBytes = (this.#bomBytes + 1) % BOM.length;
      else if (this.#bomBytes > 0 || !isBlank(piece[at]!)) break;
    }
    return at;
  }

  /** The first byte that is not white space decides the kind of the line. */
  #begin(rest: Uint8Array): void {
    const first = rest[0];
    if (first === 0x7b && this.#bomBytes === 0) {
      this.#kind = 'message';
    } else {
      this.#kind = first === 0x5b ? 'batch' : 'not_json';
      this.#sample = NOTHING;
    }
  }

  /** Keeps only the sample of this line. */
  #drop(): void {
    if (this.#sample !== null) return;
    this.#sample = this.#chunks.head(SAMPLE_BYTES);
    this.#chunks.clear();
  }

  #endLine(): void {
    switch (this.#kind) {
      case 'blank':
        this.#startLine();
        return;
      case 'not_json':
      case 'batch':
        this.#refuse(this.#kind);
        return;
      case 'message':
        this.#endMessage();
        return;
      default:
        this.#kind satisfies never;
    }
  }

  #endMessage(): void {
    const code = this.#scanner.end();
    if (this.#lineBytes() > this.#options.maxBytes) {
      this.#refuse('too_large');
      return;
    }
    if (code !== SCAN.ok && (code !== SCAN.bareCr || this.#sample !== null)) {
      this.#refuse(REASON_OF_CODE[code] ?? 'syntax');
      return;
    }
    if (this.#unawaited) return this.#refuse('unawaited');
    const length = this.#chunks.length - (this.#endsInCr ? 1 : 0);
    const line = this.#chunks.take(length);
    const frame =
      code === SCAN.ok ? { line, ranges: this.#scanner.ranges.slice() } : withoutCr(line);
    if ('error' in frame) {
      this.#sample = line.subarray(0, SAMPLE_BYTES);
      return this.#refuse('bare_cr');
    }
    this.#startLine();
    this.#options.onFrame(frame);
  }

  #refuse(reason: RefusalReason): void {
    this.#drop();
    const isMessage = this.#kind === 'message';
    const refused = {
      reason,
      idText: isMessage ? this.#scanner.idText() : null,
      hasMethod: isMessage && this.#scanner.hasMethod,
      hasOutcome: isMessage && this.#scanner.hasOutcome,
      bytes: this.#lineBytes(),
      sample: sampleOf(this.#sample ?? NOTHING),
    };
    this.#startLine();
    this.#options.onRefused(refused);
  }

  #startLine(): void {
    this.#scanner.reset();
    this.#chunks.clear();
    this.#kind = 'blank';
    this.#bytes = 0;
    this.#bomBytes = 0;
    this.#endsInCr = false;
    this.#sample = null;
    this.#unawaited = false;
  }

  #lineBytes(): number {
    return this.#endsInCr ? this.#bytes - 1 : this.#bytes;
  }
}

/**
 * Makes tabs of carriage returns, where many readers would end the line. Both are white space between the
 * tokens of JSON, and neither is allowed inside strings.
 */
function withoutCr(line: Uint8Array): ReturnType<typeof scanFrame> {
  for (let at = line.indexOf(CR); at >= 0; at = line.indexOf(CR, at + 1)) line[at] = TAB;
  return scanFrame(line);
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === CR;
}

/**
 * The beginning of a line, at most `SAMPLE_UNITS` UTF-16 units; bytes that are not UTF-8 become U+FFFD.
 * Neither cleaned nor redacted.
 */
export function sampleOf(line: Uint8Array): string {
  return clip(toText(line.subarray(0, SAMPLE_BYTES)), SAMPLE_UNITS);
}

function toText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
