/** A token bucket: lets a burst through, then a number each second. Pure over the times handed in. */

export interface Rate {
  readonly perSecond: number;
  /** How many may come at once after a quiet time. */
  readonly burst: number;
}

/** All times are monotonic, in milliseconds. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #refilledAt: number;

  /** Full at first. */
  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#refilledAt = now;
  }

  /** Takes one token. @returns false when there is none. */
  take(now: number): boolean {
    this.#refill(now);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Whole milliseconds until there is a token; 0 when there is one. */
  waitMs(now: number): number {
    this.#refill(now);
    return Math.ceil((Math.max(0, 1 - this.#tokens) * 1000) / this.#rate.perSecond);
  }

  #refill(now: number): void {
    const { perSecond, burst } = this.#rate;
    const earned = (Math.max(0, now - this.#refilledAt) / 1000) * perSecond;
    this.#tokens = Math.min(burst, this.#tokens + earned);
    this.#refilledAt = now;
  }
}
