/**
 * The log level that servers are asked for: for its session a client asks all of them, for one request only the server that
 * gets the request. Each server is asked for the most verbose level that anybody wants of it. Holds timers.
 */
import { type LogLevel, moreVerbose } from '../../shared/model/log-levels.ts';

/** @param server its name; null: all servers, those excepted that were told another level for themselves. */
type Tell = (level: LogLevel, server: string | null) => void;

interface OfServer {
  /** How many calls want each level. */
  readonly wanted: Map<LogLevel, number>;
  told: LogLevel | null;
  timer: NodeJS.Timeout | null;
}

/** Servers cannot be told to log as if nothing had been said. */
const USUAL_LEVEL = 'info';
/** How long a server keeps the level of a call that has ended. */
const KEPT_MS = 1000;

export class LogLevels {
  readonly #tell: Tell;
  readonly #servers = new Map<string, OfServer>();
  /** Of all sessions. */
  #all: LogLevel | null = null;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** @param level the most verbose that a session wants; null: none wants any, and servers keep what they had. */
  ofSessions(level: LogLevel | null): void {
    if (level === null || level === this.#all) return;
    this.#all = level;
    this.#tell(level, null);
    for (const [name, one] of this.#servers) this.#look(name, one);
  }

  /** A call wants to hear what the server logs. @returns what ends that, to be called once. */
  want(server: string, level: LogLevel): () => void {
    const one = this.#servers.get(server) ?? { wanted: new Map(), told: null, timer: null };
    this.#servers.set(server, one);
    one.wanted.set(level, (one.wanted.get(level) ?? 0) + 1);
    this.#look(server, one);
    return () => {
      const left = (one.wanted.get(level) ?? 0) - 1;
      if (left > 0) one.wanted.set(level, left);
      else one.wanted.delete(level);
      // Once for many calls, and not between two of them.
      one.timer ??= setTimeout(() => {
        one.timer = null;
        this.#look(server, one);
      }, KEPT_MS).unref();
    };
  }

  #look(server: string, one: OfServer): void {
    let level = this.#all;
    for (const wanted of one.wanted.keys()) level = moreVerbose(level, wanted);
    // What it was told before holds while the last call has only just ended.
    if (one.timer !== null) level = moreVerbose(level, one.told);
    level ??= USUAL_LEVEL;
    if (level === one.told) return;
    one.told = level;
    this.#tell(level, server);
  }
}
