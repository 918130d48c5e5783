/**
 * Pings one server by the liveness rules, from the end of its handshake on. Owned by the conversation; holds
 * the clock and the one timer.
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
import type { OwnRequests } from './own-requests.ts';
import type { Reply } from './reply.ts';

export interface LivenessWatchOptions {
  readonly policy: LivenessPolicy;
  readonly requests: OwnRequests;
  /** A ping has ended. */
  readonly onPinged: (id: string, reply: Reply) => void;
  /** Called once; the watch has ended by then. */
  readonly onStalled: (detail: string) => void;
}

/** Pings whose late answer is still recognized; the oldest are forgotten first. */
const MAX_OPEN_PINGS = 8;

export class LivenessWatch {
  readonly #options: LivenessWatchOptions;
  /** Null before the start and after the end. */
  #state: LivenessState | null = null;
  readonly #pings: string[] = [];
  #timer: NodeJS.Timeout | null = null;
  #paused = false;

  constructor(options: LivenessWatchOptions) {
    this.#options = options;
  }

  /** The server is ready: sends the first ping. */
  start(): void {
    this.#state = initialLiveness(performance.now());
    this.#ping();
    this.#sleep(this.#state);
  }

  /** The server has said nothing since it became ready, not even to pings. Some do not know these. */
  get isMute(): boolean {
    return this.#state?.isMute === true;
  }

  /** The server sent something. The timer is left as it is: it looks again when it fires. */
  bytes(): void {
    if (this.#state !== null) this.#state = onBytes(this.#state, performance.now());
  }

  /** While nothing is read from the server its silence means nothing. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.bytes();
  }

  suspect(): void {
    if (this.#state !== null) this.#act(onSuspect(this.#state, performance.now()));
  }

  close(): void {
    this.#stopTimer();
    this.#state = null;
  }

  #sleep(state: LivenessState): void {
    const ms = nextLook(this.#options.policy, state) - performance.now();
    this.#timer = setTimeout(() => this.#look(), Math.max(1, Math.ceil(ms)));
  }

  #look(): void {
    if (this.#paused) this.bytes();
    if (this.#state !== null) {
      this.#act(look(this.#options.policy, this.#state, performance.now()));
    }
  }

  #act([state, verdict]: readonly [LivenessState, LivenessVerdict]): void {
    const { policy, onStalled } = this.#options;
    if (verdict === 'stalled') {
      this.close();
      return onStalled(
        `${policy.misses} pings in a row unanswered for ${policy.timeoutMs} ms each`,
      );
    }
    this.#stopTimer();
    this.#state = state;
    if (verdict === 'ping') this.#ping();
    this.#sleep(state);
  }

  #ping(): void {
    const { requests } = this.#options;
    const id = requests.ping((reply) => {
      const isAnswer = reply.ok || reply.lost !== true;
      if (isAnswer && this.#state !== null) this.#state = onPingAnswered(this.#state);
      this.#options.onPinged(id, reply);
    });
    this.#pings.push(id);
    if (this.#pings.length > MAX_OPEN_PINGS) requests.forget(this.#pings.shift() ?? '');
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
