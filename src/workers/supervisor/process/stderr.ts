/**
 * A child's stderr: cut into lines, and logged slowly and without secrets; its end is kept for the record of a
 * death. Owned by one incarnation, which says how fast it is read. Never holds more than a few KiB.
 */
import { cleanForTerminal } from '../../../shared/text/clean-text.ts';
import { redactedHead } from '../../../shared/text/redact.ts';
import { type Rate, TokenBucket } from '../limits/token-bucket.ts';
import { type LastWords, lastWords } from './last-words.ts';

/** UTF-16 units of a line. More is kept than shown, so that no secret is cut where it is shown. */
const LINE = { kept: 8192, shown: 4096 };
/** UTF-16 units of the end, before redaction. More is kept than shown, for the same reason. */
const TAIL_KEPT = 8192;
const TAIL_SHOWN = 2048;
/** What switches a colour on or off. */
const COLOUR = /[^\P{Cc}\s]\[[\d;]*m/gu;
/** Lines that are logged. */
const LINES: Rate = { perSecond: 20, burst: 100 };

export interface StderrOptions {
  readonly redact: (text: string) => string;
  /** One line, cut, redacted and cleaned. */
  readonly onLine: (line: string) => void;
  /** Number of lines that were not logged since the last time. */
  readonly onDropped: (lines: number) => void;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
}

export class StderrReader {
  readonly #options: StderrOptions;
  readonly #decoder = new TextDecoder();
  #pending = '';
  /** The beginning of a long line was logged; the rest is skipped. */
  #skipping = false;
  #tail = '';
  readonly #allowed: TokenBucket;
  #dropped = 0;

  constructor(options: StderrOptions) {
    this.#options = options;
    this.#allowed = new TokenBucket(LINES, options.now());
  }

  /** @returns the number of lines that ended, empty ones too. */
  push(chunk: Uint8Array): number {
    return this.#take(this.#decoder.decode(chunk, { stream: true }));
  }

  /** The stream has ended: an unfinished line counts as a line. */
  end(): void {
    this.#take(`${this.#decoder.decode()}\n`);
    this.#reportDropped();
  }

  /** The last lines, redacted and cleaned line by line, at most 2048 UTF-16 units. */
  tail(): string {
    const text = this.#end();
    const start = text.length - TAIL_SHOWN;
    if (start <= 0) return text;
    const splitsPair = /[\udc00-\udfff]/.test(text.charAt(start));
    return text.slice(splitsPair ? start + 1 : start);
  }

  /** The line among the last ones that tells why it ended. */
  lastWords(): LastWords | null {
    return lastWords(this.#end());
  }

  /** All that is kept and may be shown. */
  #end(): string {
    // Colours would hide where an error begins. Before the redaction, so that they do not hide a secret either.
    const plain = this.#tail.replaceAll(COLOUR, '');
    const lines = this.#options.redact(plain).trimEnd().split('\n');
    const text = lines.map((line) => cleanForTerminal(line.replace(/\r$/, ''))).join('\n');
    // Half of a secret at the cut is not redacted, so that some text after the cut is never shown.
    return this.#tail.length < TAIL_KEPT ? text : text.slice((TAIL_KEPT - TAIL_SHOWN) / 2);
  }

  #take(text: string): number {
    this.#tail = (this.#tail + text.slice(-TAIL_KEPT)).slice(-TAIL_KEPT);
    let from = 0;
    let lines = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      this.#grow(text, from, at);
      this.#endLine();
      from = at + 1;
      lines += 1;
    }
    this.#grow(text, from, text.length);
    return lines;
  }

  #grow(text: string, from: number, to: number): void {
    const room = LINE.kept - this.#pending.length;
    if (this.#skipping || to === from) return;
    this.#pending += text.slice(from, Math.min(to, from + room));
    if (to - from <= room) return;
    this.#emit(this.#pending);
    this.#skipping = true;
  }

  #endLine(): void {
    const line = this.#pending.endsWith('\r') ? this.#pending.slice(0, -1) : this.#pending;
    if (!this.#skipping && line !== '') this.#emit(line);
    this.#pending = '';
    this.#skipping = false;
  }

  #emit(line: string): void {
    if (!this.#allowed.take(this.#options.now())) {
      this.#dropped += 1;
      return;
    }
    this.#reportDropped();
    const shown = redactedHead(line, this.#options.redact, LINE);
    const mark = line.length > LINE.shown ? '…' : '';
    this.#options.onLine(`${cleanForTerminal(shown)}${mark}`);
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const lines = this.#dropped;
    this.#dropped = 0;
    this.#options.onDropped(lines);
  }
}
