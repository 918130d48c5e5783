/**
 * Tells a stuck thread from a starved one: its heartbeat stands still *and* it burns CPU. Pure over
 * the samples handed in; the thread handle takes them.
 */

/** One look at a thread. Times in milliseconds, monotonic. */
export interface ThreadSample {
  readonly now: number;
  readonly beats: bigint;
  /** CPU time the thread has used so far, taken only when asked for. */
  readonly cpuMs: () => number | null;
}

interface Standstill {
  readonly since: number;
  readonly cpuMs: number | null;
}

/** A thread that stands still this many times longer is stuck even if it uses no CPU (a blocked system call). */
const BLOCKED_FACTOR = 20;
/** Loading its modules can take a thread long on a busy machine; it has no heartbeat before that. */
const START_MS = 20_000;
/** A gap between two looks longer than this says that main itself was held up: start over. */
const OWN_GAP_MS = 1000;

export class ThreadWatch {
  readonly #stallMs: number;
  readonly #atStart: bigint;
  #beats: bigint;
  #lastLook: number | null = null;
  #standstill: Standstill | null = null;

  /** @param beats where the counter stands as the thread is started. */
  constructor(stallMs: number, beats: bigint) {
    this.#stallMs = stallMs;
    this.#atStart = beats;
    this.#beats = beats;
  }

  /** True once the thread counts as stalled. */
  look(sample: ThreadSample): boolean {
    const gap = this.#lastLook === null ? 0 : sample.now - this.#lastLook;
    this.#lastLook = sample.now;
    if (sample.beats !== this.#beats || gap > OWN_GAP_MS) {
      this.#beats = sample.beats;
      this.#standstill = null;
      return false;
    }
    if (this.#standstill === null) {
      this.#standstill = { since: sample.now, cpuMs: sample.cpuMs() };
      return false;
    }
    const stood = sample.now - this.#standstill.since;
    if (stood < (this.#beats === this.#atStart ? START_MS : this.#stallMs)) return false;
    if (stood >= this.#stallMs * BLOCKED_FACTOR) return true;
    const cpu = sample.cpuMs();
    if (cpu === null || this.#standstill.cpuMs === null) return false;
    return cpu - this.#standstill.cpuMs >= this.#stallMs / 2;
  }
}
