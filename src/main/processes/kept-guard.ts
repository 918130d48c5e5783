/** The guard of a gateway, and another one whenever it ends: somebody may kill it by mistake. */
import type { Logger } from '../logger.ts';
import { type Guard, type GuardOptions, startGuard } from './guard.ts';

const AGAIN_MS = 1000;

export class KeptGuard {
  readonly #options: Omit<GuardOptions, 'onDied'>;
  readonly #log: Logger;
  #guard: Guard;
  #again: NodeJS.Timeout | null = null;

  constructor(options: Omit<GuardOptions, 'onDied'>, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#guard = this.#start();
  }

  /** For a clean stop. */
  release(): void {
    if (this.#again !== null) clearTimeout(this.#again);
    this.#guard.release();
  }

  #start(): Guard {
    return startGuard({
      ...this.#options,
      onDied: (detail) => {
        this.#log.warn({ detail }, 'the guard process ended; starting another');
        this.#again = setTimeout(() => {
          this.#guard = this.#start();
        }, AGAIN_MS);
      },
    });
  }
}
