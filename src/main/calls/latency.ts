/**
 * Latency quantiles of one server over its recent calls: two histograms with logarithmic buckets in
 * fixed memory (1.6 KiB); the older one is dropped when the newer is a window old. Main records each
 * answered call. No dependency: this sits in the call path once per server, where a library would
 * bring timers, WebAssembly or memory that grows.
 */

/** Estimates are within this part of the true value, inside [LOWEST_MS, ~75 min]. */
const RELATIVE_ERROR = 0.05;
const LOWEST_MS = 0.01;
const BUCKETS = 200;
const GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GROWTH = Math.log(GROWTH);

export class LatencyWindow {
  readonly #windowMs: number;
  #current = new Uint32Array(BUCKETS);
  #previous = new Uint32Array(BUCKETS);
  #count = 0;
  #previousCount = 0;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** Quantiles since the last call: they are asked for far more often than calls end on most servers. */
  readonly #known = new Map<number, number>();

  /** @param windowMs quantiles are over this time to twice this time before the last call. @default 60000 */
  constructor(windowMs = 60_000) {
    this.#windowMs = windowMs;
  }

  /**
   * @param ms below LOWEST_MS counts as that, beyond the last bucket as the last.
   * @param now monotonic milliseconds.
   */
  record(ms: number, now: number): void {
    if (Number.isNaN(ms)) return;
    if (now - this.#startedAt >= this.#windowMs) this.#turn(now);
    if (this.#known.size > 0) this.#known.clear();
    const bucket = bucketOf(ms);
    this.#current[bucket] = (this.#current[bucket] ?? 0) + 1;
    this.#count += 1;
  }

  /**
   * While the server is silent, the value is the one from its last answers.
   *
   * @param q between 0 and 1.
   * @returns milliseconds, null before the first call.
   */
  quantile(q: number): number | null {
    const total = this.#count + this.#previousCount;
    if (total === 0) return null;
    const known = this.#known.get(q);
    if (known !== undefined) return known;
    const rank = Math.max(1, Math.ceil(q * total));
    let below = 0;
    let bucket = -1;
    while (below < rank && bucket < BUCKETS - 1) {
      bucket += 1;
      below += (this.#current[bucket] ?? 0) + (this.#previous[bucket] ?? 0);
    }
    const value = valueOf(bucket);
    this.#known.set(q, value);
    return value;
  }

  #turn(now: number): void {
    const oldest = this.#previous;
    const previousIsStale = now - this.#startedAt >= 2 * this.#windowMs;
    this.#previous = previousIsStale ? this.#current.fill(0) : this.#current;
    this.#previousCount = previousIsStale ? 0 : this.#count;
    this.#current = oldest.fill(0);
    this.#count = 0;
    this.#startedAt = now;
  }
}

function bucketOf(ms: number): number {
  if (ms <= LOWEST_MS) return 0;
  return Math.min(BUCKETS - 1, Math.floor(Math.log(ms / LOWEST_MS) / LOG_GROWTH));
}

/** The value whose relative distance to both ends of the bucket is the same. */
function valueOf(bucket: number): number {
  return (LOWEST_MS * GROWTH ** bucket * 2 * GROWTH) / (1 + GROWTH);
}
