/** Memory and CPU of each server over the last ten minutes, kept only while somebody looks. Bounded. */

/** A server as its state file has it. */
interface Used {
  readonly name: string | null;
  readonly rss_mb: number | null;
  readonly cpu_percent: number | null;
}

/** Servers are measured this often. */
export const SAMPLE_MS = 5000;
const SAMPLES = 120;
/** Further servers have no line. */
const MOST_SERVERS = 1000;

export interface UsageLine {
  /** MiB, the oldest first; null: it had no process. */
  readonly memory: readonly (number | null)[];
  /** Percent of a core. */
  readonly cpu: readonly (number | null)[];
}

export class UsageHistory {
  /** Two figures for each sample; NaN where there was none. */
  readonly #rings = new Map<string, Float32Array>();
  #count = 0;

  /** Differs once there is another sample. */
  get rev(): number {
    return this.#count;
  }

  /** Takes one sample of all servers; those that are gone are forgotten. */
  sample(servers: readonly Used[]): void {
    const at = this.#count % SAMPLES;
    this.#count += 1;
    const seen = new Set<string>();
    for (const { name, rss_mb, cpu_percent } of servers) {
      if (name === null) continue;
      let ring = this.#rings.get(name);
      if (ring === undefined) {
        if (this.#rings.size >= MOST_SERVERS) continue;
        ring = new Float32Array(2 * SAMPLES).fill(Number.NaN);
        this.#rings.set(name, ring);
      }
      seen.add(name);
      ring[2 * at] = rss_mb ?? Number.NaN;
      ring[2 * at + 1] = cpu_percent ?? Number.NaN;
    }
    for (const name of this.#rings.keys()) if (!seen.has(name)) this.#rings.delete(name);
  }

  /** By the name of the server. */
  lines(): Readonly<Record<string, UsageLine>> {
    const length = Math.min(this.#count, SAMPLES);
    const first = this.#count - length;
    const lines = [...this.#rings].map(([name, ring]): [string, UsageLine] => {
      const figures = (offset: number) =>
        Array.from({ length }, (_, at) => rounded(ring[2 * ((first + at) % SAMPLES) + offset]));
      return [name, { memory: figures(0), cpu: figures(1) }];
    });
    return Object.fromEntries(lines);
  }
}

function rounded(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : Math.round(value * 10) / 10;
}
