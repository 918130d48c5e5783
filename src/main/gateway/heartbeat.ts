/**
 * Main's heartbeat: shows the state writer that main is alive, measures how late main's timers are,
 * checks the threads, and notices when the kill switch is set or cleared.
 */
import type { Halt, HaltSwitch } from '../calls/gate/halt.ts';

const BEAT_MS = 250;

export interface HeartbeatOptions {
  /** Counts the beats; shared with the state writer. */
  readonly beats: SharedArrayBuffer;
  readonly halt: Pick<HaltSwitch, 'active'>;
  /** Called at each beat. @param loopLagMs how late the beat is. */
  readonly onBeat: (now: number, loopLagMs: number) => void;
  readonly onHalt: (halt: Halt) => void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: NodeJS.Timeout | null = null;
  #loopLagMs = 0;
  #due = 0;
  #halt: Halt;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#halt = options.halt.active();
  }

  /** How late the last beat was, milliseconds. */
  get loopLagMs(): number {
    return this.#loopLagMs;
  }

  start(): void {
    this.#halt = this.#options.halt.active();
    this.#due = performance.now() + BEAT_MS;
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #beat(): void {
    const { beats, halt, onBeat, onHalt } = this.#options;
    const now = performance.now();
    this.#loopLagMs = Math.max(0, Math.round((now - this.#due) * 10) / 10);
    this.#due = now + BEAT_MS;
    Atomics.add(new Int32Array(beats), 0, 1);
    onBeat(now, this.#loopLagMs);
    const seen = halt.active();
    if (seen.active === this.#halt.active && seen.reason === this.#halt.reason) return;
    this.#halt = seen;
    onHalt(seen);
  }
}
