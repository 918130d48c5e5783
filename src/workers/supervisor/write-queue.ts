/**
 * The lines on their way to a child's stdin. A line is handed to the pipe only when the one before it
 * has gone through, so that after a death it is known which calls never left. Owned by the child.
 */
import type { Writable } from 'node:stream';
import { ignoreBrokenPipe } from './errors.ts';

interface Entry {
  readonly line: Uint8Array;
  readonly call: number | null;
}

export class WriteQueue {
  readonly #pipe: Writable;
  /** Lines not yet handed over, from `#next` on. */
  #entries: Entry[] = [];
  #next = 0;
  #bytes = 0;
  #state: 'open' | 'ending' | 'closed' = 'open';

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
    this.#pump();
  }

  /** Takes a call out again; false when it is already in the pipe or was never here. */
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

  /** Nothing is written any more; what is queued stays queued. */
  close(): void {
    this.#state = 'closed';
  }

  #pump(): void {
    while (this.#state !== 'closed' && this.#pipe.writableLength === 0) {
      const entry = this.#entries[this.#next];
      if (entry === undefined) break;
      this.#next += 1;
      this.#bytes -= entry.line.length;
      this.#pipe.write(entry.line, (error) => {
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
}
