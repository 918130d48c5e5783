/**
 * The lines on their way to a child's stdin. Lines of one turn of the loop are written together, many lines
 * in parts. The next part is written when the pipe has taken the one before, so that after a death it is
 * known which calls never left. Owned by the child.
 */
import type { Writable } from 'node:stream';
import { ignoreBrokenPipe } from '../../process/broken-pipe.ts';

interface Entry {
  readonly line: Uint8Array;
  readonly call: number | null;
}

/** With this many lines the writing begins at once, before the end of the turn. */
const PUMP_LINES = 32;
/** Lines are joined to one write up to this size, the usual capacity of a pipe. */
const JOIN_BYTES = 64 * 1024;

export class WriteQueue {
  readonly #pipe: Writable;
  /** Lines not yet handed over, from `#next` on. */
  #entries: Entry[] = [];
  #next = 0;
  #bytes = 0;
  #state: 'open' | 'ending' | 'closed' = 'open';
  #due = false;

  /** @param onBroken called once when the reader closed its end. */
  constructor(pipe: Writable, onBroken: () => void) {
    this.#pipe = pipe;
    pipe.on('error', ignoreBrokenPipe);
    pipe.once('error', () => {
      this.#state = 'closed';
      onBroken();
    });
  }

  /** Bytes not yet handed over. */
  get bytes(): number {
    return this.#bytes;
  }

  push(line: Uint8Array, call: number | null): void {
    this.#entries.push({ line, call });
    this.#bytes += line.length;
    if (this.#entries.length - this.#next >= PUMP_LINES) return this.#pump();
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.#pump();
    });
  }

  /** Removes a call. @returns false when it is already in the pipe or was never here. */
  withdraw(call: number): boolean {
    const at = this.#entries.findIndex(
      (entry, index) => index >= this.#next && entry.call === call,
    );
    if (at < 0) return false;
    this.#bytes -= this.#entries[at]?.line.length ?? 0;
    this.#entries.splice(at, 1);
    return true;
  }

  /** Calls not yet handed over. */
  calls(): number[] {
    return this.#entries.slice(this.#next).flatMap(({ call }) => call ?? []);
  }

  /** Ends the stream after what is queued. */
  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#pump();
  }

  /** Nothing is written any more; queued lines stay queued. */
  close(): void {
    this.#state = 'closed';
  }

  #pump(): void {
    while (this.#state !== 'closed' && this.#pipe.writableLength === 0) {
      const lines = this.#take();
      if (lines === null) break;
      this.#pipe.write(lines, (error) => {
        if (error) this.#state = 'closed';
        else this.#pump();
      });
    }
    if (this.#next === this.#entries.length) {
      this.#entries = [];
      this.#next = 0;
      if (this.#state === 'ending') {
        this.#state = 'closed';
        this.#pipe.end();
      }
    }
  }

  /** The next line and as many after it as make one write; null when the queue is empty. */
  #take(): Uint8Array | null {
    const first = this.#entries[this.#next];
    if (first === undefined) return null;
    const lines: Uint8Array[] = [];
    let bytes = 0;
    for (let entry: Entry | undefined = first; entry !== undefined; ) {
      if (lines.length > 0 && bytes + entry.line.length > JOIN_BYTES) break;
      lines.push(entry.line);
      bytes += entry.line.length;
      this.#next += 1;
      entry = this.#entries[this.#next];
    }
    this.#bytes -= bytes;
    return lines.length === 1 ? first.line : Buffer.concat(lines, bytes);
  }
}
