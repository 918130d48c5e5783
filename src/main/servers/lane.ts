/**
 * One place in which a server runs: its supervisor thread, its slot there, and the `Server` that
 * calls go through. A shared server has one lane for the whole run; one with `instances: session` has
 * a lane for each client. Moves to a thread of its own when it holds up others. Otherwise it only wires
 * the parts together.
 */

import type { ServerConfig } from '../../shared/model/config.ts';
import type { TokenFor } from '../../shared/model/login.ts';
import type { LaneRecord, SupervisorRecord, ThreadRecord } from '../../shared/model/snapshot.ts';
import { UNROUTED } from '../../shared/model/unrouted.ts';
import type {
  FromSupervisor,
  HeldBackMessage,
  LifecycleMessage,
  LogMessage,
  ReleasedMessage,
  SecretMessage,
} from '../../shared/protocol/from-supervisor.ts';
import type { LauncherAddress } from '../../shared/protocol/launch.ts';
import type { ToSupervisor } from '../../shared/protocol/to-supervisor.ts';
import type { TreeDemand, TreeUsage } from '../../shared/protocol/usage.ts';
import type { CallOwner } from '../calls/call.ts';
import type { Logger } from '../logger.ts';
import { ServerPriority } from '../processes/priority/server-priority.ts';
import type { SupervisorThread } from '../threads/supervisor-thread.ts';
import type { Opening, Tenant } from '../threads/tenant.ts';
import type { LaneContext, LanePlace } from './lane-options.ts';
import { rulesMessage } from './rules-message.ts';
import { Server } from './server.ts';
import type { ServerThread } from './server-options.ts';

/** Messages of a server's thread that are not for the lane itself. */
export type LaneMessage = Exclude<
  FromSupervisor,
  LogMessage | SecretMessage | ReleasedMessage | HeldBackMessage
>;

export interface LaneListener {
  onMessage(lane: Lane, message: LaneMessage): void;
  /** Its thread has given it up while it was being stopped: nothing more will be told of it. */
  onGone(lane: Lane): void;
  /** A thread runs and has been handed the server. */
  onStarted(lane: Lane): void;
  onLost(lane: Lane, loss: Loss): void;
  /** It is not started: no thread will tell of it. */
  onBlocked(lane: Lane, why: string, generation: number): void;
}

/** The thread is lost; it, or another one, gets the server again in `restartInMs`. */
export interface Loss {
  readonly state: 'stalled' | 'crashed';
  readonly detail: string;
  readonly restartInMs: number;
}

/** How far a move to a thread of its own has come. */
type Move =
  | 'none'
  /** As soon as no process of the server is there. */
  | 'wanted'
  /** The thread has been asked to give it up. */
  | 'asked';

/** A server that takes longer to start is not waited for. */
const SETTLE_MS = 10_000;

export class Lane implements Tenant, ServerThread {
  readonly name: string;
  /** The one client that it serves; null: all of them. */
  readonly owner: CallOwner | null;
  readonly server: Server;
  readonly creditLane: number;
  readonly #context: LaneContext;
  readonly #listener: LaneListener;
  readonly #log: Logger;
  readonly #priority: ServerPriority;
  #thread: SupervisorThread | null = null;
  #slot = 0;
  #clientCapabilities = '{}';
  /** Counts the threads that were handed the server, and their losses: messages of an earlier one are stale. */
  #generation: number;
  /** Last incarnation and exit, and the restart count: the next thread goes on from there. */
  #progress: Pick<Opening, 'incarnation' | 'restarts' | 'lastExit' | 'lastError'> = {
    incarnation: 0,
    restarts: 0,
    lastExit: null,
    lastError: null,
  };
  #move: Move = 'none';
  #usage: TreeUsage | null = null;
  #callsSeen = 0;
  /** Monotonic; null before that. */
  #begunAt: number | null = null;
  /** Somebody needed it before that. */
  #woken = false;
  /** `retired`: it is to go, and what is lost of it does not come back; `lost`: nothing of it runs. */
  #ending: 'none' | 'retired' | 'lost' = 'none';
  #stopping = false;
  #config: ServerConfig;

  constructor(place: LanePlace, context: LaneContext, listener: LaneListener) {
    const { config, owner, creditLane, generation } = place;
    this.name = config.lane;
    this.#config = config;
    this.owner = owner;
    this.creditLane = creditLane;
    this.#generation = generation;
    this.#context = context;
    this.#listener = listener;
    this.#log = context.log.child({ server: config.lane });
    this.server = new Server({ ...context, config, owner, thread: this, log: this.#log });
    this.#priority = new ServerPriority(config.priority, context.priorities, context.onChange);
  }

  get config(): ServerConfig {
    return this.#config;
  }

  /** True once it was told to start its server, now or at its first use. */
  get begun(): boolean {
    return this.#begunAt !== null;
  }

  /** True while calls wait for a start that is under way and may still end soon. */
  get settling(): boolean {
    if (this.#begunAt === null || performance.now() - this.#begunAt > SETTLE_MS) return false;
    const { phase, awaited } = this.server;
    return awaited && (phase === 'idle' || phase === 'starting');
  }

  get record(): Omit<LaneRecord, 'name_collisions'> {
    return { ...this.server.record, share: this.#priority.share };
  }

  /** True while a process of it may still be there: no message has said that it has stopped. */
  get running(): boolean {
    const { phase } = this.server;
    return this.#ending !== 'lost' && this.#thread?.alive === true && phase !== 'stopped';
  }

  /** Nothing is in flight, nothing waits, and it has not been told to stop. */
  get unused(): boolean {
    const { in_flight, queued } = this.server.record;
    return !this.#stopping && in_flight === 0 && queued === 0;
  }

  get retired(): boolean {
    return this.#ending !== 'none';
  }

  get calls(): number {
    return this.server.calls;
  }

  get slot(): number {
    return this.#slot;
  }

  get heldBack(): boolean {
    return this.#context.credit.waits(this.creditLane);
  }

  get threadRecord(): ThreadRecord {
    const record = this.#thread?.record ?? UNROUTED.thread;
    const held_up = this.#context.offenders.whyOf(this.config);
    return held_up === null ? record : { ...record, held_up };
  }

  /** Goes into every fact about it; the highest is the newest. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Starts the server, or gets ready to start it at its first use.
   *
   * @param known whether what it offers can be told without it.
   */
  begin(clientCapabilities: string, known: boolean): void {
    this.#begunAt = performance.now();
    this.#clientCapabilities = clientCapabilities;
    const { start, unavailable, blocked } = this.config;
    if (blocked !== null) return this.#listener.onBlocked(this, blocked, ++this.#generation);
    const isWanted = this.server.awaited || this.#woken;
    const mayWait = start === 'lazy' && known && unavailable === null && !isWanted;
    if (!mayWait) this.#open(0);
  }

  opening(): Opening {
    this.#generation += 1;
    const clientCapabilities = this.#clientCapabilities;
    const formerSecrets = this.#context.secrets.former();
    return { ...this.#progress, generation: this.#generation, clientCapabilities, formerSecrets };
  }

  onOpened(): void {
    this.#listener.onStarted(this);
  }

  onMessage(message: LaneMessage | ReleasedMessage | HeldBackMessage): void {
    if (message.type === 'released') return this.#released(message.left);
    if (message.type === 'held_back') return this.#leaveOthers('it says more than it may');
    if (message.type === 'lifecycle') this.#remember(message.record);
    this.#listener.onMessage(this, message);
    if (message.type === 'lifecycle') this.#moveOn(message);
  }

  onKilled(incarnation: number): void {
    const before = this.#progress;
    this.#progress = { ...before, incarnation: Math.max(before.incarnation, incarnation) };
  }

  onLost(state: 'stalled' | 'crashed', detail: string, restartInMs: number): void {
    if (this.#move === 'asked') this.#move = 'wanted';
    if (this.#ending === 'retired') this.#ending = 'lost';
    this.#listener.onLost(this, { state, detail, restartInMs });
  }

  onEvicted(restartInMs: number): void {
    this.#log.warn('it held up the other servers of its thread: it gets one of its own');
    this.#context.offenders.add(this.config, 'its thread was lost while it worked for this server');
    this.#move = 'none';
    this.#open(restartInMs, true);
  }

  onTooBusy(detail: string): void {
    this.#leaveOthers(detail);
  }

  /** True when its server has run before, so that a start now is a restart. */
  get ranBefore(): boolean {
    return this.#progress.incarnation > 1;
  }

  /** The usage of its process tree at the last look; null before the first. */
  get usage(): TreeUsage | null {
    return this.#usage?.pgid === this.server.lastRecord?.pgid ? this.#usage : null;
  }

  /** True when calls were in flight at some time since the last call of this method. */
  wasCalled(): boolean {
    const { inFlight, calls } = this.server;
    const before = this.#callsSeen;
    this.#callsSeen = calls;
    return inFlight > 0 || calls > before;
  }

  /**
   * @param at when it was looked at, ms.
   * @param contended another server was called since the look before.
   */
  used(usage: TreeUsage, at: number, contended: boolean): void {
    const before = this.#usage?.pgid === usage.pgid ? this.#usage.cpuMs : 0;
    this.#context.observer.cpuUsed(this.config.name, Math.max(0, usage.cpuMs - before));
    this.#usage = usage;
    if (this.usage !== null) this.server.usage(usage.rssMb);
    this.#priority.used(usage, at, contended);
  }

  /**
   * The gateway is starved.
   *
   * @param tree what the server's own processes want; null when that is not known.
   * @param contended another server has calls in flight.
   */
  starved(tree: TreeDemand | null, contended: boolean): void {
    if (tree !== null) this.#priority.starved(tree, contended);
  }

  lifecycle(message: LifecycleMessage): void {
    this.server.lifecycle(message);
    this.#priority.lifecycle(message);
  }

  /** The thread is lost, and its server with it. @param record what is told of it. */
  lost(detail: string, restartInMs: number, record: SupervisorRecord): void {
    this.#generation += 1;
    this.#remember(record);
    this.server.threadLost(this.#generation, detail, restartInMs);
    this.#priority.lost();
  }

  /** True when its server is a process, false when it is an HTTP endpoint. */
  get hasProcess(): boolean {
    return this.#config.endpoint === null;
  }

  /** @param launcher the launcher that starts it; null: its thread does. */
  grantTicket(launcher: LauncherAddress | null): void {
    this.post({ type: 'ticket', slot: this.#slot, launcher });
  }

  giveToken(reply: TokenFor): void {
    this.post({ ...reply, type: 'token', slot: this.#slot });
  }

  setLogLevel(level: string): void {
    this.post({ type: 'log_level', slot: this.#slot, level });
  }

  /** Other settings of what main does with the server. @param config of the same process. */
  reconfigure(config: ServerConfig): void {
    this.#config = config;
    this.server.reconfigure(config);
    this.#postRules();
  }

  /** What its clients can do has changed: a server that starts anew is told. */
  declare(clientCapabilities: string): void {
    this.#clientCapabilities = clientCapabilities;
    this.#postRules();
  }

  #postRules(): void {
    this.post(rulesMessage(this.#slot, this.#config, this.#clientCapabilities));
  }

  /** Retires the server once its calls have ended; see `Server.retire`. A lost thread comes back without it. */
  retire(successor: Lane | null, onDrained: () => void): void {
    this.#retire();
    this.server.retire(successor?.server ?? null, onDrained);
  }

  /** Stops the server for good; a thread that is lost meanwhile comes back without it. */
  stop(eofMs: number, termMs: number): void {
    this.#stopping = true;
    this.server.close();
    this.#retire();
    this.post({ type: 'stop', slot: this.#slot, eofMs, termMs });
  }

  /** The server has stopped. Resolves when nothing of it is in any thread. */
  async end(): Promise<void> {
    if (this.#thread !== null) await this.#context.placement.leave(this.#thread, this);
  }

  /** Before `begin` it is not known what the server is told, nor whether there is room for it. */
  wake(): void {
    if (!this.begun || this.#config.blocked !== null) this.#woken = true;
    else if (this.#thread === null) this.#open(0);
    // One that moves starts in its new thread.
    else if (this.#move !== 'asked') this.post({ type: 'wake', slot: this.#slot });
  }

  /** @param moves out of the thread that it has. */
  #open(delayMs: number, moves = false): void {
    if (this.retired || (this.#thread !== null && !moves)) return;
    this.#thread = this.#context.placement.place(
      { name: this.name, http: !this.hasProcess },
      this.#context.offenders.whyOf(this.config) !== null,
    );
    this.#slot = this.#thread.open(this, delayMs);
    this.#context.onChange();
  }

  post(message: ToSupervisor): boolean {
    return this.#thread?.post(message) ?? false;
  }

  #remember({ incarnation, restarts, last_exit, last_error }: SupervisorRecord): void {
    const highest = Math.max(this.#progress.incarnation, incarnation);
    this.#progress = { incarnation: highest, restarts, lastExit: last_exit, lastError: last_error };
  }

  #retire(): void {
    if (this.#ending === 'none') this.#ending = 'retired';
  }

  /** It holds up the others of its thread. */
  #leaveOthers(why: string): void {
    if (this.#thread?.shared !== true || this.#move !== 'none') return;
    this.#log.warn({ why }, 'it holds up others: it gets a thread of its own at its next restart');
    this.#context.offenders.add(this.config, why);
    this.#move = 'wanted';
    this.server.move();
  }

  #moveOn({ event, record }: LifecycleMessage): void {
    if (event.event === 'child_died_unexpectedly' && event.reason === 'noise') {
      this.#leaveOthers('noise on its stdout');
    }
    if (this.#move !== 'wanted' || this.retired) return;
    const { phase } = record;
    if (phase === 'ready') return this.server.move();
    if (phase !== 'idle' && phase !== 'backoff' && phase !== 'failed') return;
    this.#move = 'asked';
    this.post({ type: 'release', slot: this.#slot });
  }

  #released(left: boolean): void {
    const thread = this.#thread;
    if (thread === null) return;
    this.#move = left ? 'none' : 'wanted';
    // It has started again meanwhile.
    if (!left) return;
    if (this.retired) {
      this.#ending = 'lost';
      return this.#listener.onGone(this);
    }
    void thread.leave(this);
    const startAt = this.server.nextStartAt ?? 0;
    this.#open(Math.max(0, startAt - performance.now()), true);
  }
}
