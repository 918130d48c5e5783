/** The end of the log about one server, kept up to date while it is looked at. */
import { join } from 'node:path';
import { Follower } from '../log/follow.ts';
import { type LogLine, readLogs } from '../log/read-logs.ts';

/** More than a screen has rows. */
const KEPT = 200;

export class LogView {
  readonly server: string;
  #lines: LogLine[];
  readonly #follower: Follower;
  #isReading = false;

  /** @param cwd absolute directory that `.rea` lies in. @param server as the state file names it. */
  constructor(cwd: string, server: string) {
    const dir = join(cwd, '.rea');
    const wanted = { server, since: null };
    const { lines, ends } = readLogs(dir, { ...wanted, lines: KEPT });
    this.server = server;
    this.#lines = [...lines];
    this.#follower = new Follower(dir, wanted, ends);
  }

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** Reads what has come since. Resolves with true when there is something. */
  async look(): Promise<boolean> {
    if (this.#isReading) return false;
    this.#isReading = true;
    const found = await this.#follower.read();
    this.#isReading = false;
    this.#lines = [...this.#lines, ...found].slice(-KEPT);
    return found.length > 0;
  }

  close(): void {
    void this.#follower.close();
  }
}
