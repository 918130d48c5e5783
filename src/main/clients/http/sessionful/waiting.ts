/**
 * Messages for a client that has no stream open for them: it opens one only after `initialize`, and
 * reconnects after a break. The newest are kept, in order and within bounds, so that for example a
 * change of the tool list is not lost in between.
 */
import { sizeOf } from '../../../../shared/json/json-rpc.ts';

const MAX_MESSAGES = 256;
const MAX_BYTES = 1024 * 1024;

export class Waiting {
  #messages: (readonly Uint8Array[])[] = [];
  #bytes = 0;

  add(parts: readonly Uint8Array[]): void {
    this.#messages.push(parts);
    this.#bytes += sizeOf(parts);
    while (this.#messages.length > MAX_MESSAGES || this.#bytes > MAX_BYTES) {
      const oldest = this.#messages.shift();
      if (oldest === undefined) return;
      this.#bytes -= sizeOf(oldest);
    }
  }

  /** Empties it; oldest first. */
  takeAll(): (readonly Uint8Array[])[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    return messages;
  }
}
