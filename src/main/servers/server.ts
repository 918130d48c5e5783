/**
 * One server as main sees it: whether calls can be posted to it, its circuit, what it said that it can
 * do, and how it retires. The dispatcher has the calls that wait, the delivery those that are at it. The
 * supervisor thread owns the process; this file never does.
 */
import { DEFAULT_DRAIN_POLICY } from '../../shared/machines/drain.ts';
import type { AsksConfig } from '../../shared/model/asks.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import type { Phase } from '../../shared/model/errors.ts';
import type { ServerFeatures } from '../../shared/model/server.ts';
import type { RoutingRecord, SupervisorRecord } from '../../shared/model/snapshot.ts';
import type {
  AnswerMessage,
  CallFailedMessage,
  LifecycleMessage,
  ProgressMessage,
} from '../../shared/protocol/from-supervisor.ts';
import type { Audit } from '../calls/audit.ts';
import { type Backend, named, type ServerLink } from '../calls/backend.ts';
import type { Call, CallOwner, CallTarget } from '../calls/call.ts';
import { Circuit } from '../calls/circuit.ts';
import { type CallsInFlight, Delivery } from '../calls/delivery.ts';
import { Dispatcher, type Dispatching } from '../calls/dispatcher.ts';
import type { Failure } from '../calls/failures.ts';
import type { Halt } from '../calls/gate/halt.ts';
import type { RateLimit } from '../calls/gate/rate.ts';
import type { Observer } from '../calls/observer.ts';
import type { Refusal } from '../calls/refusals.ts';
import {
  ABSENT,
  type Availability,
  type AvailabilityEvent,
  phaseOf,
  step,
} from './availability.ts';
import { RECYCLE_WORDS, type RecycleReason, Recycling } from './recycling.ts';
import { Retirement } from './retirement.ts';
import { routingRecord } from './routing-record.ts';
import type { ServerOptions } from './server-options.ts';
import { SupervisorWord } from './supervisor-word.ts';

export class Server implements CallTarget, Dispatching {
  readonly owner: CallOwner | null;
  readonly circuit: Circuit;
  readonly link: ServerLink;
  readonly observer: Observer;
  readonly audit: Audit;
  /** Whose the calls in flight are, and their clocks. */
  readonly callsInFlight: CallsInFlight;
  readonly #options: ServerOptions<Server>;
  readonly #delivery: Delivery;
  readonly #dispatcher: Dispatcher;
  readonly #recycling: Recycling;
  readonly #retirement = new Retirement<Server>();
  #config: ServerConfig;
  #availability: Availability = ABSENT;
  readonly #word: SupervisorWord;
  /** Somebody has asked what it offers since it was ready. */
  #isExpected = false;
  #calls = 0;
  #lastUsedAt: number | null = null;

  constructor(options: ServerOptions<Server>) {
    this.#options = options;
    this.#config = options.config;
    this.owner = options.owner;
    this.link = options.thread;
    this.observer = options.observer;
    this.audit = options.audit;
    this.#word = new SupervisorWord(options.config.name, options.observer);
    this.circuit = new Circuit(this, options.log);
    this.#delivery = new Delivery(this, options.calls);
    this.callsInFlight = this.#delivery;
    this.#dispatcher = new Dispatcher(this, options.calls, this.#delivery);
    this.#recycling = new Recycling({
      use: () => ({
        inFlight: this.inFlight,
        atWork: options.uses.hasTasks(this),
        wanted: this.#dispatcher.queued > 0 || options.uses.reliesOn(this),
      }),
      idleStopMs: () => this.#config.idleStopMs,
      onRecycle: (why) => this.#recycle(why),
      onPause: (paused) => this.#pause(paused),
    });
  }

  get config(): ServerConfig {
    return this.#config;
  }

  /** Itself, or its successor's successor. */
  get current(): Server {
    return this.#retirement.successor?.current ?? this;
  }

  /** The kinds of request it may send to clients; while it is replaced, those of its successor. */
  get asks(): AsksConfig {
    return this.current.config.asks;
  }

  get availability(): Availability {
    return this.#availability;
  }

  get phase(): Phase {
    return phaseOf(this.#availability);
  }

  /** When the next start is due, monotonic ms; null when none is scheduled. */
  get nextStartAt(): number | null {
    return this.#availability.kind === 'down' ? this.#availability.nextStartAt : null;
  }

  get retiring(): boolean {
    return this.#retirement.begun;
  }

  get cause(): Backend['cause'] {
    return this.#word.cause;
  }

  /** The capabilities that it declared, null before its first handshake. */
  get features(): ServerFeatures | null {
    return this.#word.features;
  }

  get lastRecord(): SupervisorRecord | null {
    return this.#word.record;
  }

  get record(): RoutingRecord {
    const parts = { circuit: this.circuit, delivery: this.#delivery, dispatcher: this.#dispatcher };
    return routingRecord(parts, this.#calls, this.#options.thread);
  }

  /** How many calls it was ever given, and how many are at it now. */
  get calls(): number {
    return this.#calls;
  }

  get inFlight(): number {
    return this.#delivery.inFlight.size;
  }

  /** When it got its last call, in milliseconds since the epoch; null: not yet. */
  get lastUsedAt(): number | null {
    return this.#lastUsedAt;
  }

  /** True while calls wait for it, or requests for its lists. */
  get awaited(): boolean {
    return this.#dispatcher.queued > 0 || this.#isExpected;
  }

  get rate(): RateLimit {
    return this.#options.rates.of(this.#config.name);
  }

  halted(): Halt {
    return this.#options.halted();
  }

  changed(): void {
    this.#options.onChange();
  }

  /** This server or the successor that is the target of a call. */
  holding(target: CallTarget): Server {
    return target === this ? this : (this.#retirement.successor?.holding(target) ?? this);
  }

  /** The gate's refusal, if any, of a call that must wait anyway, for example for the first tool list. */
  refusal(deadline: number): Refusal | null {
    return this.#dispatcher.refusal(deadline);
  }

  /** A refusal in words and with the time of a retry. */
  describe(refusal: Refusal): Omit<Failure, 'server' | 'phase'> {
    return this.#delivery.describe(refusal);
  }

  /** Takes a call that is already in the call table: posts, queues, or answers it. */
  submit(call: Call): void {
    this.#calls += 1;
    this.#lastUsedAt = Date.now();
    this.changed();
    this.#dispatcher.submit(call);
  }

  /** Somebody waits for what it will say: starts it if it is idle. */
  wake(): void {
    if (this.phase === 'ready') return;
    this.#isExpected = true;
    this.wakeForCalls();
  }

  wakeForCalls(): void {
    if (this.phase === 'idle') this.#options.thread.wake();
    if (this.phase === 'starting') this.#options.onAwaited();
  }

  pumped(waits: boolean): void {
    if (!waits) this.#recycling.used();
    this.#lookDrained();
  }

  /** A client reads again: its calls need wait no longer. */
  clientDrained(): void {
    this.#dispatcher.pump();
  }

  cancel(call: Call, reason: string): void {
    if (!this.#options.calls.settle(call)) return;
    this.#dispatcher.remove(call);
    this.#delivery.cancelled(call, reason);
    this.#dispatcher.pump();
    this.changed();
  }

  expire(call: Call): void {
    if (this.#delivery.asksWhetherSent(call) || !this.#options.calls.settle(call)) return;
    this.#dispatcher.remove(call);
    this.#delivery.expired(call);
    this.#dispatcher.pump();
  }

  recordsKept(): void {
    this.#dispatcher.recordsKept();
  }

  /** @returns whether the call is still in flight. */
  progress(message: ProgressMessage): boolean {
    return this.#delivery.progress(message);
  }

  answer(message: AnswerMessage): void {
    if (!this.#delivery.answer(message)) return;
    this.#dispatcher.pump();
    this.changed();
  }

  callFailed(message: CallFailedMessage): void {
    // The call is no longer waited for: nothing has changed here.
    if (this.#delivery.inFlight.get(message.call) === undefined) return;
    const unsent = this.#delivery.failed(message);
    if (unsent === null) return this.#dispatcher.pump();
    const { successor } = this.#retirement;
    if (successor === null) this.#dispatcher.putBack(unsent);
    else successor.#inherit(unsent);
    this.#step({ type: 'returned', incarnation: message.incarnation });
    this.#dispatcher.reconsider();
  }

  /** The supervisor tells of a change. */
  lifecycle(message: LifecycleMessage): void {
    const now = performance.now();
    const { event, incarnation, record, nextStartInMs } = message;
    this.#word.take(message);
    this.#step({
      type: 'told',
      phase: record.phase,
      incarnation,
      nextStartAt: nextStartInMs === null ? null : now + nextStartInMs,
      drains: event.event === 'draining',
      awayMs: event.event === 'unreachable' ? event.forMs : 0,
      paused: this.#recycling.pausing,
    });
    if (event.event === 'ready') this.#isExpected = false;
    this.circuit.lifecycle(event, incarnation, now);
    if (!this.retiring) this.#recycling.phase(record.phase === 'ready');
    this.#dispatcher.reconsider();
    this.changed();
  }

  /** The supervisor thread is gone and with it every call posted to it; another comes. */
  threadLost(generation: number, detail: string, restartInMs: number): void {
    const now = performance.now();
    this.#word.lost(detail);
    this.#step({ type: 'lost', nextStartAt: now + restartInMs });
    this.#recycling.phase(false);
    this.circuit.failure(`thread:${generation}`, now, null);
    this.#delivery.loseAll(`the supervisor thread of ${named(this)} was lost`);
    this.#dispatcher.reconsider();
  }

  /** Memory of the server and all it started. @param rssMb resident MiB. */
  usage(rssMb: number): void {
    if (this.config.maxRssMb !== 0 && rssMb > this.config.maxRssMb) this.#recycling.due('large');
  }

  /** It is to end as soon as it has nothing to do, because it goes on in another thread. */
  move(): void {
    this.#recycling.due('moving');
  }

  /** Other settings of what is decided here. @param config of the same process. */
  reconfigure(config: ServerConfig): void {
    const wakes = config.start === 'eager' && this.#config.start === 'lazy';
    this.#config = config;
    if (wakes && this.phase === 'idle') this.#options.thread.wake();
    // The rules may have become stricter.
    this.#dispatcher.reconsider();
    this.changed();
  }

  /** What calls may be made has changed: those that wait are looked at again. */
  rulesChanged(): void {
    this.#dispatcher.reconsider();
  }

  /**
   * The server is to go: it takes no further call, and those that wait are its successor's. Without one
   * they are still made where that is possible at once.
   *
   * @param onDrained nothing is in flight and nothing waits any more; called once.
   */
  retire(successor: Server | null, onDrained: () => void): void {
    this.#retirement.begin(successor, onDrained);
    this.#recycling.close();
    if (successor !== null) {
      for (const call of this.#dispatcher.waiting()) {
        this.#dispatcher.remove(call);
        successor.#inherit(call);
      }
    }
    this.#dispatcher.reconsider();
    this.changed();
  }

  /** A use of the server other than a call has ended. */
  released(): void {
    this.#recycling.used();
  }

  /** Nothing is decided here any more: the server is being stopped for good. */
  close(): void {
    this.#recycling.close();
  }

  /** Answers everything still open. @param why in words. */
  abandon(why = 'the gateway is stopping'): void {
    for (const call of [...this.#dispatcher.waiting(), ...this.#delivery.inFlight.all()]) {
      this.#dispatcher.remove(call);
      this.#delivery.abandon(call, why);
    }
    this.#lookDrained();
  }

  /** Raw id of the oldest call of `owner` in flight here, null when it has none. */
  callOf(owner: CallOwner): string | null {
    return this.#delivery.callOf(owner);
  }

  /** Sends a line that starts no call, unless the incarnation it is for is gone. */
  sendLine(incarnation: number, line: Uint8Array): void {
    this.link.post({ type: 'line', slot: this.link.slot, incarnation, line });
  }

  /** Sends a notification of a client, if the server is ready. */
  notify(line: Uint8Array): void {
    if (this.phase === 'ready') this.sendLine(this.#availability.incarnation, line);
  }

  /** Takes over a call that waits at its predecessor, where it was among its client's. */
  #inherit(call: Call): void {
    const { current } = this;
    call.target = current;
    current.#dispatcher.putBack(call);
    current.#dispatcher.pump();
  }

  #step(event: AvailabilityEvent): void {
    this.#availability = step(this.#availability, event);
  }

  /** Ends a server that has nothing to do; calls wait until it is back. */
  #recycle(why: RecycleReason): void {
    this.#options.log.info({ why }, RECYCLE_WORDS[why]);
    const { incarnation } = this.#availability;
    this.#step({ type: 'recycled' });
    const { eofMs, termMs } = DEFAULT_DRAIN_POLICY;
    const into = why === 'large' ? 'restart' : 'idle';
    this.link.post({ type: 'rest', slot: this.link.slot, incarnation, into, eofMs, termMs });
  }

  #pause(paused: boolean): void {
    this.#step({ type: paused ? 'paused' : 'resumed' });
    if (!paused) this.#dispatcher.pump();
  }

  #lookDrained(): void {
    if (this.inFlight === 0 && this.#dispatcher.queued === 0) this.#retirement.drained();
  }
}
