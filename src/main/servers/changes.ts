/**
 * Other servers in place of the present ones: lanes that are the same go on undisturbed, others are added,
 * adjusted, replaced or removed. A lane that begins waits until its predecessor is gone.
 */
import type { GatewayConfig, ServerConfig } from '../../shared/model/config.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import type { Difference } from '../config/difference.ts';
import { mostLanes } from './capacity.ts';
import type { Endings } from './endings.ts';
import type { Instances } from './instances.ts';
import type { Lane } from './lane.ts';
import type { LaneTable } from './lane-table.ts';

export interface ChangesOptions {
  readonly lanes: LaneTable;
  readonly endings: Endings;
  readonly instances: Instances;
  readonly catalogs: Catalogs;
  /** The lane is about to retire. */
  readonly onRetires: (lane: Lane, successor: Lane | null) => void;
}

export class Changes {
  readonly #options: ChangesOptions;
  /** The client capabilities sent to shared servers, as JSON text; null before the start. */
  #clientCapabilities: string | null = null;
  #stopped = false;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /** Shared servers may begin. @param lanes in that order. */
  start(lanes: readonly Lane[], clientCapabilities: string): void {
    this.#clientCapabilities = clientCapabilities;
    for (const lane of lanes) if (lane.owner === null) this.begin(lane);
  }

  /** What clients can do has changed: servers are told at their next start. */
  declare(clientCapabilities: string): void {
    if (this.#clientCapabilities === null) return;
    this.#clientCapabilities = clientCapabilities;
    for (const lane of this.#options.lanes.all()) {
      if (lane.owner === null) lane.declare(clientCapabilities);
    }
  }

  /** Nothing begins any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Why there is no room for the servers of another configuration, in one line; null: there is. */
  roomProblem(
    config: GatewayConfig,
    { removed, replaced }: Difference,
    room: number,
  ): string | null {
    const { lanes, endings } = this.#options;
    const leaving = lanes.of([...removed, ...replaced]).length + endings.retiring;
    const needed = mostLanes(config) + leaving;
    if (needed <= room) return null;
    return `has servers for ${needed} lanes, and this gateway was started with room for ${room}; restart rea serve`;
  }

  /** True when a server to be removed or replaced is about to serve calls that wait for it. */
  isSettling({ removed, replaced }: Difference): boolean {
    return this.#options.lanes.of([...removed, ...replaced]).some(({ settling }) => settling);
  }

  apply({ added, removed, replaced, adjusted }: Difference): void {
    for (const { name } of removed) this.#remove(name);
    for (const server of adjusted) this.#adjust(server);
    for (const server of replaced) this.#replace(server);
    for (const server of added) this.#add(server);
  }

  /** Starts a shared lane, unless it runs already or has to wait for its predecessor. */
  begin(lane: Lane): void {
    const { endings, catalogs } = this.#options;
    const { name } = lane.config;
    if (this.#clientCapabilities === null || this.#stopped || lane.begun) return;
    if (endings.blocks(name, null)) return;
    lane.begin(this.#clientCapabilities, catalogs.shared.knows(name));
  }

  /** The lane makes room for its successor, or for nothing. */
  retire(lane: Lane, successor: Lane | null): void {
    const { lanes, endings, onRetires } = this.#options;
    lanes.detach(lane);
    onRetires(lane, successor);
    endings.retire(lane, successor);
  }

  #add(config: ServerConfig): void {
    if (config.instances === 'session') this.#options.instances.add(config);
    else this.begin(this.#options.lanes.open(config, null));
  }

  #remove(server: string): void {
    const lane = this.#options.lanes.get(server);
    if (lane === undefined) this.#options.instances.remove(server);
    else this.retire(lane, null);
  }

  #replace(config: ServerConfig): void {
    const lane = this.#options.lanes.get(config.name);
    if (lane === undefined && config.instances === 'session') {
      return this.#options.instances.replace(config);
    }
    if (lane === undefined || config.instances === 'session') {
      // From one process for all to one for each or the other way round: there is no successor.
      this.#remove(config.name);
      return this.#add(config);
    }
    const successor = this.#options.lanes.open(config, null);
    this.retire(lane, successor);
    this.begin(successor);
  }

  #adjust(config: ServerConfig): void {
    const lane = this.#options.lanes.get(config.name);
    if (lane === undefined) this.#options.instances.reconfigure(config);
    else lane.reconfigure(config);
  }
}
