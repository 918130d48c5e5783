/**
 * All servers and their threads: one supervisor thread for each downstream. Carries messages between
 * the threads and the router's downstreams, gives out start tickets, and stops the servers together.
 */
import type { MessagePort } from 'node:worker_threads';
import type { GatewayConfig } from '../../shared/model/config.ts';
import type { LastStop, RoutingRecord } from '../../shared/model/snapshot.ts';
import type { Fact, FromSupervisor, LifecycleMessage } from '../../shared/wire/protocol.ts';
import type { RecordedGroup } from '../../shared/wire/vitals.ts';
import { type Logger, logFromThread } from '../logger.ts';
import type { StartTickets } from '../processes/start-tickets.ts';
import type { CallTable } from '../routing/calls.ts';
import type { Catalog } from '../routing/catalog.ts';
import { Downstream } from '../routing/downstream.ts';
import type { Router } from '../routing/router.ts';
import { lostRecord } from './lost-record.ts';
import { SupervisorThread } from './supervisor-thread.ts';

export interface FleetOptions {
  readonly config: GatewayConfig;
  readonly calls: CallTable;
  readonly catalog: Catalog;
  readonly tickets: (grant: (server: string) => void) => StartTickets<string>;
  readonly groupsFile: string;
  readonly gatewayVersion: string;
  readonly halted: () => { readonly active: boolean; readonly reason: string | null };
  readonly log: Logger;
  readonly attachFacts: (port: MessagePort) => void;
  readonly tell: (fact: Fact) => void;
  readonly killGroup: (group: RecordedGroup) => void;
  readonly router: () => Router;
  readonly onChange: () => void;
}

const SLOT_OF_OWN_THREAD = 0;

export class Fleet {
  readonly downstreams: ReadonlyMap<string, Downstream>;
  readonly groupsFile: string;
  readonly #options: FleetOptions;
  readonly #threads: ReadonlyMap<string, SupervisorThread>;
  readonly #tickets: StartTickets<string>;
  #onStopped: (() => void) | null = null;
  #logLevel: string | null = null;
  #stopping = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.groupsFile = options.groupsFile;
    this.#tickets = options.tickets((server) => {
      this.#threads.get(server)?.post({ type: 'ticket', slot: SLOT_OF_OWN_THREAD });
    });
    const threads = new Map<string, SupervisorThread>();
    const downstreams = new Map<string, Downstream>();
    for (const config of options.config.servers) {
      const { name } = config;
      const log = options.log.child({ server: name });
      const thread = new SupervisorThread({
        servers: [config],
        threads: options.config.threads,
        groupsFile: options.groupsFile,
        gatewayVersion: options.gatewayVersion,
        log,
        attachFacts: options.attachFacts,
        killGroup: options.killGroup,
        onMessage: (message) => this.#receive(name, message),
        onStarted: () => this.#tellLogLevel(thread),
        onLost: (state, detail, restartInMs) => this.#lost(name, state, detail, restartInMs),
        onChange: options.onChange,
      });
      threads.set(name, thread);
      downstreams.set(
        name,
        new Downstream({
          config,
          slot: SLOT_OF_OWN_THREAD,
          calls: options.calls,
          post: (message) => thread.post(message),
          thread: () => thread.record,
          halted: options.halted,
          log,
          onChange: options.onChange,
        }),
      );
    }
    this.#threads = threads;
    this.downstreams = downstreams;
  }

  /** @param clientCapabilities JSON text of what every server is told that its client can do. */
  start(clientCapabilities: string): void {
    for (const thread of this.#threads.values()) thread.start(clientCapabilities);
  }

  /** One look at every thread's heartbeat. */
  check(now: number): void {
    for (const thread of this.#threads.values()) thread.check(now);
  }

  async inspect(): Promise<void> {
    await Promise.all([...this.#threads.values()].map((thread) => thread.inspect()));
    this.#options.onChange();
  }

  reconnectFacts(): void {
    for (const thread of this.#threads.values()) thread.reconnectFacts();
  }

  setLogLevel(level: string): void {
    this.#logLevel = level;
    for (const thread of this.#threads.values()) this.#tellLogLevel(thread);
  }

  records(): Record<string, RoutingRecord> {
    const records: Record<string, RoutingRecord> = Object.create(null);
    for (const [name, downstream] of this.downstreams) records[name] = downstream.record;
    return records;
  }

  groups(): RecordedGroup[] {
    return [...this.#threads.values()].flatMap((thread) => thread.groups());
  }

  lastWords(): LastStop['servers'] {
    return [...this.downstreams].map(([name, { lastRecord }]) => ({
      name,
      restarts: lastRecord?.restarts ?? 0,
      last_exit: lastRecord?.last_exit ?? null,
    }));
  }

  abandonCalls(): void {
    for (const downstream of this.downstreams.values()) downstream.abandon();
  }

  /** Stops all servers in parallel; resolves when each one has ended. */
  stopServers({ eofMs, termMs }: { eofMs: number; termMs: number }): Promise<void> {
    this.#retireThreads();
    return new Promise((resolve) => {
      const check = () => {
        for (const [name, downstream] of this.downstreams) {
          const running = this.#threads.get(name)?.record.state === 'running';
          if (running && downstream.phase !== 'stopped') return;
        }
        this.#onStopped = null;
        resolve();
      };
      this.#onStopped = check;
      this.#postStop(eofMs, termMs);
      check();
    });
  }

  /** Kills every server's group at once. The threads hear of it first, so that none restarts its own. */
  killServers(kill: (group: RecordedGroup) => void): void {
    this.#retireThreads();
    this.#postStop(0, 0);
    for (const group of this.groups()) kill(group);
  }

  async stopThreads(): Promise<void> {
    await Promise.all([...this.#threads.values()].map((thread) => thread.stop()));
  }

  #retireThreads(): void {
    this.#stopping = true;
    for (const thread of this.#threads.values()) thread.retire();
  }

  #postStop(eofMs: number, termMs: number): void {
    for (const thread of this.#threads.values()) {
      thread.post({ type: 'stop', slot: SLOT_OF_OWN_THREAD, eofMs, termMs });
    }
  }

  /** What clients have set holds for threads that start later, too. */
  #tellLogLevel(thread: SupervisorThread): void {
    if (this.#logLevel === null) return;
    thread.post({ type: 'log_level', slot: SLOT_OF_OWN_THREAD, level: this.#logLevel });
  }

  #receive(name: string, message: FromSupervisor): void {
    const downstream = this.downstreams.get(name);
    if (downstream === undefined) return;
    switch (message.type) {
      case 'answer': {
        const { call, elicitations = [] } = message;
        if (elicitations.length > 0)
          this.#options.router().urlsAsked(downstream, call, elicitations);
        return downstream.answer(message);
      }
      case 'progress':
        if (!downstream.progress(message))
          this.#options.router().tasks.progress(downstream, message);
        return;
      case 'call_failed':
        return downstream.callFailed(message);
      case 'ticket_wanted':
        return this.#tickets.want(name);
      case 'ticket_returned':
        return this.#tickets.giveBack(name);
      case 'profile': {
        const { incarnation, profile } = message;
        const said = { server: name, incarnation, name: profile.name, version: profile.version };
        this.#options.log.info(said, 'introduced itself');
        return this.#options.router().profiles.update(name, profile);
      }
      case 'catalog':
        this.#options.catalog.update(name, message.kind, message.entries);
        return this.#options.router().catalogSettled(name);
      case 'notification':
        return this.#options.router().notification(downstream, message);
      case 'reverse_request':
        return this.#options.router().reverse.ask(downstream, message);
      case 'reverse_cancelled':
        return this.#options.router().reverse.cancelled(downstream, message);
      case 'lifecycle':
        return this.#lifecycle(name, downstream, message);
      case 'log':
        return logFromThread(this.#options.log, message);
    }
  }

  #lifecycle(name: string, downstream: Downstream, message: LifecycleMessage): void {
    const { event, ...rest } = message.event;
    const fields = { server: name, incarnation: message.incarnation, ...rest };
    if (event === 'child_died_unexpectedly') this.#options.log.warn(fields, event);
    else this.#options.log.info(fields, event);
    downstream.lifecycle(message);
    if (event === 'child_died_unexpectedly') this.#options.router().serverGone(downstream);
    if (event === 'ready') this.#options.router().serverReady(downstream);
    const { phase } = message.record;
    if (phase === 'failed' || phase === 'backoff' || phase === 'stopped') {
      this.#options.catalog.settle(name);
      this.#options.router().catalogSettled(name);
    }
    this.#onStopped?.();
  }

  /** The thread cannot speak for itself any more: main says what became of its server. */
  #lost(name: string, state: 'stalled' | 'crashed', detail: string, restartInMs: number): void {
    const thread = this.#threads.get(name);
    const downstream = this.downstreams.get(name);
    if (thread === undefined || downstream === undefined) return;
    this.#tickets.forget(name);
    this.#options.router().serverGone(downstream);
    downstream.threadLost(thread.generation, `${state}: ${detail}`, restartInMs);
    const now = Date.now();
    const record = lostRecord(downstream.lastRecord, {
      error: `supervisor thread ${state}: ${detail}`,
      now,
      nextStartAt: this.#stopping ? null : now + restartInMs,
    });
    this.#options.tell({
      type: 'supervisor',
      server: name,
      generation: thread.generation,
      incarnation: record.incarnation,
      rev: Number.MAX_SAFE_INTEGER,
      record,
    });
    this.#options.catalog.settle(name);
    this.#options.router().catalogSettled(name);
    this.#onStopped?.();
  }
}
