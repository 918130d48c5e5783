/**
 * How long a thread that was lost waits for its replacement: the restart policy of servers, kept for
 * one thread. Owned by the thread's handle, which brings clock and chance.
 */
import {
  initialRestart,
  onDeath,
  onStable,
  type RestartState,
} from '../../shared/machines/restart.ts';
import type { RestartPolicy } from '../../shared/model/config.ts';

export class ThreadBackoff {
  readonly #policy: RestartPolicy;
  #state: RestartState = initialRestart;
  #startedAt: number | null = null;

  constructor(policy: RestartPolicy) {
    this.#policy = policy;
  }

  /** @param now monotonic, in milliseconds. */
  started(now: number): void {
    this.#startedAt = now;
  }

  /**
   * The thread was lost, or could not be started.
   *
   * @param random in [0, 1).
   * @returns milliseconds until the next start.
   */
  lost(now: number, random: number): number {
    const wasStable = this.#startedAt !== null && now - this.#startedAt >= this.#policy.stableMs;
    this.#startedAt = null;
    const before = wasStable ? onStable(this.#state) : this.#state;
    const death = onDeath(this.#policy, now, random, before);
    this.#state = death.state;
    return death.delayMs;
  }
}
