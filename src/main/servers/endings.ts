/**
 * Lanes on their way out while the gateway goes on: each takes no further call, ends those in flight,
 * stops its server and then its thread. Until the last process of a server is gone no other lane of it
 * is begun, so that two never share a port, a lock or a profile. Owned by the fleet.
 */
import { DEFAULT_DRAIN_POLICY } from '../../shared/machines/drain.ts';
import type { CallOwner } from '../calls/call.ts';
import type { Logger } from '../logger.ts';
import type { Lane } from './lane.ts';

export interface DeparturesOptions {
  /** Nothing is left to do for its clients: what only they and the server knew of is over. */
  readonly onDrained: (lane: Lane) => void;
  /** It is gone, process and thread. */
  readonly onGone: (lane: Lane) => void;
  readonly log: Logger;
}

interface Departure {
  stage: 'draining' | 'stopping' | 'ending';
  readonly limit: NodeJS.Timeout;
}

export class Departures {
  readonly #options: DeparturesOptions;
  readonly #departures = new Map<Lane, Departure>();

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  get lanes(): Lane[] {
    return [...this.#departures.keys()];
  }

  has(lane: Lane): boolean {
    return this.#departures.has(lane);
  }

  /** How many lanes of a server there are on their way out. */
  count(server: string): number {
    return this.lanes.filter(({ config }) => config.name === server).length;
  }

  /** Whether a lane of the server that served the same client is still there. @param owner null: all. */
  blocks(server: string, owner: CallOwner | null): boolean {
    return this.lanes.some(
      (lane) =>
        lane.config.name === server &&
        (owner === null || lane.owner === null || lane.owner === owner),
    );
  }

  /** @param heir gets what waits; null: the server is removed. */
  leave(lane: Lane, heir: Lane | null): void {
    const { callTotalTimeoutMs, name } = lane.config;
    // Calls that may take any time must not keep the next lane waiting for ever.
    const limit = setTimeout(() => {
      const what = heir === null ? 'removed' : 'replaced';
      lane.downstream.abandon(`server "${name}" was ${what} by a change of the configuration`);
    }, callTotalTimeoutMs).unref();
    this.#departures.set(lane, { stage: 'draining', limit });
    lane.leave(heir, () => this.#drained(lane));
  }

  /** Something about a lane has changed; of use here once a departing one does not run any more. */
  stopped(lane: Lane): void {
    const departure = this.#departures.get(lane);
    if (departure?.stage !== 'stopping' || lane.running) return;
    departure.stage = 'ending';
    void lane.end().then(() => {
      this.#departures.delete(lane);
      this.#options.log.info({ server: lane.name }, 'gone');
      this.#options.onGone(lane);
    });
  }

  #drained(lane: Lane): void {
    const departure = this.#departures.get(lane);
    if (departure === undefined) return;
    clearTimeout(departure.limit);
    departure.stage = 'stopping';
    this.#options.onDrained(lane);
    lane.stop(DEFAULT_DRAIN_POLICY.eofMs, DEFAULT_DRAIN_POLICY.termMs);
    this.stopped(lane);
  }
}
