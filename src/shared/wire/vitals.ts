/**
 * Shared memory between main and one supervisor thread: a heartbeat that main can read while the
 * thread is stuck, the thread's OS id, and the process groups it has started, so that main can kill
 * them when the thread no longer can. One writer (the thread), one reader (main).
 */
const BEATS = 0;
const THREAD_ID = 1;
const FIRST_SLOT = 2;
const WORDS_PER_SLOT = 3;

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

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new BigInt64Array(buffer);
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
