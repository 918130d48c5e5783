/** The end of the gateway's log as a person reads it, while somebody looks at it. Bounded; secrets are out of it already. */
import { statSync } from 'node:fs';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { clip } from '../../shared/text/clean-text.ts';
import { logLine } from '../log/read-logs.ts';
import { said, when } from '../log/said.ts';
import { Tail } from '../log/tail.ts';
import type { Tone } from '../status/colours.ts';
import { Ring, type Since } from './ring.ts';

export interface ShownLine {
  readonly when: string;
  readonly who: string;
  readonly what: string;
  readonly tone?: Tone;
}

const MOST_LINES = 400;
const LONGEST = 400;
/** What was said before somebody looked. */
const BEFORE_BYTES = 128 * 1024;
const WANTED = { server: null, since: null };

export class LogLines {
  readonly #ring = new Ring<ShownLine>(MOST_LINES);
  readonly #tail: Tail;
  #reading: Promise<void> | null = null;

  /** @param path absolute. */
  constructor(path: string) {
    const size = unlessRefused(0, () => statSync(path).size);
    // It may begin within a line: the rest of that one is no record, and is passed over.
    this.#tail = new Tail(path, Math.max(0, size - BEFORE_BYTES));
  }

  /** However many ask, what has come is read once. */
  async since(from: number, now: number): Promise<Since<ShownLine>> {
    this.#reading ??= this.#read(now).finally(() => {
      this.#reading = null;
    });
    await this.#reading;
    return this.#ring.since(from);
  }

  close(): Promise<void> {
    return this.#tail.close();
  }

  async #read(now: number): Promise<void> {
    const today = new Date(now).toDateString();
    for (const text of await this.#tail.read()) {
      const line = logLine(text, '', WANTED);
      if (line === null) continue;
      const { who, what, tone } = said(line.record);
      this.#ring.push({
        when: when(line.time, today),
        who: who.trim(),
        what: clip(what, LONGEST),
        ...(tone === undefined ? {} : { tone }),
      });
    }
  }
}
