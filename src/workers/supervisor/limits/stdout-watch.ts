/**
 * Watches a child's stdout for what is no protocol: reports noise once in a while and gives the child
 * up when there is too much of it, or when a line over the cap does not end. Owned by the session of
 * one incarnation; holds the timer of its reports.
 */
import { EndlessWatch } from './endless-watch.ts';
import { NoiseMeter, type NoiseReport } from './noise.ts';

/** At most one report in this time, the first at once. */
const REPORT_MS = 5000;

export interface StdoutWatchOptions {
  /** Longest line that is let through, in bytes. */
  readonly maxBytes: number;
  readonly onReport: (report: NoiseReport) => void;
  /** The child must go; told once. */
  readonly onTooMuch: (detail: string) => void;
}

export class StdoutWatch {
  readonly #options: StdoutWatchOptions;
  readonly #meter = new NoiseMeter();
  readonly #endless: EndlessWatch;
  #reportTimer: NodeJS.Timeout | null = null;
  #state: 'open' | 'given_up' | 'closed' = 'open';

  constructor(options: StdoutWatchOptions) {
    this.#options = options;
    this.#endless = new EndlessWatch(options.maxBytes, (detail) => this.#giveUp(detail));
  }

  /** Bad lines so far. */
  get lines(): number {
    return this.#meter.total;
  }

  /** Whether output is still worth reading. */
  get reading(): boolean {
    return this.#state === 'open';
  }

  badLine(sample: string): void {
    if (this.#meter.count(performance.now(), sample)) {
      return this.#giveUp(`${this.#meter.total} lines on stdout that are no messages`);
    }
    if (this.#reportTimer === null) this.#report();
  }

  /** After each chunk. @param pendingBytes of the unfinished line. */
  chunk(pendingBytes: number): void {
    this.#endless.chunk(pendingBytes);
  }

  /** Output has ended: reports what was not yet reported. */
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

  /** Reports and starts a quiet time; while it runs nothing is looked up for each line of a flood. */
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
