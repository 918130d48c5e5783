/** The log on a terminal: short lines with the time, repeated ones folded. The log file has every record. */
import { type Paint, paintFor } from '../status/colours.ts';
import { Folding } from './folding.ts';
import { clock, type ShortLine, shortLine } from './short-line.ts';

const NAME_WIDTH = 12;

export class TerminalLog {
  readonly #write: (text: string) => void;
  readonly #verbose: boolean;
  readonly #paint: Paint;
  readonly #folding = new Folding();
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param write prints a text.
   * @param verbose also records that a person hardly wants.
   */
  constructor(write: (text: string) => void, verbose: boolean, env: NodeJS.ProcessEnv) {
    this.#write = write;
    this.#verbose = verbose;
    this.#paint = paintFor(true, env);
  }

  /** @param record a line of JSON. */
  take(record: string): void {
    const line = shortLine(JSON.parse(record), this.#verbose);
    if (line === null) return;
    // The last line of a gateway is to be the last one here.
    if (line.server === null && line.topic === 'info stopped') this.finish();
    if (this.#folding.take(line, performance.now())) this.#print(line);
    this.#wait();
  }

  /** Prints what is held back; at the end of the process. */
  finish(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const line of this.#folding.rest(performance.now())) this.#print(line);
  }

  #wait(): void {
    const next = this.#folding.nextAt;
    if (next === null || this.#timer !== null) return;
    const due = () => {
      this.#timer = null;
      for (const line of this.#folding.due(performance.now())) this.#print(line);
      this.#wait();
    };
    this.#timer = setTimeout(due, Math.max(0, Math.ceil(next - performance.now()))).unref();
  }

  #print({ server, text, level, kind }: ShortLine): void {
    const isReady = kind === 'life' && text.startsWith('ready');
    const tone = {
      error: 'bad',
      warn: 'warn',
      info: isReady ? 'good' : undefined,
      debug: undefined,
    } as const;
    const said = level === 'error' ? `error: ${text}` : text;
    const name = (server ?? 'rea').padEnd(NAME_WIDTH);
    this.#write(`${clock(new Date())} ${name} ${this.#paint(tone[level], said)}\n`);
  }
}
