/**
 * All servers and their threads: a lane for each shared server, and for each client one of every
 * server with `instances: session`. Starts and stops the servers together.
 */

import type { StopTimes } from '../../shared/machines/supervisor-stop.ts';
import type { RecordedGroup } from '../../shared/memory/vitals.ts';
import type { GatewayConfig } from '../../shared/model/config.ts';
import { IDLE } from '../../shared/model/idle.ts';
import type { LaneRecord, LastStop } from '../../shared/model/snapshot.ts';
import type { StarvationMessage, UsageMessage } from '../../shared/protocol/usage.ts';
import type { CallOwner } from '../calls/call.ts';
import { Rates } from '../calls/gate/rate.ts';
import type { Difference } from '../config/difference.ts';
import { logFromThread } from '../logger.ts';
import { type Placed, Placement } from '../threads/placement.ts';
import { SupervisorThread } from '../threads/supervisor-thread.ts';
import { sharedServers } from './capacity.ts';
import { Changes } from './changes.ts';
import { Endings } from './endings.ts';
import { NOBODY_LISTENS, type ServerEvents } from './events.ts';
import type { FleetOptions } from './fleet-options.ts';
import { Instances } from './instances.ts';
import { Lane } from './lane.ts';
import { LaneMessages } from './lane-messages.ts';
import type { LaneContext } from './lane-options.ts';
import { laneRecords } from './lane-records.ts';
import { LaneTable } from './lane-table.ts';
import { lastWordsOf } from './last-words.ts';
import type { Server } from './server.ts';
import type { Servers } from './servers.ts';
import { StartOrder } from './start-order.ts';

/** Several servers need more heap than one. */
const SHARED_HEAP = 4;

export class Fleet implements Servers {
  readonly groupsFile: string;
  readonly #options: FleetOptions;
  readonly #placement: Placement;
  readonly #lanes: LaneTable;
  readonly #endings: Endings;
  readonly #instances: Instances;
  readonly #changes: Changes;
  readonly #order: StartOrder;
  readonly #messages: LaneMessages;
  readonly #rates = new Rates();
  #events: ServerEvents = NOBODY_LISTENS;
  #config: GatewayConfig;
  #onStopped: (() => void) | null = null;
  #stopping = false;

  constructor(options: FleetOptions) {
    const { config, catalogs, log, launcher, usedBefore } = options;
    this.#options = options;
    this.groupsFile = options.groupsFile;
    this.#config = config;
    this.#placement = new Placement(sharedServers(config), {
      threads: config.threads,
      create: (lane) => this.#createThread(lane),
    });
    const context: LaneContext = {
      ...options,
      placement: this.#placement,
      rates: this.#rates,
      uses: {
        reliesOn: (server) => this.#events.reliesOn(server),
        hasTasks: (server) => this.#events.hasTasks(server),
      },
      onAwaited: () => this.#order.tickets.reconsider(),
    };
    const lanes = new LaneTable(
      options.credit.lanes,
      (place) => new Lane(place, context, this.#messages),
    );
    this.#lanes = lanes;
    this.#order = new StartOrder({
      lanes,
      limit: options.startLimit,
      usedBefore,
      launcher,
      startsAfter: options.startsAfter,
      onGrant: (server) => log.debug({ server }, 'may start'),
    });
    this.#endings = new Endings({
      onDrained: ({ server }) => this.#events.onRetired(server),
      onGone: (lane) => this.#ended(lane),
      log,
    });
    this.#messages = new LaneMessages(options, {
      endings: this.#endings,
      tickets: this.#order.tickets,
      events: () => this.#events,
      stopping: () => this.#stopping,
      onLane: () => this.#onStopped?.(),
    });
    const ofSession = config.servers.filter(({ instances }) => instances === 'session');
    this.#instances = new Instances(ofSession, {
      open: (server, owner) => {
        catalogs.open(owner);
        return lanes.open(server, owner);
      },
      known: (server) => catalogs.shared.knows(server),
      close: (lane) => this.#endings.close(lane),
      retire: (lane, successor) => this.#changes.retire(lane, successor),
      endings: this.#endings,
      log,
    });
    this.#changes = new Changes({
      lanes,
      endings: this.#endings,
      instances: this.#instances,
      catalogs,
      onRetires: ({ server }, successor) =>
        this.#events.onRetires(server, successor?.server ?? null),
    });
    for (const server of config.servers)
      if (server.instances === 'shared') lanes.open(server, null);
  }

  /** @param events receives all events from now on, in place of the receiver before. */
  listen(events: ServerEvents): void {
    this.#events = events;
  }

  get names(): readonly string[] {
    return this.#config.servers.map(({ name }) => name);
  }

  /** Every server there is now, without those that are being replaced or removed. */
  all(): readonly Server[] {
    return this.#lanes.all().map(({ server }) => server);
  }

  /** All of them, each with the memory of its process tree. */
  views(): { server: Server; rssMb: number }[] {
    return this.#lanes.all().map(({ server, usage }) => ({ server, rssMb: usage?.rssMb ?? 0 }));
  }

  of(client: CallOwner): readonly Server[] {
    return this.all().filter(({ owner }) => owner === null || owner === client);
  }

  serving(server: string, client: CallOwner): Server | null {
    const lane = this.#lanes.get(server) ?? this.#instances.of(server, client);
    return lane?.server ?? null;
  }

  /** Lanes that are being replaced or removed. */
  get retiring(): Pick<Endings, 'leaving' | 'hurry'> {
    return this.#endings;
  }

  /** Why there is no room for the servers of another configuration, in one line; null: there is. */
  roomProblem(config: GatewayConfig, difference: Difference): string | null {
    return this.#changes.roomProblem(config, difference, this.#options.credit.lanes);
  }

  /** True when a server to be removed or replaced is about to serve calls that wait for it. */
  isSettling(difference: Difference): boolean {
    return this.#changes.isSettling(difference);
  }

  /** Puts other servers in place of the present ones: what is the same goes on undisturbed. */
  reconfigure(config: GatewayConfig, difference: Difference): void {
    const { removed, replaced } = difference;
    const { catalogs, onChange } = this.#options;
    this.#config = config;
    this.#placement.resize(sharedServers(config));
    // A client that gets servers of its own is told from now on of changes in the lists that it sees.
    if (config.servers.some(({ instances }) => instances === 'session')) {
      for (const session of this.#instances.sessions) catalogs.open(session);
    }
    catalogs.reconfigure(config, new Set(replaced.map(({ name }) => name)));
    this.#changes.apply(difference);
    this.#events.onReconfigured();
    this.#lanes.sort(this.names);
    this.#rates.keep(this.names);
    // Requests that wait for the lists of a removed server are answered without them.
    for (const { name } of removed) this.#events.onListsSettled(name);
    onChange();
  }

  /** @param clientCapabilities JSON text of what every shared server is told that its client can do. */
  start(clientCapabilities: string): void {
    // Their threads ask for tickets in the order in which they are up.
    this.#changes.start(this.#order.sorted(), clientCapabilities);
  }

  /** The same, changed: told to each shared server at its next start. */
  declare(clientCapabilities: string): void {
    this.#changes.declare(clientCapabilities);
  }

  /** A client is there: starts its own instances. */
  openSession(client: CallOwner, clientCapabilities: string): void {
    if (this.#stopping) return;
    for (const server of this.#instances.openAll(client, clientCapabilities)) {
      // Nothing will be told of it: requests that could be for any server must not wait for that.
      this.#options.catalogs.settleFor(client, server);
    }
    this.#options.onChange();
  }

  /** A client is gone, and its own instances with it. */
  closeSession(client: CallOwner): void {
    this.#instances.closeAll(client);
    this.#options.catalogs.close(client);
    this.#options.onChange();
  }

  /** One look at every thread's heartbeat, and at what has changed by the time alone. */
  check(now: number): void {
    for (const thread of this.#placement.all()) thread.check(now);
    // Nothing else may happen for a long time, and whoever looks at files would be told that it is still open.
    const lapsed = this.#every().filter(({ server }) => server.circuit.lapse(now));
    if (lapsed.length > 0) this.#options.onChange();
  }

  /** The state writer has looked at the servers' process trees. */
  used({ at, trees }: UsageMessage): void {
    const lanes = this.#every();
    const called = lanes.filter((lane) => lane.wasCalled());
    const byGroup = new Map(trees.map((tree) => [tree.pgid, tree]));
    for (const lane of lanes) {
      const tree = byGroup.get(lane.server.lastRecord?.pgid ?? 0);
      const contended = called.some((other) => other !== lane);
      if (tree !== undefined) lane.used(tree, at, contended);
    }
  }

  /** The state writer has seen that main is starved, and by which servers. */
  starved({ trees }: StarvationMessage): void {
    const lanes = this.#every();
    const busy = lanes.filter(({ server }) => server.inFlight > 0);
    const byGroup = new Map(trees.map((tree) => [tree.pgid, tree]));
    for (const lane of lanes) {
      const tree = byGroup.get(lane.server.lastRecord?.pgid ?? 0) ?? null;
      const contended = busy.some((other) => other !== lane);
      lane.starved(tree, contended);
    }
  }

  async inspect(): Promise<void> {
    await Promise.all(this.#placement.all().map((thread) => thread.inspect()));
    this.#options.onChange();
  }

  reconnectFacts(): void {
    for (const thread of this.#placement.all()) thread.reconnectFacts();
  }

  /** @param server its name; null: all of them, those excepted that were told another level for themselves. */
  setLogLevel(level: string, server: string | null): void {
    this.#messages.setLogLevel(this.#lanes.all(), level, server);
  }

  records(): Record<string, LaneRecord> {
    return laneRecords(this.#config, this.#lanes, this.#endings, this.#options.catalogs);
  }

  groups(): RecordedGroup[] {
    return this.#placement.all().flatMap((thread) => thread.groups());
  }

  lastWords(): LastStop['servers'] {
    return this.#lanes.all().map((lane) => lastWordsOf(lane, this.#order.lastUse(lane)));
  }

  /** HALT was set: calls that wait are refused. @param why calls in flight end; null: they are answered. */
  halted(why: string | null): void {
    for (const { server } of this.#every()) {
      server.rulesChanged();
      if (why !== null) server.abandon(why);
    }
  }

  abandonCalls(): void {
    for (const { server } of this.#every()) server.abandon();
  }

  /** Stops the servers for which nothing is in flight and nothing waits. */
  stopUnused({ eofMs, termMs }: StopTimes): void {
    for (const lane of this.#every()) if (lane.unused) lane.stop(eofMs, termMs);
  }

  /** Stops all servers in parallel; resolves when each one has ended. */
  stopServers({ eofMs, termMs }: StopTimes): Promise<void> {
    this.#beginNothing();
    return new Promise((resolve) => {
      const check = () => {
        for (const lane of this.#every()) if (lane.running) return;
        this.#onStopped = null;
        resolve();
      };
      this.#onStopped = check;
      for (const lane of this.#every()) lane.stop(eofMs, termMs);
      check();
    });
  }

  /** Kills every server's group at once. The threads hear of it first, so that none restarts its own. */
  killServers(kill: (group: RecordedGroup) => void): void {
    this.#beginNothing();
    for (const lane of this.#every()) lane.stop(0, 0);
    for (const group of this.groups()) kill(group);
  }

  async stopThreads(): Promise<void> {
    await Promise.all(this.#placement.all().map((thread) => thread.stop()));
  }

  /** Nothing is left of a lane: lanes that wait for that begin. */
  #ended(lane: Lane): void {
    const { name } = lane.config;
    this.#lanes.free(lane);
    const next = this.#lanes.get(name);
    if (next !== undefined) {
      this.#tellIdle(next);
      this.#changes.begin(next);
    }
    this.#instances.gone(name);
    this.#options.onChange();
  }

  /** Replaces what was told of the lane before: it has not been started yet. */
  #tellIdle(lane: Lane): void {
    if (lane.begun || this.#endings.blocks(lane.config.name, null)) return;
    this.#options.stateWriter.tell({
      type: 'supervisor',
      server: lane.name,
      generation: lane.generation,
      incarnation: Number.MAX_SAFE_INTEGER,
      rev: Number.MAX_SAFE_INTEGER,
      record: { ...IDLE, since: new Date().toISOString() },
    });
  }

  #beginNothing(): void {
    this.#stopping = true;
    this.#instances.stop();
    this.#changes.stop();
    this.#order.stop();
  }

  /** Retiring lanes included. */
  #every(): Lane[] {
    // Lanes of clients that are gone are in both until nothing of them is left.
    return [...new Set([...this.#lanes.all(), ...this.#endings.lanes])];
  }

  /** @param lane null: for all that share. */
  #createThread(lane: Placed | null): SupervisorThread {
    const { config, log, secrets, stateWriter } = this.#options;
    const { heapMb, stallMs } = config.threads;
    const shared = lane === null;
    return new SupervisorThread({
      ...this.#options,
      name: lane?.name ?? 'shared',
      shared,
      http: lane?.http ?? true,
      capacity: shared ? this.#options.credit.lanes : 1,
      heapMb: shared ? SHARED_HEAP * heapMb : heapMb,
      stallMs,
      log: shared ? log : log.child({ server: lane.name }),
      onLog: (message) => logFromThread(log, message),
      onSecret: (server, secret) => secrets.learn(server, [secret]),
      attachFacts: (port) => stateWriter.attach(port),
    });
  }
}
