/**
 * The order in which servers start, and the launcher of their processes. Servers that calls wait for come
 * first, then those used last. A server that comes back while no call waits for it leaves a place to others.
 */
import type { LauncherProcess } from '../processes/launcher-process.ts';
import type { Lane } from './lane.ts';
import type { LaneTable } from './lane-table.ts';
import { StartTickets } from './start-tickets.ts';

/** From this many processes on the launcher starts those that come back: a fork costs a large gateway more. */
const LAUNCHER_PROCESSES = 8;
/** From this many on it makes the first starts, too: for fewer it is up too late, and takes the CPU that they need. */
const LAUNCHER_FIRST_STARTS = 64;

export interface StartOrderOptions {
  readonly lanes: LaneTable;
  /** Servers that start at the same time, at most. */
  readonly limit: number;
  /** When servers were used last in an earlier run, in milliseconds since the epoch. */
  readonly usedBefore: ReadonlyMap<string, number>;
  readonly launcher: Pick<LauncherProcess, 'address'>;
  /** No server starts before this resolves. */
  readonly startsAfter: Promise<void>;
  /** A lane of this name may start. */
  readonly onGrant: (name: string) => void;
}

export class StartOrder {
  readonly tickets: StartTickets<string>;
  readonly #options: StartOrderOptions;
  #stopped = false;

  constructor(options: StartOrderOptions) {
    this.#options = options;
    this.tickets = new StartTickets<string>(options.limit, {
      grant: (name) => this.#grant(options.lanes.get(name)),
      rank: (name) => this.#rank(options.lanes.get(name)),
      defers: (name) => {
        const lane = options.lanes.get(name);
        return lane !== undefined && lane.ranBefore && !lane.server.awaited;
      },
    });
    this.tickets.hold(options.startsAfter);
  }

  /** All lanes, the one to start first at the beginning. */
  sorted(): Lane[] {
    const rank = (lane: Lane) => this.#rank(lane);
    return this.#options.lanes.all().sort((one, other) => rank(other) - rank(one) || 0);
  }

  /** When a server was used last, in this run or an earlier one, in milliseconds since the epoch. */
  lastUse({ server, config }: Lane): number | undefined {
    return server.lastUsedAt ?? this.#options.usedBefore.get(config.name);
  }

  /** Nothing starts any more. */
  stop(): void {
    this.#stopped = true;
  }

  #grant(lane: Lane | undefined): void {
    if (lane === undefined || this.#stopped) return;
    const { lanes, launcher, onGrant } = this.#options;
    onGrant(lane.name);
    const processes = lanes.all().filter(({ hasProcess }) => hasProcess).length;
    const least = lane.ranBefore ? LAUNCHER_PROCESSES : LAUNCHER_FIRST_STARTS;
    const isFew = processes < least || !lane.hasProcess;
    lane.grantTicket(isFew ? null : launcher.address());
  }

  #rank(lane: Lane | undefined): number {
    if (lane === undefined) return 0;
    if (lane.server.awaited) return Number.POSITIVE_INFINITY;
    return this.lastUse(lane) ?? 0;
  }
}
