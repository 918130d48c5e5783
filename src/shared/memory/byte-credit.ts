/**
 * How many bytes of servers' messages the process holds, in memory shared by all threads: unfinished
 * lines in the supervisors' threads, finished ones on their way to main, and what clients have not
 * taken yet. Ports and streams would hold any amount; this says when to stop reading. Each lane has an
 * entry of its own; a lane's thread writes what it holds and sends, main takes off what has arrived.
 */

const TOTAL = 0;
const LAST_TURN = 1;
const SOFT = 2;
const HARD = 3;
const FIRST_LANE = 4;
const HELD = 0;
const SENT = 1;
const TURN = 2;
const WORDS_PER_LANE = 3;

/** Bytes are counted in units of this many, rounded up, so that they fit 32 bits. */
const UNIT = 1024;

export interface CreditLimits {
  /** Beyond this only one lane at a time reads on. */
  readonly softBytes: number;
  /** Beyond this nothing new is begun. */
  readonly hardBytes: number;
}

export class ByteCredit {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** @param lanes how many there may be at the same time. */
  static create(lanes: number, limits: CreditLimits): ByteCredit {
    const words = FIRST_LANE + lanes * WORDS_PER_LANE;
    const credit = new ByteCredit(new SharedArrayBuffer(words * 4));
    credit.setLimits(limits);
    return credit;
  }

  /** From now on these hold, in all threads. */
  setLimits({ softBytes, hardBytes }: CreditLimits): void {
    Atomics.store(this.#words, SOFT, unitsOf(softBytes));
    Atomics.store(this.#words, HARD, unitsOf(hardBytes));
  }

  /** How many lanes there may be at the same time. */
  get lanes(): number {
    return (this.#words.length - FIRST_LANE) / WORDS_PER_LANE;
  }

  get bytes(): number {
    return Atomics.load(this.#words, TOTAL) * UNIT;
  }

  get overSoft(): boolean {
    return Atomics.load(this.#words, TOTAL) > this.#words[SOFT]!;
  }

  get overHard(): boolean {
    return Atomics.load(this.#words, TOTAL) > this.#words[HARD]!;
  }

  /** What a client has not taken yet. @param units may be negative: it has taken some. */
  addUnits(units: number): void {
    if (units !== 0) Atomics.add(this.#words, TOTAL, units);
  }

  /** Main has dealt with a message of a lane. */
  arrived(lane: number, bytes: number): void {
    this.#change(lane, SENT, -unitsOf(bytes));
  }

  /** The lane's thread is gone, and what it held and sent with it. */
  clear(lane: number): void {
    for (const word of [HELD, SENT]) {
      const units = Atomics.exchange(this.#words, wordOf(lane, word), 0);
      Atomics.sub(this.#words, TOTAL, units);
    }
    Atomics.store(this.#words, wordOf(lane, TURN), 0);
  }

  /** The lane's unfinished line. */
  hold(lane: number, bytes: number): void {
    const before = Atomics.load(this.#words, wordOf(lane, HELD));
    const units = unitsOf(bytes);
    if (units !== before) this.#change(lane, HELD, units - before);
  }

  /** The lane sends a message to main. */
  send(lane: number, bytes: number): void {
    this.#change(lane, SENT, unitsOf(bytes));
  }

  /** Bytes that the lane holds or that main has not dealt with yet. */
  ofLane(lane: number): number {
    const held = Atomics.load(this.#words, wordOf(lane, HELD));
    return (held + Atomics.load(this.#words, wordOf(lane, SENT))) * UNIT;
  }

  /** The lane queues to read on while the limit is passed; behind all that queue already. */
  queue(lane: number): void {
    const turn = Atomics.add(this.#words, LAST_TURN, 1) + 1;
    Atomics.store(this.#words, wordOf(lane, TURN), turn);
  }

  /** The lane no longer queues. */
  leave(lane: number): void {
    Atomics.store(this.#words, wordOf(lane, TURN), 0);
  }

  /** Whether the lane is not read now because the process holds too much. */
  waits(lane: number): boolean {
    return Atomics.load(this.#words, wordOf(lane, TURN)) !== 0;
  }

  /**
   * Whether of all that queue the lane has done so for longest.
   *
   * @param amongHolding whether only those count that hold an unfinished line.
   */
  isFirst(lane: number, amongHolding: boolean): boolean {
    const own = Atomics.load(this.#words, wordOf(lane, TURN));
    if (own === 0) return false;
    for (let at = FIRST_LANE; at < this.#words.length; at += WORDS_PER_LANE) {
      if (amongHolding && Atomics.load(this.#words, at + HELD) === 0) continue;
      const turn = Atomics.load(this.#words, at + TURN);
      if (turn !== 0 && turn < own) return false;
    }
    return true;
  }

  #change(lane: number, word: number, units: number): void {
    Atomics.add(this.#words, wordOf(lane, word), units);
    Atomics.add(this.#words, TOTAL, units);
  }
}

export function unitsOf(bytes: number): number {
  return Math.ceil(bytes / UNIT);
}

function wordOf(lane: number, word: number): number {
  return FIRST_LANE + lane * WORDS_PER_LANE + word;
}
