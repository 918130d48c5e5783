/**
 * The call table: every request on its way to a server, from admission to its one answer. Main owns
 * it. Ids are minted here, one sequence for the process, and serve as request id and progress token
 * at the server; the client's own id and token are kept as raw bytes and spliced back. They are even: the
 * requests that a supervisor makes of its own have odd ones.
 */

import type { Call, CallOwner } from './call.ts';

/** Limits in MiB on the lines of all open calls together: of one client, and of all clients. */
const MAX_CALLS_MIB = { ofClient: 64, ofAll: 192 } as const;
const MIB = 1024 * 1024;
/** Smaller lines are not counted: the limits on the number of calls are enough for them. */
const COUNTED_FROM_BYTES = 64 * 1024;

export class CallTable {
  readonly #calls = new Map<number, Call>();
  /** For each owner, the bytes of its open calls' lines that are counted. */
  readonly #bytes = new Map<CallOwner, number>();
  #allBytes = 0;
  #lastId = 0;
  #onIdle: (() => void) | null = null;

  /** Takes the next id; the first is not 0, because some servers ignore the cancellation of request 0. */
  mint(): number {
    this.#lastId += 2;
    return this.#lastId;
  }

  add(call: Call): void {
    this.#calls.set(call.id, call);
    this.#count(call, call.line.length);
  }

  /** Every call without an answer, in the order of admission. */
  all(): Iterable<Call> {
    return this.#calls.values();
  }

  /** True when one more call of this size may be held until its answer. */
  hasRoom(owner: CallOwner, bytes: number): boolean {
    const own = this.#bytes.get(owner) ?? 0;
    if (bytes < COUNTED_FROM_BYTES) return true;
    const { ofClient, ofAll } = MAX_CALLS_MIB;
    return own + bytes <= ofClient * MIB && this.#allBytes + bytes <= ofAll * MIB;
  }

  /** Removes the call; false when it has already been answered. The caller that gets true gives the answer. */
  settle(call: Call): boolean {
    clearTimeout(call.timer);
    const open = this.#calls.delete(call.id);
    if (open) this.#count(call, -call.line.length);
    if (this.#calls.size === 0) this.#onIdle?.();
    return open;
  }

  #count({ owner, line }: Call, bytes: number): void {
    if (line.length < COUNTED_FROM_BYTES) return;
    const own = (this.#bytes.get(owner) ?? 0) + bytes;
    if (own === 0) this.#bytes.delete(owner);
    else this.#bytes.set(owner, own);
    this.#allBytes += bytes;
  }

  /** Calls back once no call is left, at once when that is so already. */
  whenIdle(callback: () => void): void {
    this.#onIdle = () => {
      this.#onIdle = null;
      // The caller of `settle` has still to write the answer of the last call.
      setImmediate(callback);
    };
    if (this.#calls.size === 0) this.#onIdle();
  }
}

export const TOO_MANY_BYTES = {
  code: 'ERR_QUEUE_FULL',
  outcome: 'not_sent',
  message: `calls without an answer hold all the bytes that they may (${MAX_CALLS_MIB.ofClient} MiB of one client, ${MAX_CALLS_MIB.ofAll} of all); the call was not sent`,
  retryAt: null,
} as const;
