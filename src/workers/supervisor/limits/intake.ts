/**
 * Says when a server's output is read. Normally always. One that says too much that answers nothing rests
 * for a while. When the process holds more bytes than its soft limit, servers read on one after the
 * other: the one that has waited longest finishes its message, then the next. Servers with little on
 * its way are not held up by those with much. Owned by one incarnation; holds the timers that look
 * again. Never drops a byte: what is not read stays in the pipe, and the server waits.
 */
import type { ByteCredit } from '../../../shared/memory/byte-credit.ts';
import { OutputBudget } from './output-budget.ts';

/** What is read from. */
export interface Source {
  pause(): void;
  resume(): void;
}

export interface IntakeOptions {
  readonly credit: ByteCredit;
  /** Its entry there. */
  readonly lane: number;
  readonly source: Source;
  /** Bytes of the unfinished message that are kept. */
  readonly heldBytes: () => number;
  /** Bytes of it that were read, kept or not: of what they are nothing is known yet. */
  readonly openBytes: () => number;
  /** Reading has stopped, or goes on: silence means nothing while it has stopped. */
  readonly onPaused: (paused: boolean) => void;
  /** It has been over its budget for long, with hardly a pause. */
  readonly onHeldBack: () => void;
}

/** A lane with less than this held and on its way reads on whatever the others hold. */
const RESERVE_BYTES = 256 * 1024;
const LOOK_MS = 5;
/** Who rests again within this after a rest has said too much all the time, */
const SAME_REST_MS = 500;
/** and after this it is no burst any more. */
const LONG_MS = 3000;
/** A lane whose turn it is and that has nothing to read gives its turn to the next after this. */
const SILENT_MS = 100;

export class Intake {
  readonly #options: IntakeOptions;
  #state: 'open' | 'waiting' | 'turn' | 'closed' = 'open';
  #timer: NodeJS.Timeout | null = null;
  /** A message was sent in this turn: over HTTP others go on beside the one that has to be finished. */
  #sentInTurn = false;
  readonly #budget = new OutputBudget();
  #rest: NodeJS.Timeout | null = null;
  #paused = false;
  #overSince = 0;
  #restedAt = Number.NEGATIVE_INFINITY;
  #told = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** A message goes to main. */
  sent(bytes: number): void {
    const { credit, lane } = this.#options;
    credit.send(lane, bytes);
    this.#sentInTurn = true;
  }

  /** Bytes that were read are an answer that was waited for. */
  useful(bytes: number): void {
    this.#budget.useful(bytes);
  }

  /** A message that answers nothing. */
  unasked(): void {
    this.#budget.message();
  }

  /** A line that is no message. */
  noise(): void {
    this.#budget.noise();
  }

  /** A chunk has been read and dealt with. @param bytes its length. */
  chunk(bytes: number): void {
    if (this.#state === 'closed') return;
    const { credit, lane, heldBytes, openBytes } = this.#options;
    const held = heldBytes();
    credit.hold(lane, held);
    this.#budget.read(bytes);
    const restMs = this.#budget.restMs(openBytes(), performance.now());
    if (restMs > 0) this.#restFor(restMs);
    if (!credit.overSoft || credit.ofLane(lane) < RESERVE_BYTES) return this.#open();
    // Whose turn it is finishes what it has begun.
    if (this.#state === 'turn' && held > 0 && !this.#sentInTurn) return this.#startTimer(SILENT_MS);
    this.#wait();
  }

  close(): void {
    this.#open();
    this.#endRest();
    this.#state = 'closed';
    const { credit, lane } = this.#options;
    credit.hold(lane, 0);
  }

  #open(): void {
    if (this.#state === 'open' || this.#state === 'closed') return;
    const { credit, lane } = this.#options;
    this.#stopTimer();
    credit.leave(lane);
    this.#setState('open');
  }

  #wait(): void {
    const { credit, lane } = this.#options;
    credit.queue(lane);
    this.#setState('waiting');
    this.#startTimer(LOOK_MS);
  }

  #look(): void {
    const { credit, lane, heldBytes } = this.#options;
    if (this.#state === 'turn' || !credit.overSoft || credit.ofLane(lane) < RESERVE_BYTES) {
      // A turn that brought nothing is over; what comes later queues anew.
      return this.#open();
    }
    // Nothing new is begun beyond the hard limit; what has been begun must come to its end.
    const { overHard } = credit;
    if ((overHard && heldBytes() === 0) || !credit.isFirst(lane, overHard)) {
      return this.#startTimer(LOOK_MS);
    }
    this.#sentInTurn = false;
    this.#setState('turn');
    this.#startTimer(SILENT_MS);
  }

  #restFor(ms: number): void {
    this.#watchOver();
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.#endRest(), ms);
    this.#pauseOrResume();
  }

  #watchOver(): void {
    const now = performance.now();
    if (this.#rest === null && now - this.#restedAt > SAME_REST_MS) {
      this.#overSince = now;
      this.#told = false;
    }
    if (this.#told || now - this.#overSince < LONG_MS) return;
    this.#told = true;
    this.#options.onHeldBack();
  }

  #endRest(): void {
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#rest = null;
    this.#restedAt = performance.now();
    this.#pauseOrResume();
  }

  #setState(state: 'open' | 'waiting' | 'turn'): void {
    this.#state = state;
    this.#pauseOrResume();
  }

  #pauseOrResume(): void {
    const isPaused = this.#state === 'waiting' || this.#rest !== null;
    if (isPaused === this.#paused) return;
    this.#paused = isPaused;
    const { source, onPaused } = this.#options;
    if (isPaused) source.pause();
    else source.resume();
    onPaused(isPaused);
  }

  #startTimer(ms: number): void {
    this.#stopTimer();
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
