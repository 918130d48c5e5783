/**
 * Main's heartbeat: shows the state writer that main is alive, measures how late main's timers are,
 * checks the threads, and looks at the kill switch, which nobody else does while there are no calls.
 */
import type { HaltSwitch } from '../calls/gate/halt.ts';

const BEAT_MS = 250;

export interface HeartbeatOptions {
  /** Counts the beats; shared with the state writer. */
  readonly beats: SharedArrayBuffer;
  readonly halt: Pick<HaltSwitch, 'active' | 'refresh'>;
  /** Called at each beat. @param loopLagMs how late the beat is. */
  readonly onBeat: (now: number, loopLagMs: number) => void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: NodeJS.Timeout | null = null;
  #loopLagMs = 0;
  #due = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** How late the last beat was, milliseconds. */
  get loopLagMs(): number {
    return this.#loopLagMs;
  }

  start(): void {
    this.#due = performance.now() + BEAT_MS;
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #beat(): void {
    const { beats, halt, onBeat } = this.#options;
    const now = performance.now();
    this.#loopLagMs = Math.max(0, Math.round((now - this.#due) * 10) / 10);
    this.#due = now + BEAT_MS;
    Atomics.add(new Int32Array(beats), 0, 1);
    onBeat(now, this.#loopLagMs);
    halt.refresh();
    halt.active();
  }
}
