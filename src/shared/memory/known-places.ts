/**
 * Which directories have been guarded places in this run, in memory that main and all supervisor threads
 * share: a directory that is moved stays what it was, also for a thread or a server that starts
 * afterwards. Nothing is ever taken out; whoever fills the table has made those directories itself, and they
 * hold nothing of the gateway's.
 */

/** What tells a directory from all others, also from a later one with the same number. */
export interface Identity {
  readonly dev: number;
  readonly ino: number;
  /** Milliseconds; 0 where the system does not tell it. */
  readonly born: number;
}

/** A guarded directory, or one in which a guarded file lies. */
export type KnownAs = 'guarded' | 'holder';

const MOST = 1024;
const NUMBERS = 3;
const KINDS: Readonly<Record<KnownAs, number>> = { guarded: 1, holder: 2 };
const HEADER_BYTES = (1 + MOST) * Int32Array.BYTES_PER_ELEMENT;
const FIRST_BYTE = Math.ceil(HEADER_BYTES / 8) * 8;

export class KnownPlaces {
  readonly buffer: SharedArrayBuffer;
  /** How many places are taken, and of each what it is: 0 while it is being written. */
  readonly #kinds: Int32Array;
  readonly #numbers: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#kinds = new Int32Array(buffer, 0, 1 + MOST);
    this.#numbers = new Float64Array(buffer, FIRST_BYTE, NUMBERS * MOST);
  }

  static create(): KnownPlaces {
    const bytes = FIRST_BYTE + NUMBERS * MOST * Float64Array.BYTES_PER_ELEMENT;
    return new KnownPlaces(new SharedArrayBuffer(bytes));
  }

  add(as: KnownAs, { dev, ino, born }: Identity): void {
    if (this.has(as, { dev, ino, born })) return;
    const at = Atomics.add(this.#kinds, 0, 1);
    if (at >= MOST) {
      Atomics.store(this.#kinds, 0, MOST);
      return;
    }
    this.#numbers.set([dev, ino, born], NUMBERS * at);
    Atomics.store(this.#kinds, 1 + at, KINDS[as]);
  }

  has(as: KnownAs, { dev, ino, born }: Identity): boolean {
    const count = Math.min(MOST, Atomics.load(this.#kinds, 0));
    for (let at = 0; at < count; at++) {
      if (this.#numbers[NUMBERS * at + 1] !== ino) continue;
      if (Atomics.load(this.#kinds, 1 + at) !== KINDS[as]) continue;
      const [ofDev, , ofBorn] = this.#numbers.subarray(NUMBERS * at, NUMBERS * (at + 1));
      if (ofDev === dev && ofBorn === born) return true;
    }
    return false;
  }
}
