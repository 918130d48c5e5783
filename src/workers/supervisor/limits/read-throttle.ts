/**
 * Says when a server's output is read: backpressure towards the server, by two rules. `CreditTurn`: while
 * the process holds too many bytes, servers read on one after the other. `Overload`: a server that says too
 * much that answers nothing is not read for a while. Never drops a byte: what is not read stays in the
 * pipe, and the server waits. Owned by one incarnation; holds the timers.
 */
import type { ByteCredit } from '../../../shared/memory/byte-credit.ts';
import { type CreditTurn, isWaiting, onChunk, onSent, onTimer } from './credit-turn.ts';
import { LaneCredit } from './lane-credit.ts';
import { OutputBudget } from './output-budget.ts';
import { isPaused, NO_OVERLOAD, type Overload, onOverBudget, onPauseOver } from './overload.ts';
import type { Readers } from './readers.ts';

export interface ThrottleListener {
  /** Reading has stopped or goes on. While it has stopped, silence of the server means nothing. */
  paused(paused: boolean): void;
  /** The server has been over its budget for seconds, with hardly a pause. */
  overloaded(): void;
}

export interface ReadThrottleOptions {
  readonly credit: ByteCredit;
  /** Index of the server's entry in the credit. */
  readonly lane: number;
  readonly readers: Readers;
  readonly listener: ThrottleListener;
}

/** Between two looks at the queue. */
const LOOK_MS = 5;
/** A turn in which nothing arrives for this long goes to the next server. */
const SILENT_MS = 100;

export class ReadThrottle {
  readonly #readers: Readers;
  readonly #listener: ThrottleListener;
  readonly #credit: LaneCredit;
  readonly #budget = new OutputBudget();
  #turn: CreditTurn = 'open';
  #overload: Overload = NO_OVERLOAD;
  #turnTimer: NodeJS.Timeout | null = null;
  #pauseTimer: NodeJS.Timeout | null = null;

  constructor({ credit, lane, readers, listener }: ReadThrottleOptions) {
    this.#readers = readers;
    this.#listener = listener;
    this.#credit = new LaneCredit(credit, lane, readers);
  }

  /** A message goes to main. */
  sent(bytes: number): void {
    this.#credit.send(bytes);
    this.#turn = onSent(this.#turn);
  }

  /** Bytes that were read are an answer that was waited for. */
  useful(bytes: number): void {
    this.#budget.useful(bytes);
  }

  /** An unsolicited message: not a response to any request of ours. */
  unsolicited(): void {
    this.#budget.unsolicited();
  }

  /** A line that is no message. */
  noise(): void {
    this.#budget.noise();
  }

  /** A chunk has been read and dealt with. @param bytes its length. */
  chunk(bytes: number): void {
    if (this.#turn === 'closed') return;
    this.#credit.hold();
    this.#budget.read(bytes);
    const now = performance.now();
    const pauseMs = this.#budget.pauseMs(this.#readers.openBytes(), now);
    if (pauseMs > 0) this.#pauseFor(pauseMs, now);
    const turn = onChunk(this.#turn, this.#credit);
    if (turn === 'waiting') this.#credit.queue();
    this.#enter(turn);
  }

  /** Reads on without limits, so that the last words of a server are heard. */
  close(): void {
    this.#enter('open');
    this.#turn = 'closed';
    this.#endPause();
    this.#credit.holdNothing();
  }

  #enter(turn: CreditTurn): void {
    if (turn === 'open' || turn === 'closed') {
      if (this.#turn === turn || this.#turn === 'closed') return;
      this.#credit.leaveQueue();
      this.#setTurnTimer(null);
    } else {
      this.#setTurnTimer(turn === 'waiting' ? LOOK_MS : SILENT_MS);
    }
    this.#move(turn, this.#overload);
  }

  #setTurnTimer(ms: number | null): void {
    if (this.#turnTimer !== null) clearTimeout(this.#turnTimer);
    const fire = () => this.#enter(onTimer(this.#turn, this.#credit));
    this.#turnTimer = ms === null ? null : setTimeout(fire, ms);
  }

  #pauseFor(ms: number, now: number): void {
    const [overload, verdict] = onOverBudget(this.#overload, now);
    if (verdict === 'pause_and_report') this.#listener.overloaded();
    if (this.#pauseTimer !== null) clearTimeout(this.#pauseTimer);
    this.#pauseTimer = setTimeout(() => this.#endPause(), ms);
    this.#move(this.#turn, overload);
  }

  #endPause(): void {
    if (this.#pauseTimer !== null) clearTimeout(this.#pauseTimer);
    this.#pauseTimer = null;
    this.#move(this.#turn, onPauseOver(this.#overload, performance.now()));
  }

  get #stopsReading(): boolean {
    return isWaiting(this.#turn) || isPaused(this.#overload);
  }

  #move(turn: CreditTurn, overload: Overload): void {
    const stopped = this.#stopsReading;
    this.#turn = turn;
    this.#overload = overload;
    const stops = this.#stopsReading;
    if (stops === stopped) return;
    if (stops) this.#readers.pause();
    else this.#readers.resume();
    this.#listener.paused(stops);
  }
}
