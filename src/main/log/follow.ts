/** New lines of the logs of all gateways of a directory, also of gateways that start later. */
import { basename } from 'node:path';
import { currentLogs, type LogLine, logLine, type Wanted } from './read-logs.ts';
import { Tail } from './tail.ts';

export class Follower {
  readonly #dir: string;
  readonly #wanted: Omit<Wanted, 'lines'>;
  readonly #ends: ReadonlyMap<string, number>;
  readonly #tails = new Map<string, Tail>();

  /** @param dir absolute path of `.rea`. @param ends how far each file was read before. */
  constructor(dir: string, wanted: Omit<Wanted, 'lines'>, ends: ReadonlyMap<string, number>) {
    this.#dir = dir;
    this.#wanted = wanted;
    this.#ends = ends;
  }

  /** What has come since the last time, by its times. */
  async read(): Promise<LogLine[]> {
    for (const path of currentLogs(this.#dir)) {
      // A gateway that has started since then: all of its log is new.
      if (!this.#tails.has(path)) {
        this.#tails.set(path, new Tail(path, this.#ends.get(path) ?? 0));
      }
    }
    const found: LogLine[] = [];
    for (const [path, tail] of this.#tails) {
      const sessionId = basename(path, '.log');
      for (const text of await tail.read()) {
        const one = logLine(text, sessionId, this.#wanted);
        if (one !== null) found.push(one);
      }
    }
    return found.sort((one, other) => one.time - other.time);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#tails.values()].map((tail) => tail.close()));
  }
}
