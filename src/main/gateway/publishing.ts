/**
 * Tells the state writer what main knows, soon after a change. With hundreds of servers this takes long,
 * so it is limited to a small part of main's time.
 */
import type { MainFact } from '../../shared/protocol/facts.ts';

const PUBLISH_MS = 50;
const PUBLISH_LATEST_MS = 500;
/** The largest part of main's time spent on it. */
const PUBLISH_SHARE = 0.05;

export class Publishing {
  readonly #read: () => Omit<MainFact, 'type' | 'rev'>;
  readonly #tell: (fact: MainFact) => void;
  #timer: NodeJS.Timeout | null = null;
  #afterMs = PUBLISH_MS;
  #rev = 0;

  /** @param read what main knows now. */
  constructor(read: () => Omit<MainFact, 'type' | 'rev'>, tell: (fact: MainFact) => void) {
    this.#read = read;
    this.#tell = tell;
  }

  soon(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.now();
    }, this.#afterMs);
  }

  now(): void {
    const startedAt = performance.now();
    this.#rev += 1;
    this.#tell({ ...this.#read(), type: 'main', rev: this.#rev });
    const cost = (performance.now() - startedAt) / PUBLISH_SHARE;
    this.#afterMs = Math.min(PUBLISH_LATEST_MS, Math.max(PUBLISH_MS, cost));
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
