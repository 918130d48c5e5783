/**
 * Shared memory between main and one supervisor thread, readable while the thread is stuck: a heartbeat,
 * the thread's OS id, the server that it works for now, its time for each server, and the process groups
 * that it started, so that main can kill them when the thread no longer can. One writer (the thread), one
 * reader (main).
 */
const BEATS = 0;
const THREAD_ID = 1;
const WORKS_FOR = 2;
const FIRST_SLOT = 3;
const WORDS_PER_SLOT = 4;
const WORKED = 3;

/** A process group as the thread recorded it right after the spawn. */
export interface RecordedGroup {
  readonly pgid: number;
  readonly incarnation: number;
  /** Clock ticks since boot, 0 when unknown. */
  readonly startTime: bigint;
}

export class ThreadVitals {
  readonly buffer: SharedArrayBuffer;
  readonly #words: BigInt64Array;
  /** The same words in halves; only first halves are used. Big integers cost too much for every chunk. */
  readonly #halves: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new BigInt64Array(buffer);
    this.#halves = new Int32Array(buffer);
  }

  static create(slots: number): ThreadVitals {
    return new ThreadVitals(new SharedArrayBuffer(8 * (FIRST_SLOT + WORDS_PER_SLOT * slots)));
  }

  beat(): void {
    Atomics.add(this.#words, BEATS, 1n);
  }

  beats(): bigint {
    return Atomics.load(this.#words, BEATS);
  }

  /** OS thread id, 0 until the thread has told it (or where there is none). */
  threadId(): number {
    return Number(Atomics.load(this.#words, THREAD_ID));
  }

  setThreadId(tid: number): void {
    Atomics.store(this.#words, THREAD_ID, BigInt(tid));
  }

  /** The thread begins to work for a slot. */
  begin(slot: number): void {
    Atomics.store(this.#halves, 2 * WORKS_FOR, slot + 1);
  }

  /** The thread has finished its work for the slot. @param us its time, in microseconds. */
  end(slot: number, us: number): void {
    Atomics.store(this.#halves, 2 * WORKS_FOR, 0);
    Atomics.add(this.#halves, 2 * (FIRST_SLOT + WORDS_PER_SLOT * slot + WORKED), us);
  }

  /** The slot that the thread works for now; null when it works for none. */
  worksFor(): number | null {
    const slot = Atomics.load(this.#halves, 2 * WORKS_FOR);
    return slot === 0 ? null : slot - 1;
  }

  /** Microseconds that the thread has worked for a slot; starts again at 0 after 2^32. */
  workedUs(slot: number): number {
    return Atomics.load(this.#halves, 2 * (FIRST_SLOT + WORDS_PER_SLOT * slot + WORKED)) >>> 0;
  }

  /** Nothing runs in the thread any more. */
  clearWork(): void {
    Atomics.store(this.#halves, 2 * WORKS_FOR, 0);
  }

  setGroup(slot: number, group: RecordedGroup | null): void {
    const at = FIRST_SLOT + WORDS_PER_SLOT * slot;
    Atomics.store(this.#words, at + 1, group?.startTime ?? 0n);
    Atomics.store(this.#words, at + 2, BigInt(group?.incarnation ?? 0));
    Atomics.store(this.#words, at, BigInt(group?.pgid ?? 0));
  }

  group(slot: number): RecordedGroup | null {
    const at = FIRST_SLOT + WORDS_PER_SLOT * slot;
    const pgid = Number(Atomics.load(this.#words, at));
    if (pgid === 0) return null;
    return {
      pgid,
      startTime: Atomics.load(this.#words, at + 1),
      incarnation: Number(Atomics.load(this.#words, at + 2)),
    };
  }
}
