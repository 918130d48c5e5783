/**
 * The servers of which each client has its own process: opens a lane when the client comes, ends it
 * when the client goes, and never runs more than `max_instances` of one server at a time. A client for
 * whom there was no room gets its lane at its first request after there is.
 */
import { DEFAULT_DRAIN_POLICY } from '../../shared/machines/drain.ts';
import type { DownstreamConfig } from '../../shared/model/config.ts';
import type { Logger } from '../logger.ts';
import type { CallOwner } from '../routing/calls.ts';
import type { Lane } from './lane.ts';

export interface InstancesOptions {
  /** Makes a lane; it is started here. */
  readonly open: (config: DownstreamConfig, owner: CallOwner) => Lane;
  /** Whether what a server offers can be told without it. */
  readonly known: (server: string) => boolean;
  /** The lane has ended, thread and all. */
  readonly close: (lane: Lane) => void;
  readonly log: Logger;
}

interface Pool {
  readonly config: DownstreamConfig;
  readonly lanes: Map<CallOwner, Lane>;
  /** Lanes whose processes are being stopped. */
  readonly closing: Set<Lane>;
  /** Those of them whose threads are being ended. */
  readonly ending: Set<Lane>;
  /** Lanes that may start when a process has ended. */
  readonly waiting: Set<Lane>;
  last: number;
}

export class Instances {
  readonly #options: InstancesOptions;
  readonly #pools: ReadonlyMap<string, Pool>;
  /** What each client said it can do, as JSON text. */
  readonly #sessions = new Map<CallOwner, string>();
  #stopping = false;

  constructor(servers: readonly DownstreamConfig[], options: InstancesOptions) {
    this.#options = options;
    this.#pools = new Map(
      servers.map((config) => [
        config.name,
        {
          config,
          lanes: new Map(),
          closing: new Set(),
          ending: new Set(),
          waiting: new Set(),
          last: 0,
        },
      ]),
    );
  }

  /** The client's own lane of a server; null when others have all there may be. */
  of(server: string, session: CallOwner): Lane | null {
    const pool = this.#pools.get(server);
    if (pool === undefined || !this.#sessions.has(session)) return null;
    return pool.lanes.get(session) ?? (this.#stopping ? null : this.#open(pool, session));
  }

  /** The gateway is stopping: nothing is opened or started any more. */
  stop(): void {
    this.#stopping = true;
  }

  /** @returns the servers of which there is none left for the client. */
  openAll(session: CallOwner, clientCapabilities: string): string[] {
    if (this.#sessions.has(session)) return [];
    this.#sessions.set(session, clientCapabilities);
    return [...this.#pools].flatMap(([server, pool]) =>
      this.#open(pool, session) === null ? [server] : [],
    );
  }

  closeAll(session: CallOwner): void {
    this.#sessions.delete(session);
    for (const pool of this.#pools.values()) {
      const lane = pool.lanes.get(session);
      if (lane === undefined) continue;
      pool.lanes.delete(session);
      if (pool.waiting.delete(lane)) {
        this.#options.close(lane);
        continue;
      }
      pool.closing.add(lane);
      lane.stop(DEFAULT_DRAIN_POLICY.eofMs, DEFAULT_DRAIN_POLICY.termMs);
      this.stopped(lane);
    }
  }

  /** Something about a lane has changed; of use here once a closing one does not run any more. */
  stopped(lane: Lane): void {
    const pool = this.#pools.get(lane.config.name);
    if (lane.running || pool?.closing.has(lane) !== true || pool.ending.has(lane)) return;
    pool.ending.add(lane);
    void lane.end().then(() => {
      pool.closing.delete(lane);
      pool.ending.delete(lane);
      this.#options.close(lane);
      this.#startWaiting(pool);
    });
  }

  #open(pool: Pool, session: CallOwner): Lane | null {
    const { config, lanes } = pool;
    if (lanes.size >= config.maxInstances) {
      const fields = { server: config.name, maxInstances: config.maxInstances };
      this.#options.log.warn(fields, 'a client gets no instance of its own: all are taken');
      return null;
    }
    pool.last += 1;
    const lane = this.#options.open({ ...config, lane: `${config.name}#${pool.last}` }, session);
    lanes.set(session, lane);
    pool.waiting.add(lane);
    this.#startWaiting(pool);
    return lane;
  }

  #startWaiting(pool: Pool): void {
    if (this.#stopping) return;
    for (const lane of pool.waiting) {
      const running = pool.lanes.size - pool.waiting.size + pool.closing.size;
      if (running >= pool.config.maxInstances || lane.owner === null) return;
      pool.waiting.delete(lane);
      const { name } = pool.config;
      lane.begin(this.#sessions.get(lane.owner) ?? '{}', this.#options.known(name));
    }
  }
}
