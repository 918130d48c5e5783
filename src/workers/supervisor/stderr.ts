/**
 * What a child says on stderr: always read, cut into lines, and passed on slowly and without secrets;
 * its end is kept for the record of a death. Owned by the supervisor of its slot, one for each
 * incarnation. Never holds more than a few KiB.
 */
import { cleanForTerminal } from '../../shared/wire/clean-text.ts';

/** Longest line passed on, in UTF-16 units. */
const LINE_UNITS = 4096;
/** Kept of the end, before redaction; more than is shown, so that a secret is not cut where it is kept. */
const TAIL_KEPT = 8192;
const TAIL_SHOWN = 2048;
/** Lines passed on: so many at once, then so many each second. */
const BURST = 100;
const PER_SECOND = 20;

export interface StderrOptions {
  readonly redact: (text: string) => string;
  /** One line, cut, redacted and cleaned. */
  readonly onLine: (line: string) => void;
  /** So many lines were not passed on since the last time. */
  readonly onDropped: (lines: number) => void;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
}

export class StderrReader {
  readonly #options: StderrOptions;
  readonly #decoder = new TextDecoder();
  #pending = '';
  /** The rest of a line whose beginning was passed on is skipped. */
  #skipping = false;
  #tail = '';
  #allowance = BURST;
  #refilledAt: number;
  #dropped = 0;

  constructor(options: StderrOptions) {
    this.#options = options;
    this.#refilledAt = options.now();
  }

  push(chunk: Uint8Array): void {
    this.#take(this.#decoder.decode(chunk, { stream: true }));
  }

  /** The stream is over: the unfinished line counts as one. */
  end(): void {
    this.#take(`${this.#decoder.decode()}\n`);
    this.#reportDropped();
  }

  /** The last lines, redacted and cleaned line by line, at most 2048 UTF-16 units. */
  tail(): string {
    const lines = this.#options.redact(this.#tail).trimEnd().split('\n');
    const text = lines.map((line) => cleanForTerminal(line.replace(/\r$/, ''))).join('\n');
    const start = text.length - TAIL_SHOWN;
    if (start <= 0) return text;
    const splitsPair = /[\udc00-\udfff]/.test(text.charAt(start));
    return text.slice(splitsPair ? start + 1 : start);
  }

  #take(text: string): void {
    this.#tail = (this.#tail + text.slice(-TAIL_KEPT)).slice(-TAIL_KEPT);
    let from = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      this.#grow(text, from, at);
      this.#endLine();
      from = at + 1;
    }
    this.#grow(text, from, text.length);
  }

  #grow(text: string, from: number, to: number): void {
    const room = LINE_UNITS - this.#pending.length;
    if (this.#skipping || to === from) return;
    this.#pending += text.slice(from, Math.min(to, from + room));
    if (to - from <= room) return;
    this.#emit(`${this.#pending}…`);
    this.#skipping = true;
  }

  #endLine(): void {
    const line = this.#pending.endsWith('\r') ? this.#pending.slice(0, -1) : this.#pending;
    if (!this.#skipping && line !== '') this.#emit(line);
    this.#pending = '';
    this.#skipping = false;
  }

  #emit(line: string): void {
    if (!this.#allowed()) {
      this.#dropped += 1;
      return;
    }
    this.#reportDropped();
    this.#options.onLine(cleanForTerminal(this.#options.redact(line)));
  }

  #allowed(): boolean {
    if (this.#allowance < 1) {
      const now = this.#options.now();
      const earned = ((now - this.#refilledAt) / 1000) * PER_SECOND;
      if (earned < 1) return false;
      this.#allowance = Math.min(BURST, earned);
      this.#refilledAt = now;
    }
    this.#allowance -= 1;
    return true;
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const lines = this.#dropped;
    this.#dropped = 0;
    this.#options.onDropped(lines);
  }
}
