/**
 * One place in which a server runs: its supervisor thread, its slot there, and the downstream that
 * calls go through. A shared server has one lane for the whole run; one with `instances: session` has
 * a lane for each client. Wires the parts together and decides nothing.
 */
import type { MessagePort } from 'node:worker_threads';
import type { DownstreamConfig, ThreadsConfig } from '../../shared/model/config.ts';
import type { LaneRecord } from '../../shared/model/snapshot.ts';
import type { ByteCredit } from '../../shared/wire/byte-credit.ts';
import type {
  FromSupervisor,
  LifecycleMessage,
  ToSupervisor,
  TreeUsage,
} from '../../shared/wire/protocol.ts';
import type { RecordedGroup } from '../../shared/wire/vitals.ts';
import type { Logger } from '../logger.ts';
import type { PriorityQueue } from '../processes/priority/priority-queue.ts';
import { ServerPriority } from '../processes/priority/server-priority.ts';
import { ThreadPriority } from '../processes/priority/thread-priority.ts';
import type { CallOwner, CallTable } from '../routing/calls.ts';
import { Downstream } from '../routing/downstream.ts';
import type { Observer } from '../routing/observer.ts';
import { SupervisorThread } from './supervisor-thread.ts';

/** What all lanes share. */
export interface LaneContext {
  readonly threads: ThreadsConfig;
  readonly credit: ByteCredit;
  readonly calls: CallTable;
  readonly groupsFile: string;
  readonly gatewayVersion: string;
  /** See `DownstreamOptions`. */
  readonly reliedOn: (downstream: Downstream) => boolean;
  readonly halted: () => { readonly active: boolean; readonly reason: string | null };
  readonly log: Logger;
  readonly observer: Observer;
  readonly attachFacts: (port: MessagePort) => void;
  readonly killGroup: (group: RecordedGroup) => void;
  readonly priorities: PriorityQueue;
  readonly onChange: () => void;
}

export interface LaneHooks {
  readonly onMessage: (lane: Lane, message: FromSupervisor) => void;
  /** A thread runs and has been handed the server. */
  readonly onStarted: (lane: Lane) => void;
  readonly onLost: (
    lane: Lane,
    state: 'stalled' | 'crashed',
    detail: string,
    restartInMs: number,
  ) => void;
}

const SLOT_OF_OWN_THREAD = 0;
/** A server that takes longer to start is not waited for. */
const SETTLE_MS = 10_000;

export class Lane {
  readonly name: string;
  /** The one client that it serves; null: all of them. */
  readonly owner: CallOwner | null;
  readonly thread: SupervisorThread;
  readonly downstream: Downstream;
  /** Its entry in the byte credit. */
  readonly creditLane: number;
  readonly #priority: ServerPriority;
  readonly #threadPriority: ThreadPriority;
  #usage: TreeUsage | null = null;
  #callsSeen = 0;
  /** Monotonic; null before that. */
  #begunAt: number | null = null;
  /** Somebody needed it before that. */
  #woken = false;
  #config: DownstreamConfig;
  readonly #observer: Observer;

  /** @param generation that which the lane before had at last, see `SupervisorThreadOptions`. */
  constructor(
    config: DownstreamConfig,
    owner: CallOwner | null,
    creditLane: number,
    context: LaneContext,
    hooks: LaneHooks,
    generation = 0,
  ) {
    this.name = config.lane;
    this.#config = config;
    this.owner = owner;
    this.#observer = context.observer;
    this.creditLane = creditLane;
    const log = context.log.child({ server: config.lane });
    this.thread = new SupervisorThread({
      ...context,
      servers: [config],
      creditLanes: [creditLane],
      generation,
      log,
      onMessage: (message) => hooks.onMessage(this, message),
      onStarted: () => hooks.onStarted(this),
      onLost: (state, detail, restartInMs) => hooks.onLost(this, state, detail, restartInMs),
    });
    this.downstream = new Downstream({
      ...context,
      config,
      owner,
      slot: SLOT_OF_OWN_THREAD,
      post: (message) => this.thread.post(message),
      wake: () => this.#wake(),
      thread: () => this.thread.record,
      log,
    });
    this.#threadPriority = new ThreadPriority(config.priority);
    this.#priority = new ServerPriority(config.priority, context.priorities, context.onChange);
  }

  get config(): DownstreamConfig {
    return this.#config;
  }

  /** Counts the threads that the server has had under this name. */
  get generation(): number {
    return this.thread.generation;
  }

  /** Whether it was told to start its server, now or at its first use. */
  get begun(): boolean {
    return this.#begunAt !== null;
  }

  /** Whether calls wait for a start that is under way and may still be near its end. */
  get settling(): boolean {
    if (this.#begunAt === null || performance.now() - this.#begunAt > SETTLE_MS) return false;
    const { phase, awaited } = this.downstream;
    return awaited && (phase === 'idle' || phase === 'starting');
  }

  get record(): LaneRecord {
    return { ...this.downstream.record, share: this.#priority.share };
  }

  /** Whether a process of it may still be there: nobody has said that it has stopped. */
  get running(): boolean {
    return this.thread.alive && this.downstream.phase !== 'stopped';
  }

  /**
   * Starts the server, or gets ready to start it at its first use.
   *
   * @param known whether what it offers can be told without it.
   */
  begin(clientCapabilities: string, known: boolean): void {
    this.#begunAt = performance.now();
    const { start, unavailable } = this.config;
    const isWanted = this.downstream.awaited || this.#woken;
    const mayWait = start === 'lazy' && known && unavailable === null && !isWanted;
    if (mayWait) this.thread.prepare(clientCapabilities);
    else this.thread.start(clientCapabilities);
  }

  /** What its process tree used when it was last looked at; null before that. */
  get usage(): TreeUsage | null {
    return this.#usage?.pgid === this.downstream.lastRecord?.pgid ? this.#usage : null;
  }

  /** Whether calls were in flight at some time since this was asked before. */
  wasCalled(): boolean {
    const { in_flight, calls } = this.downstream.record;
    const before = this.#callsSeen;
    this.#callsSeen = calls;
    return in_flight > 0 || calls > before;
  }

  /**
   * @param at when it was looked at, ms.
   * @param contended another server was called since the look before.
   */
  used(usage: TreeUsage, at: number, contended: boolean): void {
    const before = this.#usage?.pgid === usage.pgid ? this.#usage.cpuMs : 0;
    this.#observer.cpuUsed(this.config.name, Math.max(0, usage.cpuMs - before));
    this.#usage = usage;
    if (this.usage !== null) this.downstream.usage(usage.rssMb);
    this.#priority.used(usage, at, contended);
    this.#threadPriority.look(this.thread.threadId, at, contended);
  }

  lifecycle(message: LifecycleMessage): void {
    this.downstream.lifecycle(message);
    this.#priority.lifecycle(message);
  }

  /** The thread is lost, and its server with it. */
  lost(detail: string, restartInMs: number): void {
    this.downstream.threadLost(this.thread.generation, detail, restartInMs);
    this.#priority.lost();
  }

  grantTicket(): void {
    this.#post({ type: 'ticket', slot: SLOT_OF_OWN_THREAD });
  }

  setLogLevel(level: string): void {
    this.#post({ type: 'log_level', slot: SLOT_OF_OWN_THREAD, level });
  }

  /** Other settings of what main does with the server. @param config of the same process. */
  reconfigure(config: DownstreamConfig): void {
    this.#config = config;
    this.downstream.reconfigure(config);
  }

  /** The server is to go once its calls have ended; see `Downstream`. A lost thread is not replaced. */
  leave(heir: Lane | null, onDrained: () => void): void {
    this.thread.retire();
    this.downstream.leave(heir?.downstream ?? null, onDrained);
  }

  /** Ends the thread; its server has been stopped before. */
  end(): Promise<void> {
    // Of a thread that is being lost this moment it is only known afterwards what to wait for.
    return Promise.resolve().then(() => this.thread.stop());
  }

  /** Stops the server for good; a thread that is lost meanwhile is not replaced. */
  stop(eofMs: number, termMs: number): void {
    this.downstream.close();
    this.thread.retire();
    this.#post({ type: 'stop', slot: SLOT_OF_OWN_THREAD, eofMs, termMs });
  }

  /** Before `begin` it is not known what the server is told, nor whether there is room for it. */
  #wake(): void {
    if (!this.begun) this.#woken = true;
    else if (this.thread.started) this.#post({ type: 'wake', slot: SLOT_OF_OWN_THREAD });
    else this.thread.start();
  }

  #post(message: ToSupervisor): void {
    this.thread.post(message);
  }
}
