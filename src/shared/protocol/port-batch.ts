/**
 * Messages on their way to one port, posted together at the end of the turn of the loop: waking the
 * other thread costs more than most messages. Keeps their order. Small lines of calls and answers share
 * one buffer. The sending end owns a `PortBatch`, the receiving end calls `messagesIn`.
 */
import { type Packable, pack, unpack } from './packed.ts';

/** What goes through a port at once. */
export interface Batch<M> {
  /** In order; a packed one is the numbers, the last of which is the length of its line. */
  readonly items: readonly (M | readonly number[])[];
  /** The lines of the packed ones, one after the other. */
  readonly lines: Uint8Array | null;
}

export interface PortBatchOptions<M> {
  readonly post: (batch: Batch<M>, transfer: ArrayBuffer[]) => void;
  /** Runs something at the end of the present turn. */
  readonly later: (flush: () => void) => void;
}

/** Beyond one of these the other side begins at once, so that both are at work and not one after the other. */
const FLUSH_BYTES = 64 * 1024;
const FLUSH_ITEMS = 32;
/** A longer line is not copied: its buffer changes hands. */
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

  /** @param transfer what changes hands with the message, and must not be used any more. */
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

  /** Posts what there is now. */
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

/** Hands over the messages of a batch one by one. Lines of packed ones are views of one buffer. */
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
