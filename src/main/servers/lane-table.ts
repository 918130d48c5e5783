/**
 * The lanes that serve, by name and in the order of the configuration, and what each of them needs to
 * be made: its entry in the byte credit, and the number that its facts begin with.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import type { CallOwner } from '../calls/call.ts';
import type { Lane } from './lane.ts';
import type { LanePlace } from './lane-options.ts';

export class LaneTable {
  readonly #make: (place: LanePlace) => Lane;
  readonly #lanes = new Map<string, Lane>();
  readonly #freeCreditLanes: number[];
  /** The last generation of a lane that retired; its name may come again. */
  readonly #generations = new Map<string, number>();

  /** @param room how many lanes there can be at the same time. */
  constructor(room: number, make: (place: LanePlace) => Lane) {
    this.#make = make;
    this.#freeCreditLanes = Array.from({ length: room }, (_, lane) => lane);
  }

  get(name: string): Lane | undefined {
    return this.#lanes.get(name);
  }

  all(): Lane[] {
    return [...this.#lanes.values()];
  }

  /** The lanes of these servers. */
  of(servers: readonly { readonly name: string }[]): Lane[] {
    const names = new Set(servers.map(({ name }) => name));
    return this.all().filter(({ config }) => names.has(config.name));
  }

  /** @throws Error when there is no room. */
  open(config: ServerConfig, owner: CallOwner | null): Lane {
    const creditLane = this.#freeCreditLanes.pop();
    if (creditLane === undefined) throw new Error('more lanes than the configuration allows');
    const before = this.#lanes.get(config.lane)?.generation ?? this.#generations.get(config.lane);
    // The lane before may still lose its thread, which counts as one more.
    const generation = before === undefined ? 0 : before + 1;
    const lane = this.#make({ config, owner, creditLane, generation });
    this.#lanes.set(lane.name, lane);
    return lane;
  }

  /** The lane is being replaced or removed: it serves no longer, and its successor may have its name. */
  detach(lane: Lane): void {
    // The name of a client's own lane never comes again.
    if (lane.owner === null) this.#generations.set(lane.name, lane.generation);
    this.#delete(lane);
  }

  /** Nothing of the lane is left: another one may have its place. */
  free(lane: Lane): void {
    this.#delete(lane);
    this.#freeCreditLanes.push(lane.creditLane);
  }

  /** @param names of servers, in the order in which everything is shown or tried. */
  sort(names: readonly string[]): void {
    const places = new Map(names.map((name, at) => [name, at]));
    const place = ({ config }: Lane) => places.get(config.name) ?? 0;
    const lanes = this.all().sort((one, other) => place(one) - place(other));
    this.#lanes.clear();
    for (const lane of lanes) this.#lanes.set(lane.name, lane);
  }

  #delete(lane: Lane): void {
    if (this.#lanes.get(lane.name) === lane) this.#lanes.delete(lane.name);
  }
}
