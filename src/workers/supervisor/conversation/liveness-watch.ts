/**
 * Runs the liveness rules for one ready server: holds the clock and the one timer. Owned by the
 * session of one incarnation; sends nothing itself.
 */
import type { LivenessPolicy } from '../../../shared/model/config.ts';
import {
  initialLiveness,
  type LivenessState,
  type LivenessVerdict,
  look,
  nextLook,
  onBytes,
  onPingAnswered,
  onSuspect,
} from './liveness.ts';

export interface LivenessWatchOptions {
  readonly policy: LivenessPolicy;
  readonly ping: () => void;
  /** Told once; the watch has ended itself. */
  readonly onStalled: (detail: string) => void;
}

export class LivenessWatch {
  readonly #options: LivenessWatchOptions;
  #state: LivenessState;
  #timer: NodeJS.Timeout | null = null;
  #paused = false;

  /** Sends the first ping. */
  constructor(options: LivenessWatchOptions) {
    this.#options = options;
    this.#state = initialLiveness(performance.now());
    options.ping();
    this.#sleep();
  }

  /** The timer is left as it is: it looks again when it fires. */
  bytes(): void {
    this.#state = onBytes(this.#state, performance.now());
  }

  /** Nothing is read from the server, so that its silence says nothing; or it is read again. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.bytes();
  }

  pingAnswered(): void {
    this.#state = onPingAnswered(this.#state);
  }

  suspect(): void {
    this.#act(onSuspect(this.#state, performance.now()));
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #sleep(): void {
    const ms = nextLook(this.#options.policy, this.#state) - performance.now();
    this.#timer = setTimeout(() => this.#look(), Math.max(1, Math.ceil(ms)));
  }

  #look(): void {
    if (this.#paused) this.bytes();
    this.#act(look(this.#options.policy, this.#state, performance.now()));
  }

  #act([state, verdict]: readonly [LivenessState, LivenessVerdict]): void {
    this.close();
    this.#state = state;
    const { policy, ping, onStalled } = this.#options;
    if (verdict === 'stalled') {
      return onStalled(
        `${policy.misses} pings in a row unanswered for ${policy.timeoutMs} ms each`,
      );
    }
    if (verdict === 'ping') ping();
    this.#sleep();
  }
}
