/**
 * One supervisor thread as main sees it: starts the worker when there is a server for it, hands it its
 * servers, watches its heartbeat, and replaces it when it stalls or dies. Never decides anything about
 * calls, nor where a server runs. `thread-link.ts` is the worker with its ports, `thread-loss.ts` what a loss
 * means for the servers.
 */

import type { MessagePort } from 'node:worker_threads';
import type { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { KnownPlaces } from '../../shared/memory/known-places.ts';
import type { LookupSlots } from '../../shared/memory/lookup-slots.ts';
import { type RecordedGroup, ThreadVitals } from '../../shared/memory/vitals.ts';
import type { GuardedPlaces } from '../../shared/model/guarded.ts';
import type { ThreadRecord } from '../../shared/model/snapshot.ts';
import type { FromSupervisor, LogMessage } from '../../shared/protocol/from-supervisor.ts';
import type { SupervisorControl } from '../../shared/protocol/threads.ts';
import type { ToSupervisor } from '../../shared/protocol/to-supervisor.ts';
import type { Logger } from '../logger.ts';
import type { Tenant } from './tenant.ts';
import { Tenants } from './tenants.ts';
import { ThreadBackoff } from './thread-backoff.ts';
import { type LinkListener, ThreadLink } from './thread-link.ts';
import { type LosingThread, type LossReason, ThreadLoss } from './thread-loss.ts';
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

export interface SupervisorThreadOptions {
  /** As the system shows it. */
  readonly name: string;
  /** Several servers may run in it. */
  readonly shared: boolean;
  /** True when servers behind HTTP may run in it. */
  readonly http: boolean;
  /** Number of slots for servers. */
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
  /** From now on the log must not show this. */
  readonly onSecret: (server: string, secret: string) => void;
  /** Gives the state writer the reading end of a new facts port. */
  readonly attachFacts: (port: MessagePort) => void;
  /**
   * Resolves when it is gone, or does not end.
   *
   * @param lane whose group it is; null: it is not known, or its detached processes are left alone.
   */
  readonly endGroup: (group: RecordedGroup, lane: string | null) => Promise<void>;
  /** Something in `record` changed. */
  readonly onChange: () => void;
}

type Life =
  /** It has had no server yet. */
  | { readonly state: 'idle' }
  | { readonly state: 'running'; readonly link: ThreadLink }
  /** Lost. `timer` runs once its worker has ended. */
  | {
      readonly state: 'replacing';
      readonly why: LossReason;
      readonly timer: NodeJS.Timeout | null;
    }
  /** Lost, and without a server that needs another one. */
  | { readonly state: 'ended' }
  /** Stopped for good. */
  | { readonly state: 'closed' };

export class SupervisorThread implements LinkListener {
  readonly shared: boolean;
  readonly #options: SupervisorThreadOptions;
  readonly #vitals: ThreadVitals;
  readonly #tenants: Tenants;
  readonly #losing: LosingThread;
  readonly #backoff = new ThreadBackoff(THREAD_RESTART);
  readonly #probe: ThreadProbe;
  #watch: ThreadWatch;
  #life: Life = { state: 'idle' };
  #restarts = 0;
  #heapMb: number | null = null;
  /** Settles when the worker that was lost last has ended, or is given up. */
  #ending: Promise<void> = Promise.resolve();

  constructor(options: SupervisorThreadOptions) {
    const { capacity, log, endGroup } = options;
    this.#options = options;
    this.shared = options.shared;
    this.#vitals = ThreadVitals.create(capacity);
    this.#tenants = new Tenants(capacity);
    this.#losing = { tenants: this.#tenants, vitals: this.#vitals, endGroup, log };
    this.#probe = new ThreadProbe(log, 'a supervisor thread');
    this.#watch = new ThreadWatch(options.stallMs, 0n);
  }

  get record(): ThreadRecord {
    return {
      state: this.#stateShown(),
      restarts: this.#restarts,
      heap_mb: this.#heapMb,
      mates: Math.max(0, this.#tenants.size - 1),
      held_up: null,
    };
  }

  /** Number of its servers. */
  get size(): number {
    return this.#tenants.size;
  }

  /** True while a thread runs. */
  get alive(): boolean {
    return this.#life.state === 'running';
  }

  /**
   * Hands the thread a server, and starts the thread if none was needed before. A start that the system
   * refuses is repeated as after a loss.
   *
   * @param delayMs how long the server's start waits.
   * @returns the slot, which names the server in messages.
   * @throws Error when it has no room.
   */
  open(tenant: Tenant, delayMs: number): number {
    const slot = this.#tenants.add(tenant);
    switch (this.#life.state) {
      case 'running':
        this.#hand(this.#life.link, slot, tenant, delayMs);
        break;
      case 'idle':
      case 'ended':
        this.#start(delayMs);
        break;
      case 'replacing':
      case 'closed':
        break;
    }
    return slot;
  }

  /** The server has ended, or moves to another thread. Resolves when this thread has nothing of it left. */
  async leave(tenant: Tenant): Promise<void> {
    if (this.#life.state === 'replacing') await this.#ending;
    this.#tenants.remove(tenant);
  }

  /** Posts to the thread; false when no thread runs right now. */
  post(message: ToSupervisor): boolean {
    if (this.#life.state !== 'running') return false;
    this.#life.link.post(message);
    return true;
  }

  /** A new facts port for the thread, after the state writer was replaced. */
  reconnectFacts(): void {
    if (this.#life.state !== 'running') return;
    this.#options.attachFacts(this.#life.link.connectFacts());
  }

  /** One look at the heartbeat; called at least every 250 ms. */
  check(now: number): void {
    if (this.#life.state !== 'running') return;
    const { link } = this.#life;
    if (this.shared) this.#tenants.findBusy(now, (slot) => this.#vitals.workedUs(slot));
    const stalled = this.#watch.look({
      now,
      beats: this.#vitals.beats(),
      cpuMs: () => link.cpuMs(this.#vitals.threadId()),
    });
    if (stalled) this.#lose(link, 'stalled', 'the thread no longer answers');
  }

  /** Refreshes the heap figure in `record`; null when the thread does not tell. */
  async inspect(): Promise<ReturnType<SupervisorControl['inspect']> | null> {
    if (this.#life.state !== 'running') return null;
    const { control } = this.#life.link;
    const seen = await this.#probe.ask(control, (remote) => remote.inspect(), INSPECT_DEADLINE_MS);
    if (!seen.ok) return null;
    this.#heapMb = Math.round((seen.value.heapUsedBytes / 1048576) * 10) / 10;
    return seen.value;
  }

  /** Every group the thread has running. */
  groups(): RecordedGroup[] {
    return this.#tenants.slots().flatMap((slot) => this.#vitals.group(slot) ?? []);
  }

  /** Ends the thread for good; its servers have been stopped before. */
  async stop(): Promise<void> {
    const life = this.#life;
    this.#life = { state: 'closed' };
    if (life.state === 'replacing' && life.timer !== null) clearTimeout(life.timer);
    // The worker of a lost thread may still be ending, or that of a thread that is being stopped already.
    if (life.state !== 'running') return this.#ending;
    this.#ending = life.link.end().then(() => this.#clearCredit());
    return this.#ending;
  }

  onMessage(link: ThreadLink, message: FromSupervisor): void {
    if (message.type === 'log') return this.#options.onLog(message);
    if (message.type === 'secret') return this.#options.onSecret(message.server, message.value);
    const tenant = this.#tenants.at(message.slot);
    // Read first: the receiver may free the memory of the line.
    const bytes = 'line' in message ? message.line.length : 0;
    tenant?.onMessage(message);
    if (bytes === 0 || link.ended || tenant === undefined) return;
    this.#options.credit.arrived(tenant.creditLane, bytes);
  }

  onExit(link: ThreadLink, code: number): void {
    this.#options.lookups.release(link.workerId);
    this.#lose(link, 'crashed', `the thread ended with code ${code}`);
  }

  #start(delayMs: number): void {
    this.#vitals.clearWork();
    const { name, heapMb, stallMs, log, credit, lookups, guarded } = this.#options;
    const { groupsFile, gatewayVersion, attachFacts } = this.#options;
    const started = ThreadLink.start(
      {
        name: `supervisor ${name}`,
        heapMb,
        log,
        data: {
          vitals: this.#vitals.buffer,
          credit: credit.buffer,
          lookups: lookups.buffer,
          knownPlaces: this.#options.knownPlaces.buffer,
          http: this.#options.http,
          guarded,
          groupsFile,
          gatewayVersion,
        },
      },
      this,
    );
    if (!started.ok) {
      this.#life = { state: 'replacing', why: 'crashed', timer: null };
      const loss = ThreadLoss.ofStart(this.#losing);
      this.#announce(loss, `it cannot be started: ${started.error}`);
      return this.#replace(loss);
    }
    const { link } = started;
    attachFacts(started.facts);
    this.#life = { state: 'running', link };
    this.#backoff.started(performance.now());
    this.#watch = new ThreadWatch(stallMs, this.#vitals.beats());
    this.#tenants.clearLoad();
    for (const [slot, tenant] of this.#tenants.entries()) this.#hand(link, slot, tenant, delayMs);
  }

  #hand(link: ThreadLink, slot: number, tenant: Tenant, delayMs: number): void {
    const { config: server, creditLane } = tenant;
    link.post({ type: 'open', slot, server, ...tenant.opening(), creditLane, delayMs });
    tenant.onOpened();
  }

  /** A thread that was not needed yet is as good as running. */
  #stateShown(): ThreadRecord['state'] {
    switch (this.#life.state) {
      case 'idle':
      case 'running':
        return 'running';
      case 'replacing':
        return this.#life.why;
      case 'ended':
      case 'closed':
        return 'crashed';
    }
  }

  /** The bytes that the thread held are gone with it. */
  #clearCredit(): void {
    for (const { creditLane } of this.#tenants.all()) this.#options.credit.clear(creditLane);
  }

  /** Ends the children first: a process group must not outlive the thread that can stop it. */
  #lose(link: ThreadLink, why: LossReason, detail: string): void {
    if (this.#life.state !== 'running' || this.#life.link !== link) return;
    this.#life = { state: 'replacing', why, timer: null };
    const loss = ThreadLoss.ofRunning(this.#losing, why);
    const gone = loss.endChildren();
    // Messages that the thread posted before it died still count.
    link.receiveRest();
    this.#ending = link.end().then(async () => {
      this.#clearCredit();
      // A child spawned while the thread was being ended. Nothing comes in the place of what is still there.
      await Promise.all([gone, loss.endChildren()]);
    });
    this.#announce(loss, detail);
    void this.#ending.then(() => this.#replace(loss));
  }

  #announce(loss: ThreadLoss, detail: string): void {
    const now = performance.now();
    loss.announce(detail, this.#backoff.lost(now, Math.random()), now);
    this.#options.onChange();
  }

  #replace(loss: ThreadLoss): void {
    const dueMs = loss.evict(performance.now());
    if (this.#life.state !== 'replacing') return;
    if (this.#tenants.size === 0) {
      this.#life = { state: 'ended' };
      return;
    }
    this.#restarts += 1;
    const start = () => {
      this.#start(0);
      this.#options.onChange();
    };
    this.#life = { ...this.#life, timer: setTimeout(start, dueMs) };
  }
}
