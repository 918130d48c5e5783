/**
 * What is said about a log file that cannot be written: one line when it begins, one with a count when it
 * is over. A disk that is full and free in turns is not told more than once a minute.
 */

/** The part of the log that it needs. */
export interface Teller {
  info(line: string): void;
  warn(line: string): void;
}

const AGAIN_MS = 60_000;

export class Trouble {
  readonly #path: string;
  readonly #log: Teller;
  #toldAt = Number.NEGATIVE_INFINITY;
  #present = false;
  /** Lines that will never stand in the file, since the last count. */
  #missing = 0;

  constructor(path: string, log: Teller) {
    this.#path = path;
    this.#log = log;
  }

  /** A line was dropped. */
  lost(): void {
    this.#missing += 1;
  }

  /** @param why in a few words. */
  tell(why: string): void {
    if (this.#present || !this.#mayTell()) return;
    this.#present = true;
    this.#log.warn(`the log file ${this.#path} cannot be written: ${why}`);
  }

  /** It is no longer in its place. */
  replaced(): void {
    if (this.#present || !this.#mayTell()) return;
    this.#log.warn(`the log file ${this.#path} was removed or replaced: a new one is begun`);
  }

  /** Everything is written. @returns true when that was worth a line. */
  over(): boolean {
    if (!this.#present) return false;
    this.#present = false;
    this.#log.info(`the log file ${this.#path} is written again; ${this.#count(0)}`);
    return true;
  }

  /** @param left lines that could not be written any more. */
  ends(left: number): void {
    if (left + this.#missing === 0) return;
    this.#log.warn(`the log file ${this.#path} ends; ${this.#count(left)}`);
  }

  #mayTell(): boolean {
    const now = performance.now();
    if (now - this.#toldAt < AGAIN_MS) return false;
    this.#toldAt = now;
    return true;
  }

  #count(left: number): string {
    const missing = this.#missing + left;
    this.#missing = 0;
    return missing === 0 ? 'no line is missing' : `${missing} lines are missing`;
  }
}
