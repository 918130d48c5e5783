/**
 * Says when a server's output is read: backpressure towards the server, by two rules. `CreditTurn`: while
 * the process holds too many bytes, servers read on one after the other. `BudgetPause`: a server that says
 * too much that answers nothing is not read for a while. Never drops a byte: what is not read stays in the
 * pipe, and the server waits. Owned by one incarnation; holds the timers.
 */
import type { ByteCredit } from '../../../shared/memory/byte-credit.ts';
import { BudgetPause } from './budget-pause.ts';
import { type CreditTurn, isWaiting, onChunk, onSent, onTimer } from './credit-turn.ts';
import { LaneCredit } from './lane-credit.ts';
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
  readonly #pause: BudgetPause;
  #turn: CreditTurn = 'open';
  #turnTimer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor({ credit, lane, readers, listener }: ReadThrottleOptions) {
    this.#readers = readers;
    this.#listener = listener;
    this.#credit = new LaneCredit(credit, lane, readers);
    this.#pause = new BudgetPause({
      changed: () => this.#apply(),
      overloaded: () => listener.overloaded(),
    });
  }

  /** A message goes to main. */
  sent(bytes: number): void {
    this.#credit.send(bytes);
    this.#turn = onSent(this.#turn);
  }

  /** Bytes that were read are an answer that was waited for. */
  useful(bytes: number): void {
    this.#pause.budget.useful(bytes);
  }

  /** An unsolicited message: not a response to any request of ours. */
  unsolicited(): void {
    this.#pause.budget.unsolicited();
  }

  /** A line that is no message. */
  noise(): void {
    this.#pause.budget.noise(1);
  }

  /** A chunk has been read and dealt with. @param bytes its length. */
  chunk(bytes: number): void {
    if (this.#turn === 'closed') return;
    this.#credit.hold();
    this.#pause.budget.read(bytes);
    this.#pause.charge(this.#readers.openBytes());
    const turn = onChunk(this.#turn, this.#credit);
    if (turn === 'waiting') this.#credit.queue();
    this.#enter(turn);
  }

  /** Reads on without limits, so that the last words of a server are heard. */
  close(): void {
    this.#enter('open');
    this.#turn = 'closed';
    this.#pause.end();
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
    this.#turn = turn;
    this.#apply();
  }

  #setTurnTimer(ms: number | null): void {
    if (this.#turnTimer !== null) clearTimeout(this.#turnTimer);
    const fire = () => this.#enter(onTimer(this.#turn, this.#credit));
    this.#turnTimer = ms === null ? null : setTimeout(fire, ms);
  }

  #apply(): void {
    const stops = isWaiting(this.#turn) || this.#pause.on;
    if (stops === this.#stopped) return;
    this.#stopped = stops;
    if (stops) this.#readers.pause();
    else this.#readers.resume();
    this.#listener.paused(stops);
  }
}
