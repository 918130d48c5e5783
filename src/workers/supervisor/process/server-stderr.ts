/**
 * What one process writes to stderr: how fast it is read, and what becomes of it. Nothing is dropped: what is not
 * read stays in the pipe, and the server waits. Owned by the incarnation.
 */
import { BudgetPause } from '../limits/budget-pause.ts';
import type { LastWords } from './last-words.ts';
import { StderrReader } from './stderr.ts';

type Log = (
  level: 'info' | 'warn',
  message: string,
  fields: Readonly<Record<string, string | number>>,
) => void;

export class ServerStderr {
  /** When it last said something, monotonic ms. */
  lastAt = Number.NEGATIVE_INFINITY;
  readonly #reader: StderrReader;
  readonly #pause: BudgetPause;
  #limited = true;

  /** @param pause stops reading, or goes on. */
  constructor(redact: (text: string) => string, log: Log, pause: (paused: boolean) => void) {
    this.#reader = new StderrReader({
      redact,
      onLine: (line) => log('info', line, { stream: 'stderr' }),
      onDropped: (lines) => log('warn', 'lines of stderr were not logged', { lines }),
      now: () => performance.now(),
    });
    this.#pause = new BudgetPause({
      changed: () => pause(this.#pause.on),
      overloaded: () => log('warn', 'writes too much to stderr: it is read slowly', {}),
    });
  }

  push(chunk: Uint8Array): void {
    this.lastAt = performance.now();
    const lines = this.#reader.push(chunk);
    if (!this.#limited) return;
    const { budget } = this.#pause;
    budget.read(chunk.length);
    budget.noise(lines);
    this.#pause.charge(0);
  }

  /** The process has ended: its last words are read whatever they cost. */
  unlimited(): void {
    this.#limited = false;
    this.#pause.end();
  }

  /** The stream has ended. */
  end(): void {
    this.#reader.end();
  }

  /** See `StderrReader.tail`. */
  tail(): string {
    return this.#reader.tail();
  }

  /** See `StderrReader.lastWords`. */
  lastWords(): LastWords | null {
    return this.#reader.lastWords();
  }
}
