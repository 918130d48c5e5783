/**
 * Servers with `instances: session`: each client has a process of its own. Opens a lane when the client
 * comes, ends it when the client goes, and never runs more than `max_instances` of one server at a time. A
 * client that found no room gets its lane at its first request after there is some.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import type { CallOwner } from '../calls/call.ts';
import type { Logger } from '../logger.ts';
import type { Endings } from './endings.ts';
import type { Lane } from './lane.ts';

export interface InstancesOptions {
  /** Makes a lane; it is started here. */
  readonly open: (config: ServerConfig, owner: CallOwner) => Lane;
  /** True when a server's lists can be told without starting it. */
  readonly known: (server: string) => boolean;
  /** The client of a lane is gone, and the lane with it. */
  readonly close: (lane: Lane) => void;
  /** The lane makes room for its successor, or for nothing. */
  readonly retire: (lane: Lane, successor: Lane | null) => void;
  readonly endings: Endings;
  readonly log: Logger;
}

interface Pool {
  config: ServerConfig;
  readonly lanes: Map<CallOwner, Lane>;
  /** Lanes that may start when a process has ended. */
  readonly waiting: Set<Lane>;
}

export class Instances {
  readonly #options: InstancesOptions;
  readonly #pools = new Map<string, Pool>();
  /** Number of the last lane of each server: no two have the same name. */
  readonly #last = new Map<string, number>();
  /** The capabilities that each client declared, as JSON text. */
  readonly #sessions = new Map<CallOwner, string>();
  #stopping = false;

  constructor(servers: readonly ServerConfig[], options: InstancesOptions) {
    this.#options = options;
    for (const config of servers) this.#pools.set(config.name, newPool(config));
  }

  /** Every client that there is. */
  get sessions(): Iterable<CallOwner> {
    return this.#sessions.keys();
  }

  /** Opens lanes of a new server for all clients that there are. */
  add(config: ServerConfig): void {
    const pool = newPool(config);
    this.#pools.set(config.name, pool);
    for (const client of this.#sessions.keys()) this.#open(pool, client);
  }

  /** The server is removed: its lanes leave. */
  remove(server: string): void {
    const pool = this.#pools.get(server);
    this.#pools.delete(server);
    for (const lane of pool?.lanes.values() ?? []) this.#options.retire(lane, null);
  }

  /** Another process under the same name: every client's lane makes room for a new one. */
  replace(config: ServerConfig): void {
    const before = this.#pools.get(config.name);
    const pool = newPool(config);
    this.#pools.set(config.name, pool);
    for (const [client, lane] of before?.lanes ?? []) {
      this.#options.retire(lane, this.#make(pool, client));
    }
    this.#startWaiting(pool);
  }

  /** Other settings of the same processes. */
  reconfigure(config: ServerConfig): void {
    const pool = this.#pools.get(config.name);
    if (pool === undefined) return;
    pool.config = config;
    for (const lane of pool.lanes.values()) lane.reconfigure({ ...config, lane: lane.name });
    this.#startWaiting(pool);
  }

  /** Nothing is left of a lane of this server: another may start. */
  gone(server: string): void {
    const pool = this.#pools.get(server);
    if (pool !== undefined) this.#startWaiting(pool);
  }

  /** The client's own lane of a server; null when others have all there may be. */
  of(server: string, client: CallOwner): Lane | null {
    const pool = this.#pools.get(server);
    if (pool === undefined || !this.#sessions.has(client)) return null;
    return pool.lanes.get(client) ?? (this.#stopping ? null : this.#open(pool, client));
  }

  /** The gateway is stopping: nothing is opened or started any more. */
  stop(): void {
    this.#stopping = true;
  }

  /** @returns the servers that have no instance left for the client. */
  openAll(client: CallOwner, clientCapabilities: string): string[] {
    if (this.#sessions.has(client)) return [];
    this.#sessions.set(client, clientCapabilities);
    return [...this.#pools].flatMap(([server, pool]) =>
      this.#open(pool, client) === null ? [server] : [],
    );
  }

  closeAll(client: CallOwner): void {
    this.#sessions.delete(client);
    for (const pool of this.#pools.values()) {
      const lane = pool.lanes.get(client);
      if (lane === undefined) continue;
      pool.lanes.delete(client);
      pool.waiting.delete(lane);
      this.#options.close(lane);
    }
  }

  #open(pool: Pool, client: CallOwner): Lane | null {
    const lane = this.#make(pool, client);
    this.#startWaiting(pool);
    return lane;
  }

  /** A lane that waits to be started; null when there are as many as there may be. */
  #make(pool: Pool, client: CallOwner): Lane | null {
    const { config, lanes } = pool;
    if (lanes.size >= config.maxInstances) {
      const fields = { server: config.name, maxInstances: config.maxInstances };
      this.#options.log.warn(fields, 'a client gets no instance of its own: all are taken');
      return null;
    }
    const last = (this.#last.get(config.name) ?? 0) + 1;
    this.#last.set(config.name, last);
    const lane = this.#options.open({ ...config, lane: `${config.name}#${last}` }, client);
    lanes.set(client, lane);
    pool.waiting.add(lane);
    return lane;
  }

  #startWaiting(pool: Pool): void {
    if (this.#stopping) return;
    const { name, maxInstances } = pool.config;
    const { endings } = this.#options;
    for (const lane of pool.waiting) {
      const started = pool.lanes.size - pool.waiting.size;
      const running = started + endings.count(name);
      if (running >= maxInstances || lane.owner === null) return;
      if (endings.blocks(name, lane.owner)) continue;
      pool.waiting.delete(lane);
      lane.begin(this.#sessions.get(lane.owner) ?? '{}', this.#options.known(name));
    }
  }
}

function newPool(config: ServerConfig): Pool {
  return { config, lanes: new Map(), waiting: new Set() };
}
