/**
 * A streaming scanner for one line of JSON: validates RFC 8259 and UTF-8, bounds the nesting, refuses
 * duplicate names where they matter, and finds the byte ranges of the members that a gateway routes by.
 * Owned by the reader of a stream or body. Builds no values, keeps no bytes but a cut name and the id,
 * never looks at a byte twice, and can be cut at any byte.
 */
import { isUtf8 } from 'node:buffer';
import { ScanLoop } from './scan-loop.ts';
import { SCAN, SLOT } from './scan-tables.ts';
import { Utf8Check } from './utf8-check.ts';

export { SCAN, SLOT, type Slot } from './scan-tables.ts';

const MAX_ID_BYTES = 64;
const CR = 0x0d;
const BRACE = 0x7b;

export class Scanner {
  /**
   * Start and end offset in the line for each slot (`2 × slot`, `2 × slot + 1`), −1 when absent.
   * Overwritten by the next line; meaningless after an error.
   */
  readonly ranges: Int32Array;

  readonly #loop: ScanLoop;
  readonly #utf8 = new Utf8Check();
  readonly #id = Buffer.alloc(MAX_ID_BYTES);
  /** Offset in the line of the next chunk. */
  #base = 0;
  #next = 0;

  /**
   * @param maxDepth containers that may be open at once, the message itself included.
   * @param breaks the text may have line breaks between its tokens. They are made spaces, in the bytes that are pushed.
   */
  constructor(maxDepth = 512, breaks = false) {
    this.#loop = new ScanLoop(maxDepth, breaks);
    this.ranges = this.#loop.ranges;
  }

  /** Forgets everything: the next byte is the first of a line. */
  reset(): void {
    this.#loop.reset();
    this.#utf8.reset();
    this.#base = 0;
    this.#next = 0;
  }

  /** Scans a whole line, without its newline. @returns a code of {@link SCAN}. */
  line(whole: Uint8Array): number {
    this.reset();
    this.push(whole);
    return this.end();
  }

  /**
   * Scans the next bytes of the line. After an error that leaves the structure readable (`utf8`,
   * `depth`, `duplicateKey`, `tooManyKeys`, `bareCr`) later bytes are still scanned, so that
   * {@link idText} can name the message; after `syntax` they are ignored.
   *
   * @returns a code of {@link SCAN}: `ok`, or the reason to refuse the line, as far as known.
   */
  push(chunk: Uint8Array): number {
    const loop = this.#loop;
    if (loop.stopped || chunk.length === 0) return this.#code();
    const scanned = loop.run(chunk, this.#base);
    if (loop.stopped) this.#next = chunk[scanned] ?? 0;
    if ((loop.errors & (1 << SCAN.utf8)) === 0 && !this.#utf8.push(chunk, scanned)) {
      loop.note(SCAN.utf8);
    }
    if (this.ranges[2 * SLOT.id]! >= 0) this.#keepId(chunk);
    this.#base += chunk.length;
    return this.#code();
  }

  /** The line is complete. @returns a code of {@link SCAN}. */
  end(): number {
    if (this.#utf8.pending) this.#loop.note(SCAN.utf8);
    if (!this.#loop.complete) this.#loop.note(SCAN.truncated);
    return this.#code();
  }

  /** True when nothing was wrong with the message, but that another one begins behind it. */
  get isFollowed(): boolean {
    const { complete, errors } = this.#loop;
    return complete && errors === 1 << SCAN.syntax && this.#next === BRACE;
  }

  /** True when the message has a `method`; also for a line that is refused. */
  get hasMethod(): boolean {
    return this.ranges[2 * SLOT.method]! >= 0;
  }

  /** True when the message has a `result` or an `error`; also for a line that is refused. */
  get hasOutcome(): boolean {
    return this.ranges[2 * SLOT.result]! >= 0 || this.ranges[2 * SLOT.error]! >= 0;
  }

  /**
   * The raw JSON text of the message's `id` (the first one, if there are several), also for a line
   * that is refused. Null: absent, not reached before a syntax error, longer than 64 bytes, or itself
   * malformed.
   */
  idText(): string | null {
    const start = this.ranges[2 * SLOT.id]!;
    const length = this.ranges[2 * SLOT.id + 1]! - start;
    if (start < 0 || length <= 0 || length > MAX_ID_BYTES) return null;
    const id = this.#id.subarray(0, length);
    return id.includes(CR) || !isUtf8(id) ? null : id.toString('utf8');
  }

  /** Copies the id's bytes of this chunk, which may be gone when the id is asked for. */
  #keepId(chunk: Uint8Array): void {
    const start = this.ranges[2 * SLOT.id]!;
    const end = this.ranges[2 * SLOT.id + 1]!;
    const from = Math.max(start, this.#base);
    const limit = Math.min(start + MAX_ID_BYTES, this.#base + chunk.length);
    const to = end < 0 ? limit : Math.min(end, limit);
    for (let at = from; at < to; at++) this.#id[at - start] = chunk[at - this.#base]!;
  }

  #code(): number {
    const errors = this.#loop.errors;
    return errors === 0 ? SCAN.ok : 31 - Math.clz32(errors & -errors);
  }
}
