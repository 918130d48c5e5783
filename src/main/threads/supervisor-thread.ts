/**
 * One supervisor thread as main sees it: creates the worker, hands it its servers, watches its
 * heartbeat, and replaces it when it stalls or dies. When a thread is lost its children are killed
 * first, from the groups in shared memory. In one that several servers share it finds the one that
 * holds up the others. Never decides anything about calls, nor where a server runs.
 */

import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Worker,
} from 'node:worker_threads';
import type { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { KnownPlaces } from '../../shared/memory/known-places.ts';
import type { LookupSlots } from '../../shared/memory/lookup-slots.ts';
import { type RecordedGroup, ThreadVitals } from '../../shared/memory/vitals.ts';
import type { GuardedPlaces } from '../../shared/model/guarded.ts';
import type { ThreadRecord } from '../../shared/model/snapshot.ts';
import { threadCpuMs } from '../../shared/platform/proc.ts';
import type { FromSupervisor, LogMessage } from '../../shared/protocol/from-supervisor.ts';
import { type Batch, messagesIn, PortBatch } from '../../shared/protocol/port-batch.ts';
import type { SupervisorControl, SupervisorThreadData } from '../../shared/protocol/threads.ts';
import type { ToSupervisor } from '../../shared/protocol/to-supervisor.ts';
import type { Logger } from '../logger.ts';
import { ControlLink } from './control.ts';
import { LoadWatch } from './load-watch.ts';
import { endWorker, startWorker } from './start-worker.ts';
import type { Tenant } from './tenant.ts';
import { ThreadBackoff } from './thread-backoff.ts';
import { ThreadProbe } from './thread-probe.ts';
import { ThreadWatch } from './thread-watch.ts';

/** Restarts of a thread: its own code is at fault, so few and soon slow. */
const THREAD_RESTART = {
  intensity: 5,
  periodMs: 30_000,
  backoffMs: 500,
  backoffMaxMs: 30_000,
  stableMs: 10_000,
} as const;
const INSPECT_DEADLINE_MS = 4000;
/** A thread blocked in a system call ends later than anyone can wait. */
const END_MS = 2000;

export interface SupervisorThreadOptions {
  /** As the system shows it. */
  readonly name: string;
  /** Whether several servers run in it. */
  readonly shared: boolean;
  /** How many servers it has room for. */
  readonly capacity: number;
  readonly heapMb: number;
  readonly stallMs: number;
  readonly credit: ByteCredit;
  readonly lookups: LookupSlots;
  readonly knownPlaces: KnownPlaces;
  readonly guarded: GuardedPlaces;
  readonly groupsFile: string;
  readonly gatewayVersion: string;
  readonly log: Logger;
  readonly onLog: (message: LogMessage) => void;
  /** Nothing that is logged may hold this from now on. */
  readonly onSecret: (secret: string) => void;
  /** Gives the state writer the reading end of a new facts port. */
  readonly attachFacts: (port: MessagePort) => void;
  readonly killGroup: (group: RecordedGroup) => void;
  /** Something in `record` changed. */
  readonly onChange: () => void;
}

type Life =
  | {
      readonly state: 'running';
      readonly worker: Worker;
      readonly callPort: MessagePort;
      readonly outgoing: PortBatch<ToSupervisor>;
      readonly control: ControlLink<SupervisorControl>;
    }
  | { readonly state: 'replacing'; readonly why: 'stalled' | 'crashed' }
  | { readonly state: 'stopped' };

export class SupervisorThread {
  readonly shared: boolean;
  readonly #options: SupervisorThreadOptions;
  readonly #vitals: ThreadVitals;
  /** By slot. */
  readonly #tenants = new Map<number, Tenant>();
  readonly #backoff = new ThreadBackoff(THREAD_RESTART);
  readonly #probe: ThreadProbe;
  readonly #load = new LoadWatch();
  #watch: ThreadWatch;
  #life: Life = { state: 'stopped' };
  #started = false;
  #restarts = 0;
  #heapMb: number | null = null;
  #restartTimer: NodeJS.Timeout | null = null;
  #closed = false;
  #ending: Promise<void> = Promise.resolve();
  /** Nothing of the thread counts any more, not even what is still delivered of it. */
  #creditCleared = false;

  constructor(options: SupervisorThreadOptions) {
    this.#options = options;
    this.shared = options.shared;
    this.#vitals = ThreadVitals.create(options.capacity);
    this.#probe = new ThreadProbe(options.log, 'a supervisor thread');
    this.#watch = new ThreadWatch(options.stallMs, 0n);
  }

  get record(): ThreadRecord {
    return {
      state: this.#state(),
      restarts: this.#restarts,
      heap_mb: this.#heapMb,
      mates: Math.max(0, this.#tenants.size - 1),
    };
  }

  /** How many servers it has. */
  get size(): number {
    return this.#tenants.size;
  }

  /** Whether there is a thread now. */
  get alive(): boolean {
    return this.#life.state === 'running';
  }

  /** OS id of the thread, 0 while it is not known. */
  get threadId(): number {
    return this.#life.state === 'running' ? this.#vitals.threadId() : 0;
  }

  /**
   * Hands it a server, and starts the thread if there was no need for it before; when the system
   * refuses one, it is tried again as after a loss.
   *
   * @param delayMs how long the server's start waits.
   * @returns the slot, which names the server in messages.
   * @throws Error when it has no room.
   */
  open(tenant: Tenant, delayMs: number): number {
    let slot = 0;
    while (this.#tenants.has(slot)) slot += 1;
    if (slot >= this.#options.capacity) throw new Error('a supervisor thread has no room left');
    this.#tenants.set(slot, tenant);
    if (this.#life.state === 'running') this.#hand(slot, tenant, delayMs);
    else if (this.#life.state === 'stopped') this.#start(delayMs);
    return slot;
  }

  /** The server has ended, or has left for another thread. Resolves when nothing of it is here. */
  async leave(tenant: Tenant): Promise<void> {
    if (this.#life.state === 'replacing') await this.#ending;
    this.#forget(tenant);
  }

  #forget(tenant: Tenant): void {
    for (const [slot, one] of this.#tenants) {
      if (one !== tenant) continue;
      this.#tenants.delete(slot);
      this.#load.forget(slot);
    }
  }

  #start(delayMs: number): void {
    if (this.#closed) return;
    this.#started = true;
    this.#creditCleared = false;
    this.#vitals.clearWork();
    const calls = new MessageChannel();
    const facts = new MessageChannel();
    const control = new MessageChannel();
    const data: SupervisorThreadData = {
      kind: 'supervisor',
      callPort: calls.port2,
      factsPort: facts.port2,
      controlPort: control.port2,
      vitals: this.#vitals.buffer,
      credit: this.#options.credit.buffer,
      lookups: this.#options.lookups.buffer,
      knownPlaces: this.#options.knownPlaces.buffer,
      guarded: this.#options.guarded,
      groupsFile: this.#options.groupsFile,
      gatewayVersion: this.#options.gatewayVersion,
    };
    const started = startWorker({
      kind: 'supervisor',
      name: `supervisor ${this.#options.name}`,
      data,
      transfer: [calls.port2, facts.port2, control.port2],
      heapMb: this.#options.heapMb,
      log: this.#options.log,
    });
    if (!started.ok) {
      for (const { port1 } of [calls, facts, control]) port1.close();
      const detail = `it cannot be started: ${started.error}`;
      return this.#replace(this.#announceLoss('crashed', detail, null), null);
    }
    const { worker } = started;
    this.#options.attachFacts(facts.port1);
    const life = {
      state: 'running',
      worker,
      callPort: calls.port1,
      outgoing: new PortBatch<ToSupervisor>({
        post: (batch, transfer) => calls.port1.postMessage(batch, transfer),
        later: (flush) => setImmediate(flush),
      }),
      control: new ControlLink<SupervisorControl>(control.port1),
    } as const;
    this.#life = life;
    this.#backoff.started(performance.now());
    this.#watch = new ThreadWatch(this.#options.stallMs, this.#vitals.beats());
    this.#load.clear();
    calls.port1.on('message', (batch: Batch<FromSupervisor>) => this.#receive(batch));
    const { threadId } = worker;
    worker.on('exit', () => this.#options.lookups.release(threadId));
    worker.on('exit', (code) => this.#lose(life, 'crashed', `the thread ended with code ${code}`));
    for (const [slot, tenant] of this.#tenants) this.#hand(slot, tenant, delayMs);
  }

  #hand(slot: number, tenant: Tenant, delayMs: number): void {
    const { config: server, creditLane } = tenant;
    this.post({ type: 'open', slot, server, ...tenant.opening(), creditLane, delayMs });
    tenant.onOpened();
  }

  /** Posts to the thread; false when there is none right now. */
  post(message: ToSupervisor): boolean {
    if (this.#life.state !== 'running') return false;
    this.#life.outgoing.add(message, []);
    // It has to be there before the server's end that may follow in this turn.
    if (message.type === 'stop') this.#life.outgoing.flush();
    return true;
  }

  /** A new facts port for the thread, after the state writer was replaced. */
  reconnectFacts(): void {
    if (this.#life.state !== 'running') return;
    const facts = new MessageChannel();
    this.#options.attachFacts(facts.port1);
    const message: ToSupervisor = { type: 'facts_port', port: facts.port2 };
    const batch: Batch<ToSupervisor> = { items: [message], lines: null };
    this.#life.callPort.postMessage(batch, [facts.port2]);
  }

  /** One look at the heartbeat; called at least every 250 ms. */
  check(now: number): void {
    const life = this.#life;
    if (life.state !== 'running') return;
    if (this.shared) this.#findBusy(now);
    const stalled = this.#watch.look({
      now,
      beats: this.#vitals.beats(),
      cpuMs: () => this.#cpuMs(life.worker),
    });
    if (stalled) this.#lose(life, 'stalled', 'the thread no longer answers');
  }

  /** Refreshes the heap figure in `record`; null when the thread does not tell. */
  async inspect(): Promise<ReturnType<SupervisorControl['inspect']> | null> {
    if (this.#life.state !== 'running') return null;
    const seen = await this.#probe.ask(
      this.#life.control,
      (remote) => remote.inspect(),
      INSPECT_DEADLINE_MS,
    );
    if (!seen.ok) return null;
    this.#heapMb = Math.round((seen.value.heapUsedBytes / 1048576) * 10) / 10;
    return seen.value;
  }

  /** Every group the thread has running. */
  groups(): RecordedGroup[] {
    return this.#slots().flatMap((slot) => this.#vitals.group(slot) ?? []);
  }

  /** Ends the thread for good; its servers have been stopped before. */
  async stop(): Promise<void> {
    this.#closed = true;
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    const life = this.#life;
    this.#life = { state: 'stopped' };
    // The worker of a lost thread may still be ending.
    if (life.state !== 'running') return this.#ending;
    life.control.close();
    life.callPort.close();
    await endWorker(life.worker, END_MS);
    this.#clearCredit();
  }

  #slots(): number[] {
    return Array.from({ length: this.#options.capacity }, (_, slot) => slot);
  }

  #findBusy(now: number): void {
    const us = new Map(
      [...this.#tenants.keys()].map((slot) => [slot, this.#vitals.workedUs(slot)]),
    );
    const found = this.#load.look(now, us);
    if (found === null || this.#tenants.size < 2) return;
    const detail = `it takes ${Math.round(found.share * 100)} % of a thread that ${us.size} servers share`;
    this.#tenants.get(found.slot)?.onTooBusy(detail);
  }

  #receive(batch: Batch<FromSupervisor>): void {
    messagesIn(batch, (message) => this.#deliver(message));
  }

  #deliver(message: FromSupervisor): void {
    if (message.type === 'log') return this.#options.onLog(message);
    if (message.type === 'secret') return this.#options.onSecret(message.value);
    const tenant = this.#tenants.get(message.slot);
    // Before it is dealt with: its memory may be freed then.
    const bytes = 'line' in message ? message.line.length : 0;
    tenant?.onMessage(message);
    if (bytes === 0 || this.#creditCleared || tenant === undefined) return;
    this.#options.credit.arrived(tenant.creditLane, bytes);
  }

  /** One that was not needed yet is as good as running. */
  #state(): ThreadRecord['state'] {
    if (this.#life.state === 'replacing') return this.#life.why;
    return this.#life.state === 'running' || !this.#started ? 'running' : 'crashed';
  }

  #cpuMs(worker: Worker): number | null {
    const tid = this.#vitals.threadId();
    if (tid === 0) return worker.performance.eventLoopUtilization().active;
    return threadCpuMs(tid);
  }

  /** What the thread held is gone with it. */
  #clearCredit(): void {
    this.#creditCleared = true;
    for (const { creditLane } of this.#tenants.values()) this.#options.credit.clear(creditLane);
  }

  #killChildren(): void {
    for (const slot of this.#slots()) {
      const group = this.#vitals.group(slot);
      if (group === null) continue;
      this.#options.killGroup(group);
      this.#tenants.get(slot)?.onKilled(group.incarnation);
      this.#vitals.setGroup(slot, null);
    }
  }

  #lose(life: Life, why: 'stalled' | 'crashed', detail: string): void {
    if (life.state !== 'running' || this.#life !== life) return;
    this.#life = { state: 'replacing', why };
    const suspect = this.#suspect();
    this.#killChildren();
    // What the thread posted before it died still counts.
    for (;;) {
      const left = receiveMessageOnPort(life.callPort);
      if (left === undefined) break;
      this.#receive(left.message as Batch<FromSupervisor>);
    }
    life.callPort.close();
    life.control.close();
    this.#ending = endWorker(life.worker, END_MS).then(() => {
      this.#clearCredit();
      // A child spawned while the thread was being ended.
      this.#killChildren();
    });
    const due = this.#announceLoss(why, detail, suspect);
    void this.#ending.then(() => this.#replace(due, suspect));
  }

  /** The server it was at work for, where others suffer from that; null when nobody can be named. */
  #suspect(): Tenant | null {
    const slot = this.#tenants.size < 2 ? null : this.#vitals.worksFor();
    return slot === null ? null : (this.#tenants.get(slot) ?? null);
  }

  /**
   * Tells that there is no thread now. A suspect waits for what its like wait for; without it there is
   * no reason for the others to wait.
   *
   * @returns when the next ones are due, monotonic.
   */
  #announceLoss(why: 'stalled' | 'crashed', detail: string, suspect: Tenant | null): Due {
    this.#life = { state: 'replacing', why };
    const now = performance.now();
    const backoffMs = this.#backoff.lost(now, Math.random());
    const othersMs = suspect === null ? backoffMs : 0;
    const tenants = [...this.#tenants.values()];
    const then = tenants.some(({ retired }) => !retired) ? '; replacing it' : '';
    this.#options.log.error(
      { detail, restartInMs: othersMs, ...(suspect && { suspect: suspect.config.lane }) },
      `a supervisor thread ${why}${then}`,
    );
    for (const tenant of tenants) {
      tenant.onLost(why, detail, tenant === suspect ? backoffMs : othersMs);
    }
    this.#options.onChange();
    return { others: now + othersMs, suspect: now + backoffMs };
  }

  #replace(due: Due, suspect: Tenant | null): void {
    for (const tenant of this.#tenants.values()) {
      if (tenant.retired || tenant === suspect) this.#forget(tenant);
    }
    if (suspect?.retired === false) {
      suspect.onEvicted(Math.max(0, due.suspect - performance.now()));
    }
    if (this.#life.state !== 'replacing') return;
    if (this.#tenants.size === 0) {
      this.#life = { state: 'stopped' };
      return;
    }
    this.#restarts += 1;
    const start = () => {
      this.#start(0);
      this.#options.onChange();
    };
    this.#restartTimer = setTimeout(start, Math.max(0, due.others - performance.now()));
  }
}

/** When what was lost is due again, monotonic, in milliseconds. */
interface Due {
  readonly others: number;
  readonly suspect: number;
}
