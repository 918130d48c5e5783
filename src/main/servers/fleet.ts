/**
 * All servers and their threads: a lane for each shared server, and for each client one of every
 * server with `instances: session`. Carries messages between the threads and the router's downstreams,
 * gives out start tickets, and stops the servers together.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { LookupSlots } from '../../shared/memory/lookup-slots.ts';
import type { RecordedGroup } from '../../shared/memory/vitals.ts';
import type { DownstreamConfig, GatewayConfig } from '../../shared/model/config.ts';
import type { GuardedPlaces } from '../../shared/model/guarded.ts';
import { IDLE } from '../../shared/model/idle.ts';
import type { LaneRecord, LastStop } from '../../shared/model/snapshot.ts';
import { UNROUTED } from '../../shared/model/unrouted.ts';
import type { Fact } from '../../shared/protocol/facts.ts';
import type { LifecycleMessage } from '../../shared/protocol/from-supervisor.ts';
import type { StarvationMessage, UsageMessage } from '../../shared/protocol/usage.ts';
import type { CallOwner } from '../calls/call.ts';
import type { CallTable } from '../calls/call-table.ts';
import type { Observer } from '../calls/observer.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import type { Difference } from '../config/difference.ts';
import { type Logger, logFromThread } from '../logger.ts';
import type { LauncherProcess } from '../processes/launcher-process.ts';
import type { PriorityQueue } from '../processes/priority/priority-queue.ts';
import type { Router } from '../routing/router.ts';
import { Placement } from '../threads/placement.ts';
import { SupervisorThread } from '../threads/supervisor-thread.ts';
import { mostLanes, sharedServers } from './capacity.ts';
import { Departures } from './endings.ts';
import { Instances } from './instances.ts';
import { Lane, type LaneContext, type LaneHooks, type LaneMessage } from './lane.ts';
import { lostRecord } from './lost-record.ts';
import type { Downstream } from './server.ts';
import type { Servers } from './servers.ts';
import type { StartTickets, TicketOffice } from './start-tickets.ts';

export interface FleetOptions {
  readonly config: GatewayConfig;
  readonly calls: CallTable;
  readonly catalogs: Catalogs;
  readonly tickets: (office: TicketOffice<string>) => StartTickets<string>;
  /** When servers were used last in an earlier run, in milliseconds since the epoch. */
  readonly usedBefore: ReadonlyMap<string, number>;
  readonly credit: ByteCredit;
  readonly lookups: LookupSlots;
  readonly guarded: GuardedPlaces;
  readonly groupsFile: string;
  readonly gatewayVersion: string;
  readonly halted: () => { readonly active: boolean; readonly reason: string | null };
  readonly log: Logger;
  /** Nothing that is logged may hold this from now on. */
  readonly onSecret: (secret: string) => void;
  readonly observer: Observer;
  readonly attachFacts: (port: MessagePort) => void;
  readonly tell: (fact: Fact) => void;
  readonly killGroup: (group: RecordedGroup) => void;
  readonly router: () => Router;
  readonly priorities: PriorityQueue;
  readonly launcher: Pick<LauncherProcess, 'address' | 'failed'>;
  readonly onChange: () => void;
}

/** From so many processes on they are started by the launcher. */
const LAUNCHER_PROCESSES = 8;
/** Several servers need more heap than one. */
const SHARED_HEAP = 4;

export class Fleet implements Servers {
  readonly groupsFile: string;
  readonly #options: FleetOptions;
  readonly #context: LaneContext;
  readonly #placement: Placement;
  readonly #lanes = new Map<string, Lane>();
  readonly #departures: Departures;
  readonly #instances: Instances;
  readonly #tickets: StartTickets<string>;
  readonly #freeCreditLanes: number[];
  /** The last generation of a lane that left; its name may come again. */
  readonly #generations = new Map<string, number>();
  #config: GatewayConfig;
  /** What shared servers are told that their client can do, null before the start. */
  #clientCapabilities: string | null = null;
  #onStopped: (() => void) | null = null;
  #logLevel: string | null = null;
  #stopping = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#freeCreditLanes = Array.from({ length: options.credit.lanes }, (_, lane) => lane);
    this.#placement = new Placement(sharedServers(options.config), {
      threads: options.config.threads,
      create: (lane) => this.#createThread(lane),
    });
    this.#context = {
      ...options,
      placement: this.#placement,
      reliedOn: (downstream) => options.router().reliesOn(downstream),
      atWork: (downstream) => options.router().hasTasks(downstream),
      onAwaited: () => this.#tickets.reconsider(),
    };
    this.groupsFile = options.groupsFile;
    this.#tickets = options.tickets({
      grant: (name) => this.#grant(this.#lanes.get(name)),
      rank: (lane) => this.#rank(lane),
      defers: (lane) => this.#defers(lane),
    });
    this.#departures = new Departures({
      onDrained: ({ downstream }) => options.router().serverLeft(downstream),
      onGone: (lane) => this.#gone(lane),
      log: options.log,
    });
    const ofSession = options.config.servers.filter(({ instances }) => instances === 'session');
    this.#instances = new Instances(ofSession, {
      open: (config, owner) => {
        options.catalogs.open(owner);
        return this.#open(config, owner);
      },
      known: (server) => options.catalogs.shared.knows(server),
      close: (lane) => {
        this.#lanes.delete(lane.name);
        this.#freeCreditLanes.push(lane.creditLane);
      },
      leave: (lane, heir) => this.#leave(lane, heir),
      departures: this.#departures,
      log: options.log,
    });
    for (const config of options.config.servers) {
      if (config.instances === 'shared') this.#open(config, null);
    }
  }

  get names(): readonly string[] {
    return this.#config.servers.map(({ name }) => name);
  }

  /** Every downstream there is now, without those on their way out. */
  all(): readonly Downstream[] {
    return [...this.#lanes.values()].map(({ downstream }) => downstream);
  }

  /** All of them, each with the memory of its process tree. */
  views(): { downstream: Downstream; rssMb: number }[] {
    return [...this.#lanes.values()].map(({ downstream, usage }) => {
      return { downstream, rssMb: usage?.rssMb ?? 0 };
    });
  }

  of(session: CallOwner): readonly Downstream[] {
    return this.all().filter(({ owner }) => owner === null || owner === session);
  }

  serving(server: string, session: CallOwner): Downstream | null {
    const lane = this.#lanes.get(server) ?? this.#instances.of(server, session);
    return lane?.downstream ?? null;
  }

  /** Why there is no room for the servers of another configuration, in one line; null: there is. */
  roomProblem(config: GatewayConfig, { removed, replaced }: Difference): string | null {
    const going = new Set([...removed, ...replaced].map(({ name }) => name));
    const leaving = [...this.#lanes.values()].filter((lane) => going.has(lane.config.name));
    const needed = mostLanes(config) + leaving.length + this.#departures.lanes.length;
    const room = this.#options.credit.lanes;
    if (needed <= room) return null;
    return `has servers for ${needed} lanes, and this gateway was started with room for ${room}; restart rea serve`;
  }

  /** Whether a server that is to go is about to serve calls that wait for it. */
  isSettling({ removed, replaced }: Difference): boolean {
    const going = new Set([...removed, ...replaced].map(({ name }) => name));
    return [...this.#lanes.values()].some((lane) => going.has(lane.config.name) && lane.settling);
  }

  /** Puts other servers in place of the present ones: what is the same goes on undisturbed. */
  reconfigure(config: GatewayConfig, difference: Difference): void {
    const { added, removed, replaced, adjusted } = difference;
    const { catalogs } = this.#options;
    this.#config = config;
    this.#placement.resize(sharedServers(config));
    // Who is to see servers of its own is told of what changes in the lists that it sees from now on.
    if (config.servers.some(({ instances }) => instances === 'session')) {
      for (const session of this.#instances.sessions) catalogs.open(session);
    }
    catalogs.reconfigure(config, new Set(replaced.map(({ name }) => name)));
    for (const { name } of removed) this.#remove(name);
    for (const server of adjusted) this.#adjust(server);
    for (const server of replaced) this.#replace(server);
    for (const server of added) this.#add(server);
    this.#options.router().reverse.reconsider();
    this.#sort();
    // Who waits for what they offer hears that there is none.
    for (const { name } of removed) this.#options.router().catalogSettled(name);
    this.#options.onChange();
  }

  /** @param clientCapabilities JSON text of what every shared server is told that its client can do. */
  start(clientCapabilities: string): void {
    this.#clientCapabilities = clientCapabilities;
    // Their threads ask for tickets in the order in which they are up.
    const rank = ({ name }: Lane) => this.#rank(name);
    const lanes = [...this.#lanes.values()].sort((one, other) => rank(other) - rank(one) || 0);
    for (const lane of lanes) if (lane.owner === null) this.#begin(lane);
  }

  /** A client is there: starts the servers of which each client has its own. */
  openSession(session: CallOwner, clientCapabilities: string): void {
    if (this.#stopping) return;
    for (const server of this.#instances.openAll(session, clientCapabilities)) {
      // Nothing will be told of it: requests that could be for any server must not wait for that.
      this.#options.catalogs.settleFor(session, server);
    }
    this.#options.onChange();
  }

  /** A client is gone, and with it its own servers. */
  closeSession(session: CallOwner): void {
    this.#instances.closeAll(session);
    this.#options.catalogs.close(session);
    this.#options.onChange();
  }

  /** One look at every thread's heartbeat. */
  check(now: number): void {
    for (const thread of this.#placement.all()) thread.check(now);
  }

  /** The state writer has looked at the servers' process trees. */
  used({ at, trees }: UsageMessage): void {
    const lanes = this.#every();
    const called = lanes.filter((lane) => lane.wasCalled());
    const byGroup = new Map(trees.map((tree) => [tree.pgid, tree]));
    for (const lane of lanes) {
      const tree = byGroup.get(lane.downstream.lastRecord?.pgid ?? 0);
      const contended = called.some((other) => other !== lane);
      if (tree !== undefined) lane.used(tree, at, contended);
    }
  }

  /** The state writer has seen that main is starved, and by whom. */
  starved({ trees }: StarvationMessage): void {
    const lanes = this.#every();
    const busy = lanes.filter(({ downstream }) => downstream.inFlight > 0);
    const byGroup = new Map(trees.map((tree) => [tree.pgid, tree]));
    for (const lane of lanes) {
      const tree = byGroup.get(lane.downstream.lastRecord?.pgid ?? 0) ?? null;
      lane.starved(
        tree,
        busy.some((other) => other !== lane),
      );
    }
  }

  async inspect(): Promise<void> {
    await Promise.all(this.#placement.all().map((thread) => thread.inspect()));
    this.#options.onChange();
  }

  reconnectFacts(): void {
    for (const thread of this.#placement.all()) thread.reconnectFacts();
  }

  setLogLevel(level: string): void {
    this.#logLevel = level;
    for (const lane of this.#lanes.values()) lane.setLogLevel(level);
  }

  /** By lane, in the order of the configuration; a server without any lane now has its own name. */
  records(): Record<string, LaneRecord> {
    const records: Record<string, LaneRecord> = Object.create(null);
    for (const { name } of this.#config.servers) {
      const lanes = [...this.#lanes.values()].filter(({ config }) => config.name === name);
      if (lanes.length === 0) records[name] = UNROUTED;
      const nameCollisions = this.#options.catalogs.shared.collisions(name);
      for (const lane of lanes) {
        records[lane.name] = { ...lane.record, name_collisions: nameCollisions };
      }
    }
    // Until it is gone a process is shown, under the name of the one to come if there is one.
    for (const lane of this.#departures.lanes) {
      records[lane.name] ??= { ...lane.record, name_collisions: 0 };
    }
    return records;
  }

  groups(): RecordedGroup[] {
    return this.#placement.all().flatMap((thread) => thread.groups());
  }

  lastWords(): LastStop['servers'] {
    return [...this.#lanes].map(([name, { config, downstream }]) => ({
      name,
      restarts: downstream.lastRecord?.restarts ?? 0,
      last_exit: downstream.lastRecord?.last_exit ?? null,
      last_used: isoOrNull(downstream.lastUsedAt ?? this.#options.usedBefore.get(config.name)),
    }));
  }

  abandonCalls(): void {
    for (const { downstream } of this.#every()) downstream.abandon();
  }

  /** Stops all servers in parallel; resolves when each one has ended. */
  stopServers({ eofMs, termMs }: { eofMs: number; termMs: number }): Promise<void> {
    this.#stopping = true;
    this.#instances.stop();
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
    this.#stopping = true;
    this.#instances.stop();
    for (const lane of this.#every()) lane.stop(0, 0);
    for (const group of this.groups()) kill(group);
  }

  async stopThreads(): Promise<void> {
    await Promise.all(this.#placement.all().map((thread) => thread.stop()));
  }

  /** Few servers leave the gateway small: starting one costs it less than another process would. */
  #grant(lane: Lane | undefined): void {
    if (lane === undefined || this.#stopping) return;
    this.#options.log.debug({ server: lane.name }, 'may start');
    const processes = [...this.#lanes.values()].filter(({ hasProcess }) => hasProcess).length;
    const isFew = processes < LAUNCHER_PROCESSES || !lane.hasProcess;
    lane.grantTicket(isFew ? null : this.#options.launcher.address());
  }

  /** Who starts first: a server that calls wait for, then the one that was used last. */
  #rank(name: string): number {
    const lane = this.#lanes.get(name);
    if (lane === undefined) return 0;
    if (lane.downstream.awaited) return Number.POSITIVE_INFINITY;
    return lane.downstream.lastUsedAt ?? this.#options.usedBefore.get(lane.config.name) ?? 0;
  }

  /** Whether it comes back from wherever it was, and nobody waits for it. */
  #defers(name: string): boolean {
    const lane = this.#lanes.get(name);
    return lane !== undefined && lane.ranBefore && !lane.downstream.awaited;
  }

  /** Also those on their way out. */
  #every(): Lane[] {
    return [...this.#lanes.values(), ...this.#departures.lanes];
  }

  #begin(lane: Lane): void {
    const { name } = lane.config;
    if (this.#clientCapabilities === null || this.#stopping || lane.begun) return;
    if (this.#departures.blocks(name, null)) return;
    lane.begin(this.#clientCapabilities, this.#options.catalogs.shared.knows(name));
  }

  #add(config: DownstreamConfig): void {
    if (config.instances === 'session') this.#instances.add(config);
    else this.#begin(this.#open(config, null));
  }

  #remove(server: string): void {
    const lane = this.#lanes.get(server);
    if (lane === undefined) this.#instances.remove(server);
    else this.#leave(lane, null);
  }

  #replace(config: DownstreamConfig): void {
    const lane = this.#lanes.get(config.name);
    if (lane === undefined && config.instances === 'session') {
      return this.#instances.replace(config);
    }
    if (lane === undefined || config.instances === 'session') {
      // From one process for all to one for each or the other way round: nobody's heir.
      this.#remove(config.name);
      return this.#add(config);
    }
    const heir = this.#open(config, null);
    this.#leave(lane, heir);
    this.#begin(heir);
  }

  #adjust(config: DownstreamConfig): void {
    const lane = this.#lanes.get(config.name);
    if (lane === undefined) this.#instances.reconfigure(config);
    else lane.reconfigure(config);
  }

  #leave(lane: Lane, heir: Lane | null): void {
    this.#generations.set(lane.name, lane.generation);
    if (this.#lanes.get(lane.name) === lane) this.#lanes.delete(lane.name);
    this.#options.router().serverLeaves(lane.downstream, heir?.downstream ?? null);
    this.#departures.leave(lane, heir);
  }

  /** A lane that left is gone: whatever waits for that begins. */
  #gone(lane: Lane): void {
    const { name } = lane.config;
    this.#freeCreditLanes.push(lane.creditLane);
    const next = this.#lanes.get(name);
    if (next !== undefined) {
      this.#tellIdle(next);
      this.#begin(next);
    }
    this.#instances.gone(name);
    this.#options.onChange();
  }

  /** What was said of the lane before does not hold for one that has not been started yet. */
  #tellIdle(lane: Lane): void {
    if (lane.begun || this.#departures.blocks(lane.config.name, null)) return;
    this.#options.tell({
      type: 'supervisor',
      server: lane.name,
      generation: lane.generation,
      incarnation: Number.MAX_SAFE_INTEGER,
      rev: Number.MAX_SAFE_INTEGER,
      record: { ...IDLE, since: new Date().toISOString() },
    });
  }

  /** Lanes in the order of the configuration, which is that of everything that is shown or tried. */
  #sort(): void {
    const places = new Map(this.names.map((name, at) => [name, at]));
    const place = ({ config }: Lane) => places.get(config.name) ?? 0;
    const lanes = [...this.#lanes.values()].sort((one, other) => place(one) - place(other));
    this.#lanes.clear();
    for (const lane of lanes) this.#lanes.set(lane.name, lane);
  }

  #open(config: DownstreamConfig, owner: CallOwner | null): Lane {
    const creditLane = this.#freeCreditLanes.pop();
    if (creditLane === undefined) throw new Error('more lanes than the configuration allows');
    const before = this.#lanes.get(config.lane)?.generation ?? this.#generations.get(config.lane);
    // The lane before may still lose its thread, which counts as one more.
    const generation = before === undefined ? 0 : before + 1;
    const hooks: LaneHooks = {
      onMessage: (from, message) => this.#receive(from, message),
      onGone: (gone) => this.#stopped(gone),
      // What clients have set holds for threads that start later, too.
      onStarted: (started) => {
        if (this.#logLevel !== null) started.setLogLevel(this.#logLevel);
      },
      onLost: (lost, state, detail, restartInMs) => this.#lost(lost, state, detail, restartInMs),
    };
    const lane = new Lane(config, owner, creditLane, this.#context, hooks, generation);
    this.#lanes.set(lane.name, lane);
    return lane;
  }

  /** @param lane null: for all that share. */
  #createThread(lane: string | null): SupervisorThread {
    const { config, log } = this.#options;
    const { heapMb, stallMs } = config.threads;
    const shared = lane === null;
    return new SupervisorThread({
      ...this.#options,
      name: lane ?? 'shared',
      shared,
      capacity: shared ? this.#options.credit.lanes : 1,
      heapMb: shared ? SHARED_HEAP * heapMb : heapMb,
      stallMs,
      log: shared ? log : log.child({ server: lane }),
      onLog: (message) => logFromThread(log, message),
    });
  }

  #receive(lane: Lane, message: LaneMessage): void {
    const { downstream } = lane;
    const router = this.#options.router();
    // What it offers is the business of its successor, if there is one.
    const tells = message.type === 'catalog' || message.type === 'profile';
    if (tells && this.#departures.has(lane)) return;
    switch (message.type) {
      case 'answer': {
        const { call, visits } = message;
        if (visits !== undefined) this.#options.router().urlsAsked(downstream, call, visits.ids);
        return downstream.answer(message);
      }
      case 'progress':
        if (!downstream.progress(message))
          this.#options.router().tasks.progress(downstream, message);
        return;
      case 'call_failed':
        return downstream.callFailed(message);
      case 'ticket_wanted':
        return this.#tickets.want(lane.name);
      case 'launcher_failed':
        return this.#options.launcher.failed(message.path, message.why);
      case 'ticket_returned':
        return this.#tickets.giveBack(lane.name);
      case 'profile': {
        const { incarnation, profile } = message;
        const said = {
          server: lane.name,
          incarnation,
          name: profile.name,
          version: profile.version,
        };
        this.#options.log.info(said, 'introduced itself');
        return router.profiles.update(lane.config.name, profile);
      }
      case 'catalog':
        this.#options.catalogs.update(lane, message.kind, message.entries);
        this.#options.onChange();
        return router.catalogSettled(lane.config.name);
      case 'notification':
        return router.notification(downstream, message);
      case 'reverse_request':
        return router.reverse.ask(downstream, message);
      case 'reverse_cancelled':
        return router.reverse.cancelled(downstream, message);
      case 'lifecycle':
        return this.#lifecycle(lane, message);
    }
  }

  #lifecycle(lane: Lane, message: LifecycleMessage): void {
    const { downstream } = lane;
    const { event, ...rest } = message.event;
    const fields = { server: lane.name, incarnation: message.incarnation, ...rest };
    if (event === 'child_died_unexpectedly') this.#options.log.warn(fields, event);
    else this.#options.log.info(fields, event);
    lane.lifecycle(message);
    const isGone = event === 'child_died_unexpectedly' || event === 'draining';
    if (isGone) this.#options.router().serverGone(downstream);
    if (event === 'ready') this.#options.router().serverReady(downstream);
    const { phase } = message.record;
    if (phase === 'failed' || phase === 'backoff' || phase === 'stopped') this.#settle(lane);
    this.#stopped(lane);
  }

  /** The thread cannot speak for itself any more: main says what became of its server. */
  #lost(lane: Lane, state: 'stalled' | 'crashed', detail: string, restartInMs: number): void {
    const { name, downstream } = lane;
    this.#tickets.forget(name);
    this.#options.observer.threadLost(lane.config.name, state);
    this.#options.router().serverGone(downstream);
    lane.lost(`${state}: ${detail}`, restartInMs);
    const now = Date.now();
    const record = lostRecord(downstream.lastRecord, {
      error: `supervisor thread ${state}: ${detail}`,
      now,
      nextStartAt: this.#stopping || lane.retired ? null : now + restartInMs,
    });
    this.#options.tell({
      type: 'supervisor',
      server: name,
      generation: lane.generation,
      incarnation: record.incarnation,
      rev: Number.MAX_SAFE_INTEGER,
      record,
    });
    this.#settle(lane);
    this.#stopped(lane);
  }

  /** Nobody waits for the first lists of this server any longer. */
  #settle(lane: Lane): void {
    if (this.#departures.has(lane)) return;
    this.#options.catalogs.settle(lane);
    this.#options.router().catalogSettled(lane.config.name);
  }

  #stopped(lane: Lane): void {
    if (!lane.running) {
      this.#tickets.forget(lane.name);
      this.#instances.stopped(lane);
      this.#departures.stopped(lane);
    }
    this.#onStopped?.();
  }
}

function isoOrNull(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}
