/** `max_calls_per_minute`: counts the calls of the last minute at each server, whoever made them. */

/** What of a server's settings the limit needs. */
interface Limited {
  readonly name: string;
  readonly maxCallsPerMinute: number;
}

const MINUTE_MS = 60_000;

export class Rates {
  /** By configured name: a server that is replaced goes on counting, and its instances count together. */
  readonly #servers = new Map<string, RateLimit>();

  of(server: string): RateLimit {
    const known = this.#servers.get(server);
    if (known !== undefined) return known;
    const made = new RateLimit();
    this.#servers.set(server, made);
    return made;
  }

  /** @param names all servers that there are. */
  keep(names: readonly string[]): void {
    const kept = new Set(names);
    for (const name of this.#servers.keys()) if (!kept.has(name)) this.#servers.delete(name);
  }
}

export class RateLimit {
  /** When the last calls were made, in a ring of as many as are allowed. */
  #times: number[] = [];
  #next = 0;

  /** Counts a call. @returns null when it may be made, else when the next one may. Times are monotonic ms. */
  take({ maxCallsPerMinute: limit }: Limited, now: number): number | null {
    if (limit === 0) {
      this.#times = [];
      return null;
    }
    if (this.#times.length > limit || (this.#times.length < limit && this.#next > 0)) {
      this.#resize(limit);
    }
    const oldest = this.#times.length < limit ? undefined : this.#times[this.#next];
    if (oldest !== undefined && now - oldest < MINUTE_MS) return oldest + MINUTE_MS;
    if (this.#times.length < limit) this.#times.push(now);
    else {
      this.#times[this.#next] = now;
      this.#next = (this.#next + 1) % limit;
    }
    return null;
  }

  /** Another limit: the latest calls count. */
  #resize(limit: number): void {
    const inOrder = [...this.#times.slice(this.#next), ...this.#times.slice(0, this.#next)];
    this.#times = inOrder.slice(-limit);
    this.#next = 0;
  }
}
