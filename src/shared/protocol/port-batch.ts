/**
 * Collects messages for one port and posts them together at the end of the turn of the loop: waking the
 * other thread costs more than most messages. Keeps their order. Small lines of calls and answers share
 * one buffer. The sender owns a `PortBatch`, the receiver calls `messagesIn`.
 */
import { type Packable, pack, unpack } from './packed.ts';

/** Messages that are posted together. */
export interface Batch<M> {
  /** In order. A packed message is an array of numbers; the last number is the length of its line. */
  readonly items: readonly (M | readonly number[])[];
  /** The lines of the packed messages, one after the other. */
  readonly lines: Uint8Array | null;
}

export interface PortBatchOptions<M> {
  readonly post: (batch: Batch<M>, transfer: ArrayBuffer[]) => void;
  /** Runs something at the end of the present turn. */
  readonly later: (flush: () => void) => void;
}

/** Larger or longer batches are posted at once, so that both threads work at the same time. */
const FLUSH_BYTES = 64 * 1024;
const FLUSH_ITEMS = 32;
/** A longer line is not copied: its buffer is transferred. */
const PACKED_BYTES = 32 * 1024;

export class PortBatch<M extends Packable> {
  readonly #options: PortBatchOptions<M>;
  #items: (M | number[])[] = [];
  #transfer: ArrayBuffer[] = [];
  #lines: Uint8Array[] = [];
  #packedBytes = 0;
  #bytes = 0;
  #due = false;

  constructor(options: PortBatchOptions<M>) {
    this.#options = options;
  }

  /** @param transfer buffers transferred with the message; the caller must not use them any more. */
  add(message: M, transfer: readonly ArrayBuffer[]): void {
    if (!this.#pack(message)) {
      this.#items.push(message);
      for (const buffer of transfer) {
        this.#transfer.push(buffer);
        this.#bytes += buffer.byteLength;
      }
    }
    if (this.#bytes >= FLUSH_BYTES || this.#items.length >= FLUSH_ITEMS) return this.flush();
    if (this.#due) return;
    this.#due = true;
    this.#options.later(() => {
      this.#due = false;
      this.flush();
    });
  }

  /** Posts the messages collected so far. */
  flush(): void {
    if (this.#items.length === 0) return;
    const batch = { items: this.#items, lines: this.#join() };
    const transfer = this.#transfer;
    this.#items = [];
    this.#transfer = [];
    this.#lines = [];
    this.#packedBytes = 0;
    this.#bytes = 0;
    this.#options.post(batch, transfer);
  }

  #pack(message: M): boolean {
    if (!('line' in message) || message.line.length > PACKED_BYTES) return false;
    const numbers = pack(message);
    if (numbers === null) return false;
    const { line } = message;
    numbers.push(line.length);
    this.#items.push(numbers);
    this.#lines.push(line);
    this.#packedBytes += line.length;
    this.#bytes += line.length;
    return true;
  }

  #join(): Uint8Array | null {
    if (this.#lines.length === 0) return null;
    const lines = new Uint8Array(this.#packedBytes);
    let at = 0;
    for (const line of this.#lines) {
      lines.set(line, at);
      at += line.length;
    }
    this.#transfer.push(lines.buffer);
    return lines;
  }
}

/** Calls back for each message of a batch. Lines of packed messages are views of one buffer. */
export function messagesIn<M extends Packable>(
  { items, lines }: Batch<M>,
  receive: (message: M) => void,
): void {
  let at = 0;
  for (const item of items) {
    if (!isPacked(item)) {
      receive(item);
      continue;
    }
    const length = item[item.length - 1] ?? 0;
    const line = (lines ?? NOTHING).subarray(at, at + length);
    at += length;
    receive(unpack(item, line) as M);
  }
}

const NOTHING = new Uint8Array(0);

function isPacked<M extends Packable>(item: M | readonly number[]): item is readonly number[] {
  return Array.isArray(item);
}
