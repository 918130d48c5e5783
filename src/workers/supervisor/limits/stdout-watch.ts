/**
 * Watches a server's output for noise: reports it from time to time, and gives the server up when there is
 * too much of it or when a line over the cap does not end. Owned by the conversation; holds the timer of its
 * reports.
 */
import { EndlessWatch } from './endless-watch.ts';
import { NoiseMeter, type NoiseReport } from './noise.ts';

/** Least time between two reports; the first comes at once. */
const REPORT_MS = 5000;

export interface StdoutWatchOptions {
  /** Longest line that is passed on, in bytes. */
  readonly maxBytes: number;
  readonly onReport: (report: NoiseReport) => void;
  /** The server must go. Called once. */
  readonly onTooMuch: (detail: string) => void;
}

/** A line that was no message. Its sample is as it came. */
export interface BadOutput {
  /** In words. */
  readonly why: string;
  readonly sample: string;
}

export class StdoutWatch {
  readonly #options: StdoutWatchOptions;
  readonly #meter = new NoiseMeter();
  readonly #endless: EndlessWatch;
  #reportTimer: NodeJS.Timeout | null = null;
  #state: 'open' | 'given_up' | 'closed' = 'open';
  #first: BadOutput | null = null;
  /** Whether `#first` does. */
  #matters = false;

  constructor(options: StdoutWatchOptions) {
    this.#options = options;
    this.#endless = new EndlessWatch(options.maxBytes, (detail) => this.#giveUp(detail));
  }

  /** Noise lines so far. */
  get lines(): number {
    return this.#meter.total;
  }

  /** Whether output is still worth reading. */
  get reading(): boolean {
    return this.#state === 'open';
  }

  /** The line that was no message and tells most: the first of those that matter, else the first. Null for none. */
  get first(): BadOutput | null {
    return this.#first;
  }

  /** @param matters it may have been a message that was waited for. */
  badLine(why: string, sample: string, matters = false): void {
    if (this.#first === null || (matters && !this.#matters)) {
      this.#first = { why, sample };
      this.#matters = matters;
    }
    if (this.#meter.count(performance.now(), sample)) {
      return this.#giveUp(`${this.#meter.total} lines on stdout that are no messages`);
    }
    if (this.#reportTimer === null) this.#report();
  }

  /** After each chunk. @param pendingBytes of the unfinished line. */
  chunk(pendingBytes: number): void {
    this.#endless.chunk(pendingBytes);
  }

  /** The output has ended: reports noise that was not yet reported. */
  end(): void {
    this.close();
    const rest = this.#meter.take();
    if (rest !== null) this.#options.onReport(rest);
  }

  close(): void {
    this.#state = 'closed';
    if (this.#reportTimer !== null) clearTimeout(this.#reportTimer);
    this.#endless.close();
  }

  /** Reports, and starts the timer until the next report: during a flood most lines are only counted. */
  #report(): void {
    this.#reportTimer = null;
    const report = this.#meter.take();
    if (report === null) return;
    this.#reportTimer = setTimeout(() => this.#report(), REPORT_MS);
    this.#options.onReport(report);
  }

  #giveUp(detail: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'given_up';
    this.#options.onTooMuch(detail);
  }
}
