/**
 * The call table: every request on its way to a server, from admission to its one answer. Main owns
 * it. Ids are minted here, one sequence for the process, and serve as request id and progress token
 * downstream; the client's own id and token are kept as raw bytes and spliced back.
 */
import type { Frame } from '../../shared/wire/frame.ts';
import { joinExact } from '../../shared/wire/json-rpc.ts';
import { SLOT } from '../../shared/wire/json-scan.ts';
import type { Downstream } from './downstream.ts';
import type { Session } from './session.ts';

export interface Call {
  readonly id: number;
  readonly session: Session;
  /** Raw JSON of the client's id, as bytes and as text. */
  readonly idRaw: Uint8Array;
  readonly idText: string;
  /** Raw JSON of the client's progress token, null when it asked for none. */
  readonly tokenRaw: Uint8Array | null;
  readonly downstream: Downstream;
  readonly method: string;
  /** The complete line for the server; kept until the answer because an unsent call may be queued again. */
  readonly line: Uint8Array;
  /** Monotonic, milliseconds. */
  readonly admittedAt: number;
  readonly totalDeadline: number;
  timer: NodeJS.Timeout;
  /** The incarnation it was posted to, null while it waits in the queue. */
  postedTo: number | null;
  postedAt: number;
}

export class CallTable {
  readonly #calls = new Map<number, Call>();
  #nextId = 1;
  #onIdle: (() => void) | null = null;

  /** Takes the next id; ids start at 1 because some servers ignore the cancellation of request 0. */
  mint(): number {
    return this.#nextId++;
  }

  add(call: Call): void {
    this.#calls.set(call.id, call);
  }

  /** Removes the call; false when it has already been answered. Whoever gets true gives the answer. */
  settle(call: Call): boolean {
    clearTimeout(call.timer);
    const open = this.#calls.delete(call.id);
    if (this.#calls.size === 0) this.#onIdle?.();
    return open;
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

const encoder = new TextEncoder();

/**
 * The line that goes to the server: the client's `params` byte for byte, with the tool's own name and
 * the gateway's progress token in place.
 */
export function downstreamLine(
  id: number,
  method: string,
  frame: Frame,
  toolNameRaw: Uint8Array,
): Uint8Array {
  const edits: { start: number; end: number; bytes: Uint8Array }[] = [];
  const edit = (slot: number, bytes: Uint8Array) => {
    const start = frame.ranges[2 * slot] ?? -1;
    if (start >= 0) edits.push({ start, end: frame.ranges[2 * slot + 1] ?? start, bytes });
  };
  edit(SLOT.paramsName, toolNameRaw);
  edit(SLOT.paramsMetaProgressToken, encoder.encode(String(id)));
  edits.sort((a, b) => a.start - b.start);
  const parts: Uint8Array[] = [
    encoder.encode(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":`),
  ];
  let at = frame.ranges[2 * SLOT.params] ?? 0;
  for (const { start, end, bytes } of edits) {
    parts.push(frame.line.subarray(at, start), bytes);
    at = end;
  }
  parts.push(frame.line.subarray(at, frame.ranges[2 * SLOT.params + 1]), encoder.encode('}\n'));
  return joinExact(parts);
}
