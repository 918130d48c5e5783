/**
 * The byte credit: counts bytes of servers' messages in memory shared by all threads: unfinished lines,
 * lines on their way to main, and bytes that clients have not read. Ports and streams would hold any amount;
 * this tells when to stop reading. Each lane has an entry: its thread adds the bytes that it holds and
 * sends, main subtracts those that have arrived.
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
  /** Above this only one lane at a time reads on. */
  readonly softBytes: number;
  /** Above this nothing new is begun. */
  readonly hardBytes: number;
}

export class ByteCredit {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** @param lanes most lanes at the same time. */
  static create(lanes: number, limits: CreditLimits): ByteCredit {
    const words = FIRST_LANE + lanes * WORDS_PER_LANE;
    const credit = new ByteCredit(new SharedArrayBuffer(words * 4));
    credit.setLimits(limits);
    return credit;
  }

  /** Sets the limits for all threads. */
  setLimits({ softBytes, hardBytes }: CreditLimits): void {
    Atomics.store(this.#words, SOFT, unitsOf(softBytes));
    Atomics.store(this.#words, HARD, unitsOf(hardBytes));
  }

  /** Most lanes at the same time. */
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

  /** Adds bytes that a client has not read yet. @param units negative: it has read some. */
  addUnits(units: number): void {
    if (units !== 0) Atomics.add(this.#words, TOTAL, units);
  }

  /** Main has dealt with a message of a lane. */
  arrived(lane: number, bytes: number): void {
    this.#change(lane, SENT, -unitsOf(bytes));
  }

  /** The lane's thread is gone, and all that it held and sent. */
  clear(lane: number): void {
    for (const word of [HELD, SENT]) {
      const units = Atomics.exchange(this.#words, wordOf(lane, word), 0);
      Atomics.sub(this.#words, TOTAL, units);
    }
    Atomics.store(this.#words, wordOf(lane, TURN), 0);
  }

  /** Sets the size of the lane's unfinished line. */
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

  /** Puts the lane at the end of the queue of lanes that wait to read on while the limit is exceeded. */
  queue(lane: number): void {
    const turn = Atomics.add(this.#words, LAST_TURN, 1) + 1;
    Atomics.store(this.#words, wordOf(lane, TURN), turn);
  }

  /** The lane no longer queues. */
  leave(lane: number): void {
    Atomics.store(this.#words, wordOf(lane, TURN), 0);
  }

  /** True while the lane waits in the queue, since the process holds too much. */
  waits(lane: number): boolean {
    return Atomics.load(this.#words, wordOf(lane, TURN)) !== 0;
  }

  /**
   * True when the lane is the first in the queue.
   *
   * @param amongHolding true: only lanes with an unfinished line count.
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
