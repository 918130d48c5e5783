/**
 * What main has told the audit writer since it last posted: rows of numbers for calls, with their lines, and
 * items for all else, in one order. Kept until it is written, so that it can be posted to the next thread.
 */
import {
  type AuditBatch,
  type AuditItem,
  KINDS,
  type KnownItem,
  ROW_FIELDS,
  type ToAuditWriter,
} from '../../shared/protocol/audit.ts';

/** A batch of more is closed: when there are too many, whole batches are given up. */
const FULL_ROWS = 1000;
const FULL_BYTES = 1024 * 1024;
const FLOAT_BYTES = Float64Array.BYTES_PER_ELEMENT;

export class Told {
  /** Monotonic milliseconds: when its first row was told. */
  readonly at = performance.now();
  /** `ROW_FIELDS` numbers for each row. */
  readonly #numbers: number[] = [];
  readonly #lines: Uint8Array[] = [];
  readonly #items: AuditItem[] = [];
  #lineBytes = 0;
  #lastSeq = 0;
  #withoutRecord = 0;

  /** Of its last row. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  get rows(): number {
    return this.#numbers.length / ROW_FIELDS;
  }

  /** Rows that become a record of their own. */
  get records(): number {
    return this.rows - this.#withoutRecord;
  }

  get lineBytes(): number {
    return this.#lineBytes;
  }

  get isFull(): boolean {
    return this.rows >= FULL_ROWS || this.#lineBytes >= FULL_BYTES;
  }

  /** @returns the numbers, to which the caller adds those of its row at once. @param line null: it has none. */
  row(seq: number, line: Uint8Array | null): number[] {
    this.#lastSeq = seq;
    if (line !== null) {
      this.#lines.push(line);
      this.#lineBytes += line.length;
    }
    return this.#numbers;
  }

  item(seq: number, item: AuditItem): void {
    this.#lastSeq = seq;
    this.#items.push(item);
    if (item.type === 'redacted') this.#withoutRecord += 1;
    this.#numbers.push(KINDS.item, seq, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  /** @param known what its rows may name and the thread does not know. @param more items without a place of their own. */
  message(known: readonly KnownItem[], more: readonly AuditItem[]): [ToAuditWriter, ArrayBuffer] {
    const size = this.#numbers.length * FLOAT_BYTES;
    // All of it is written: nothing of what lay there before leaves.
    const bytes = Buffer.allocUnsafeSlow(size + this.#lineBytes);
    new Float64Array(bytes.buffer, 0, this.#numbers.length).set(this.#numbers);
    let to = size;
    for (const line of this.#lines) {
      bytes.set(line, to);
      to += line.length;
    }
    const items = more.length === 0 ? this.#items : [...this.#items, ...more];
    const batch: AuditBatch = {
      known,
      items,
      rows: this.rows,
      bytes: new Uint8Array(bytes.buffer),
    };
    return [{ type: 'batch', ...batch }, bytes.buffer];
  }
}
