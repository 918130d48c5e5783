/**
 * Retiring lanes, each at one stage, while the gateway goes on. A lane that is replaced or removed ends its
 * calls first; the lane of a client that has left is stopped at once. No other lane of a server is begun
 * for the same client until the server's last process there is gone, so that two never share a port, a
 * lock or a profile. Owned by the fleet.
 */
import { DEFAULT_DRAIN_POLICY } from '../../shared/machines/drain.ts';
import type { CallOwner } from '../calls/call.ts';
import type { Logger } from '../logger.ts';
import type { Lane } from './lane.ts';

export interface EndingsOptions {
  /** Its calls have ended, and so has all state that only its clients and the server shared. */
  readonly onDrained: (lane: Lane) => void;
  /** Nothing of it is left, neither process nor thread. */
  readonly onGone: (lane: Lane) => void;
  readonly log: Logger;
}

type Ending =
  /** Its calls end. `limit` cuts those that take too long. */
  | { readonly stage: 'draining'; readonly limit: NodeJS.Timeout }
  /** Its process ends. */
  | { readonly stage: 'stopping'; readonly closed: boolean }
  /** Its thread lets go of it. */
  | { readonly stage: 'leaving'; readonly closed: boolean };

export class Endings {
  readonly #options: EndingsOptions;
  readonly #endings = new Map<Lane, Ending>();

  constructor(options: EndingsOptions) {
    this.#options = options;
  }

  get lanes(): Lane[] {
    return [...this.#endings.keys()];
  }

  /** How many lanes are being replaced or removed; those of clients that are gone not counted. */
  get retiring(): number {
    return this.leaving().length;
  }

  has(lane: Lane): boolean {
    return this.#endings.has(lane);
  }

  /** The number of retiring lanes of a server. */
  count(server: string): number {
    return this.lanes.filter(({ config }) => config.name === server).length;
  }

  /** Lanes that are being replaced or removed; those of clients that are gone not counted. */
  leaving(): Lane[] {
    return [...this.#endings].flatMap(([lane, ending]) => (isClosed(ending) ? [] : [lane]));
  }

  /** What the retiring lanes of a server still have in flight is not waited for. @param why in words. */
  hurry(server: string, why: string): void {
    for (const lane of this.leaving()) if (lane.config.name === server) lane.server.abandon(why);
  }

  /** True while a lane of the server for the same client is still there. @param owner null: all clients. */
  blocks(server: string, owner: CallOwner | null): boolean {
    return this.lanes.some(
      (lane) =>
        lane.config.name === server &&
        (owner === null || lane.owner === null || lane.owner === owner),
    );
  }

  /** Replaces or removes a lane. @param successor gets the calls that wait; null: it is removed. */
  retire(lane: Lane, successor: Lane | null): void {
    const { callTotalTimeoutMs, name } = lane.config;
    // Untimed calls must not keep the next lane waiting for ever.
    const limit = setTimeout(() => {
      const what = successor === null ? 'removed' : 'replaced';
      lane.server.abandon(`server "${name}" was ${what} by a change of the configuration`);
    }, callTotalTimeoutMs).unref();
    this.#endings.set(lane, { stage: 'draining', limit });
    lane.retire(successor, () => this.#drained(lane));
  }

  /** Stops a lane at once: its client is gone. */
  close(lane: Lane): void {
    this.#stop(lane, true);
  }

  /** Something about a lane has changed; of use here once it does not run any more. */
  stopped(lane: Lane): void {
    const ending = this.#endings.get(lane);
    if (ending?.stage !== 'stopping' || lane.running) return;
    this.#endings.set(lane, { ...ending, stage: 'leaving' });
    void lane.end().then(() => {
      this.#endings.delete(lane);
      if (!ending.closed) this.#options.log.info({ server: lane.name }, 'gone');
      this.#options.onGone(lane);
    });
  }

  #drained(lane: Lane): void {
    const ending = this.#endings.get(lane);
    if (ending?.stage !== 'draining') return;
    clearTimeout(ending.limit);
    this.#options.onDrained(lane);
    this.#stop(lane, false);
  }

  #stop(lane: Lane, closed: boolean): void {
    this.#endings.set(lane, { stage: 'stopping', closed });
    lane.stop(DEFAULT_DRAIN_POLICY.eofMs, DEFAULT_DRAIN_POLICY.termMs);
    this.stopped(lane);
  }
}

/** Its client is gone. */
function isClosed(ending: Ending): boolean {
  return ending.stage !== 'draining' && ending.closed;
}
