/**
 * The servers of which each client has its own process: opens a lane when the client comes, ends it
 * when the client goes, and never runs more than `max_instances` of one server at a time. A client for
 * whom there was no room gets its lane at its first request after there is.
 */
import { DEFAULT_DRAIN_POLICY } from '../../shared/machines/drain.ts';
import type { DownstreamConfig } from '../../shared/model/config.ts';
import type { CallOwner } from '../calls/call.ts';
import type { Logger } from '../logger.ts';
import type { Departures } from './endings.ts';
import type { Lane } from './lane.ts';

export interface InstancesOptions {
  /** Makes a lane; it is started here. */
  readonly open: (config: DownstreamConfig, owner: CallOwner) => Lane;
  /** Whether what a server offers can be told without it. */
  readonly known: (server: string) => boolean;
  /** The lane has ended, thread and all. */
  readonly close: (lane: Lane) => void;
  /** The lane makes room for its heir, or for nothing. */
  readonly leave: (lane: Lane, heir: Lane | null) => void;
  readonly departures: Departures;
  readonly log: Logger;
}

interface Pool {
  config: DownstreamConfig;
  readonly lanes: Map<CallOwner, Lane>;
  /** Lanes that may start when a process has ended. */
  readonly waiting: Set<Lane>;
}

export class Instances {
  readonly #options: InstancesOptions;
  readonly #pools = new Map<string, Pool>();
  /** Number of the last lane of each server: no two have the same name. */
  readonly #last = new Map<string, number>();
  /** Lanes of clients that are gone, while process and thread are being ended. */
  readonly #closing = new Map<Lane, 'process' | 'thread'>();
  /** What each client said it can do, as JSON text. */
  readonly #sessions = new Map<CallOwner, string>();
  #stopping = false;

  constructor(servers: readonly DownstreamConfig[], options: InstancesOptions) {
    this.#options = options;
    for (const config of servers) this.#pools.set(config.name, newPool(config));
  }

  /** Every client that there is. */
  get sessions(): Iterable<CallOwner> {
    return this.#sessions.keys();
  }

  /** A server of which each client has its own, for all clients that there are. */
  add(config: DownstreamConfig): void {
    const pool = newPool(config);
    this.#pools.set(config.name, pool);
    for (const session of this.#sessions.keys()) this.#open(pool, session);
  }

  /** The server is removed: its lanes leave. */
  remove(server: string): void {
    const pool = this.#pools.get(server);
    this.#pools.delete(server);
    for (const lane of pool?.lanes.values() ?? []) this.#options.leave(lane, null);
  }

  /** Another process under the same name: every client's lane makes room for a new one. */
  replace(config: DownstreamConfig): void {
    const before = this.#pools.get(config.name);
    const pool = newPool(config);
    this.#pools.set(config.name, pool);
    for (const [session, lane] of before?.lanes ?? []) {
      this.#options.leave(lane, this.#make(pool, session));
    }
    this.#startWaiting(pool);
  }

  /** Other settings of the same processes. */
  reconfigure(config: DownstreamConfig): void {
    const pool = this.#pools.get(config.name);
    if (pool === undefined) return;
    pool.config = config;
    for (const lane of pool.lanes.values()) lane.reconfigure({ ...config, lane: lane.name });
    this.#startWaiting(pool);
  }

  /** A lane of the server that left is gone. */
  gone(server: string): void {
    const pool = this.#pools.get(server);
    if (pool !== undefined) this.#startWaiting(pool);
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
      this.#closing.set(lane, 'process');
      lane.stop(DEFAULT_DRAIN_POLICY.eofMs, DEFAULT_DRAIN_POLICY.termMs);
      this.stopped(lane);
    }
  }

  /** Something about a lane has changed; of use here once a closing one does not run any more. */
  stopped(lane: Lane): void {
    if (lane.running || this.#closing.get(lane) !== 'process') return;
    this.#closing.set(lane, 'thread');
    void lane.end().then(() => {
      this.#closing.delete(lane);
      this.#options.close(lane);
      this.gone(lane.config.name);
    });
  }

  #open(pool: Pool, session: CallOwner): Lane | null {
    const lane = this.#make(pool, session);
    this.#startWaiting(pool);
    return lane;
  }

  #closingOf(server: string): number {
    return [...this.#closing.keys()].filter(({ config }) => config.name === server).length;
  }

  /** A lane that waits to be started; null when there are as many as there may be. */
  #make(pool: Pool, session: CallOwner): Lane | null {
    const { config, lanes } = pool;
    if (lanes.size >= config.maxInstances) {
      const fields = { server: config.name, maxInstances: config.maxInstances };
      this.#options.log.warn(fields, 'a client gets no instance of its own: all are taken');
      return null;
    }
    const last = (this.#last.get(config.name) ?? 0) + 1;
    this.#last.set(config.name, last);
    const lane = this.#options.open({ ...config, lane: `${config.name}#${last}` }, session);
    lanes.set(session, lane);
    pool.waiting.add(lane);
    return lane;
  }

  #startWaiting(pool: Pool): void {
    if (this.#stopping) return;
    const { name, maxInstances } = pool.config;
    const { departures } = this.#options;
    for (const lane of pool.waiting) {
      const started = pool.lanes.size - pool.waiting.size;
      const running = started + this.#closingOf(name) + departures.count(name);
      if (running >= maxInstances || lane.owner === null) return;
      if (departures.blocks(name, lane.owner)) continue;
      pool.waiting.delete(lane);
      lane.begin(this.#sessions.get(lane.owner) ?? '{}', this.#options.known(name));
    }
  }
}

function newPool(config: DownstreamConfig): Pool {
  return { config, lanes: new Map(), waiting: new Set() };
}
