/**
 * The call table: every request on its way to a server, from admission to its one answer. Main owns
 * it. Ids are minted here, one sequence for the process, and serve as request id and progress token
 * downstream; the client's own id and token are kept as raw bytes and spliced back.
 */
import { type Frame, rangeOf } from '../../shared/wire/frame.ts';
import { SLOT } from '../../shared/wire/json-scan.ts';
import type { AnswerMessage, ByteRange, TaskAnswer } from '../../shared/wire/protocol.ts';
import type { Downstream } from './downstream.ts';
import type { Failure } from './failures.ts';

/** Who gets what a call brings: a session, or the gateway itself. */
export interface CallOwner {
  /** It has not taken what it got: no further call of it is sent to a server until it does. */
  readonly congested: boolean;
  /** The one answer. */
  answer(call: { readonly idText: string }, parts: readonly Uint8Array[]): void;
  /** Something before the answer. */
  send(parts: readonly Uint8Array[], idText: string): void;
}

export interface Call {
  readonly id: number;
  readonly session: CallOwner;
  /** Raw JSON of the client's id, as bytes and as text. */
  readonly idRaw: Uint8Array;
  readonly idText: string;
  /** Raw JSON of the client's progress token, null when it asked for none. */
  readonly tokenRaw: Uint8Array | null;
  /** Another one when its server is replaced while it waits. */
  downstream: Downstream;
  readonly method: string;
  /** The complete line for the server; kept until the answer because an unsent call may be queued again. */
  readonly line: Uint8Array;
  /** Monotonic, milliseconds. */
  readonly admittedAt: number;
  readonly totalDeadline: number;
  /** The call has ended; `answered` when the server has answered, `ok` when with a result. */
  readonly onEnd: ((ok: boolean, answered: boolean) => void) | null;
  /** Asked before one that waits is sent: what it is about may be gone with the process that had it. */
  readonly lapsed: ((server: Downstream) => Omit<Failure, 'server' | 'phase'> | null) | null;
  /** The server does not know what was asked for: true when another one is asked instead. */
  readonly elsewhere: (() => boolean) | null;
  /** What its answer is looked into for by the supervisor thread. */
  readonly tasks: TaskAnswer | null;
  /** Told what was found there, before the answer is given. @returns what to replace in it. */
  readonly onTasks: ((answer: AnswerMessage, call: Call) => readonly Edit[]) | null;
  /**
   * It may take any time, as `tasks/result` does: it has no deadline, says nothing about how fast or
   * healthy the server is, and takes no other call's place.
   */
  readonly patient: boolean;
  timer: NodeJS.Timeout;
  /** The incarnation it was posted to, null while it waits in the queue. */
  postedTo: number | null;
  postedAt: number;
}

/** What the lines of the open calls of one client, and of all clients, may hold together, in MiB. */
const MAX_CALLS_MIB = { ofClient: 64, ofAll: 192 } as const;
const MIB = 1024 * 1024;
/** Of smaller ones the limits on their number are enough. */
const COUNTED_FROM_BYTES = 64 * 1024;

export class CallTable {
  readonly #calls = new Map<number, Call>();
  /** Bytes of the lines of each owner's open calls, of those that count. */
  readonly #bytes = new Map<CallOwner, number>();
  #allBytes = 0;
  #nextId = 1;
  #onIdle: (() => void) | null = null;

  /** Takes the next id; ids start at 1 because some servers ignore the cancellation of request 0. */
  mint(): number {
    return this.#nextId++;
  }

  add(call: Call): void {
    this.#calls.set(call.id, call);
    this.#count(call, call.line.length);
  }

  /** Whether one more call of this size may be held until its answer. */
  hasRoom(owner: CallOwner, bytes: number): boolean {
    const own = this.#bytes.get(owner) ?? 0;
    if (bytes < COUNTED_FROM_BYTES) return true;
    const { ofClient, ofAll } = MAX_CALLS_MIB;
    return own + bytes <= ofClient * MIB && this.#allBytes + bytes <= ofAll * MIB;
  }

  /** Removes the call; false when it has already been answered. Whoever gets true gives the answer. */
  settle(call: Call): boolean {
    clearTimeout(call.timer);
    const open = this.#calls.delete(call.id);
    if (open) this.#count(call, -call.line.length);
    if (this.#calls.size === 0) this.#onIdle?.();
    return open;
  }

  #count({ session, line }: Call, bytes: number): void {
    if (line.length < COUNTED_FROM_BYTES) return;
    const own = (this.#bytes.get(session) ?? 0) + bytes;
    if (own === 0) this.#bytes.delete(session);
    else this.#bytes.set(session, own);
    this.#allBytes += bytes;
  }

  /** Calls back once no call is left, at once when that is so already. */
  whenIdle(callback: () => void): void {
    this.#onIdle = () => {
      this.#onIdle = null;
      // The answer of the last call is still to be written by whoever settled it.
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

const END_OF_LINE = Buffer.from('}\n');

/** Bytes of the client's line to be replaced. */
export interface Edit {
  readonly at: ByteRange;
  readonly with: Uint8Array;
}

/**
 * The line that goes to the server: the client's `params` byte for byte, with the edits and the
 * gateway's progress token in place.
 */
export function downstreamLine(
  id: number,
  method: string,
  frame: Frame,
  edits: readonly Edit[],
): Uint8Array {
  const head = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}`;
  const params = rangeOf(frame, SLOT.params);
  if (params === null) return Buffer.from(`${head}}\n`);
  const token = rangeOf(frame, SLOT.paramsMetaProgressToken);
  const all = token === null ? edits : [...edits, { at: token, with: Buffer.from(String(id)) }];
  const parts: Uint8Array[] = [Buffer.from(`${head},"params":`)];
  let [at] = params;
  const ordered = all.length < 2 ? all : all.toSorted((a, b) => a.at[0] - b.at[0]);
  for (const edit of ordered) {
    parts.push(frame.line.subarray(at, edit.at[0]), edit.with);
    [, at] = edit.at;
  }
  parts.push(frame.line.subarray(at, params[1]), END_OF_LINE);
  // Small ones share a pool: they are copied once more on their way to the thread.
  return Buffer.concat(parts);
}
