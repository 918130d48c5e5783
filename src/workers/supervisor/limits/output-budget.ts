/**
 * How much a server may say that answers nothing: log messages, progress, noise, answers to questions
 * that nobody asked. Beyond it the server is not read for a while, so that what it writes stays in its
 * pipe and it has to wait. Without that, sixteen chatty servers keep every CPU busy to no end. Pure over
 * the times handed in; owned by the intake.
 */

/** Bytes a second, and at once after a silence. */
const RATE = 4 * 1024 * 1024;
const BURST = 1024 * 1024;
/** What a message and a line of noise cost beside their bytes: to handle them costs more than to read them. */
const MESSAGE_BYTES = 4096;
const NOISE_BYTES = 256;

export class OutputBudget {
  #read = 0;
  #useful = 0;
  #handling = 0;
  #charged = 0;
  #left = BURST;
  #at = 0;

  /** Bytes that were read, whatever they are. */
  read(bytes: number): void {
    this.#read += bytes;
  }

  /** Some of them were an answer that was waited for. */
  useful(bytes: number): void {
    this.#useful += bytes;
  }

  /** A message that was none. */
  message(): void {
    this.#handling += MESSAGE_BYTES;
  }

  /** A line that was no message. */
  noise(): void {
    this.#handling += NOISE_BYTES;
  }

  /**
   * How long not to read on, in milliseconds; 0: there is budget left.
   *
   * @param open bytes of an unfinished message, of which nothing is known yet.
   * @param now monotonic, in milliseconds.
   */
  restMs(open: number, now: number): number {
    const useless = this.#read - this.#useful - open + this.#handling;
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) * RATE) / 1000);
    this.#left -= useless - this.#charged;
    this.#at = now;
    this.#charged = useless;
    return this.#left >= 0 ? 0 : (-this.#left * 1000) / RATE;
  }
}
