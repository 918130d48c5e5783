/**
 * How much a server may say that answers nothing: log messages, progress, noise, unsolicited answers;
 * and, counted apart, stderr. Beyond it that stream of the server is not read for a while, so that its output stays in its pipe and it has to wait.
 * Without that, sixteen chatty servers keep every CPU busy to no end. Pure over the times handed in; owned
 * by a budget pause.
 */

/** Bytes a second, and bytes at once after a silence. */
const RATE = 4 * 1024 * 1024;
const BURST = 1024 * 1024;
/** Charged for a message and a line of noise beside their bytes: handling costs more than reading. */
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

  /** Some of the bytes read were an answer that was waited for. */
  useful(bytes: number): void {
    this.#useful += bytes;
  }

  /** A message that answers nothing. */
  unsolicited(): void {
    this.#handling += MESSAGE_BYTES;
  }

  /** Lines that were no messages. */
  noise(lines: number): void {
    this.#handling += lines * NOISE_BYTES;
  }

  /**
   * How long to pause reading, in milliseconds; 0: there is budget left.
   *
   * @param open bytes of unfinished messages, whose kind is not known yet.
   * @param now monotonic, in milliseconds.
   */
  pauseMs(open: number, now: number): number {
    const useless = this.#read - this.#useful - open + this.#handling;
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) * RATE) / 1000);
    this.#left -= useless - this.#charged;
    this.#at = now;
    this.#charged = useless;
    return this.#left >= 0 ? 0 : (-this.#left * 1000) / RATE;
  }
}
