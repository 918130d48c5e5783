/**
 * One server as the router sees it: its phase, its circuit, the calls in flight and the queue. Owns
 * the one answer of each of its calls. The supervisor thread owns the process; this file never does.
 */

import { replaceRanges } from '../../shared/json/json-rpc.ts';
import { DEFAULT_DRAIN_POLICY } from '../../shared/machines/drain.ts';
import type { ByteRange } from '../../shared/model/byte-range.ts';
import type { DownstreamConfig } from '../../shared/model/config.ts';
import { type ErrorCode, JSON_RPC, type Phase } from '../../shared/model/errors.ts';
import type { ServerFeatures } from '../../shared/model/server.ts';
import type { RoutingRecord, SupervisorRecord, ThreadRecord } from '../../shared/model/snapshot.ts';
import type {
  AnswerMessage,
  CallFailedMessage,
  LifecycleMessage,
  ProgressMessage,
} from '../../shared/protocol/from-supervisor.ts';
import type { ToSupervisor } from '../../shared/protocol/to-supervisor.ts';
import type { Call, CallOwner } from '../calls/call.ts';
import type { CallTable, Edit } from '../calls/call-table.ts';
import { Circuit } from '../calls/circuit.ts';
import { saysNotFound } from '../calls/delivery.ts';
import { type Failure, failureParts } from '../calls/failures.ts';
import { FairQueue } from '../calls/fair-queue.ts';
import { decide, type GateDecision, type GateView, queueFull } from '../calls/gate/gate.ts';
import { InFlight } from '../calls/in-flight.ts';
import { LatencyWindow } from '../calls/latency.ts';
import { type CallOutcome, type Observer, outcomeOf } from '../calls/observer.ts';
import { own } from '../calls/owned-lines.ts';
import { breakerRefusal, LEAVING, type Refusal, refused } from '../calls/refusals.ts';
import type { Logger } from '../logger.ts';
import { asksOf, forbidden } from '../routing/server-requests/asks.ts';
import { Resting, type RestReason } from './recycling.ts';

export interface DownstreamOptions {
  readonly config: DownstreamConfig;
  /** The one client that it serves; null: all of them. */
  readonly owner: CallOwner | null;
  /** Its slot in the thread that it runs in now. */
  readonly slot: () => number;
  readonly calls: CallTable;
  readonly post: (message: ToSupervisor) => boolean;
  /** Starts the server if it is idle. */
  readonly wake: () => void;
  /** A call waits for it to start. */
  readonly onAwaited: () => void;
  /** Whether its answers are not read now, through no fault of its own. */
  readonly heldBack: () => boolean;
  /** Whether somebody relies on the server without a call: subscriptions, open requests of its own. */
  readonly reliedOn: (downstream: Downstream) => boolean;
  /** Whether a task is at work there, or has ended and its result is still to be fetched. */
  readonly atWork: (downstream: Downstream) => boolean;
  readonly thread: () => ThreadRecord;
  readonly halted: () => { readonly active: boolean; readonly reason: string | null };
  readonly log: Logger;
  readonly observer: Observer;
  /** Something in `record` changed. */
  readonly onChange: () => void;
}

const REST_WORDS: Readonly<Record<RestReason, string>> = {
  unused: 'not used: stopping it',
  large: 'too large: starting it anew',
  moving: 'moving it to a thread of its own',
};
const STOPPING = 'the gateway is stopping';
const ORDINARY_ERROR = Buffer.from(String(JSON_RPC.gatewayError));

/** The server is being replaced or removed. */
interface Leaving {
  readonly heir: Downstream | null;
  readonly onDrained: () => void;
}

export class Downstream {
  readonly owner: CallOwner | null;
  #config: DownstreamConfig;
  readonly #options: DownstreamOptions;
  readonly #circuit: Circuit;
  readonly #latency = new LatencyWindow();
  readonly #resting: Resting;
  readonly #inFlight = new InFlight();
  readonly #queue = new FairQueue<CallOwner, Call>();
  #phase: Phase = 'idle';
  #incarnation = 0;
  /** The incarnation takes no calls although it was ready: it returned one unsent, or is put to rest. */
  #unavailable = false;
  #draining = false;
  #nextStartAt: number | null = null;
  #lastError: string | null = null;
  #lastRecord: SupervisorRecord | null = null;
  /** Somebody has asked what it offers since it was ready. */
  #isExpected = false;
  #features: ServerFeatures | null = null;
  #calls = 0;
  #errors = 0;
  /** Lines of noise of the present thread that the observer has heard of. */
  #noiseTold = 0;
  #lastUsedAt: number | null = null;
  #leaving: Leaving | null = null;
  #drained = false;

  constructor(options: DownstreamOptions) {
    this.#options = options;
    this.#config = options.config;
    this.owner = options.owner;
    this.#circuit = new Circuit({
      server: options.config.name,
      policy: () => this.#config.breaker,
      lastError: () => this.#lastError,
      onOpen: () => options.observer.circuitOpened(options.config.name),
      log: options.log,
    });
    this.#resting = new Resting({
      idleStopMs: () => this.#config.idleStopMs,
      inFlight: () => this.#inFlight.size,
      atWork: () => options.atWork(this),
      wanted: () => this.#queue.length > 0 || options.reliedOn(this),
      onRest: (why) => this.#rest(why),
      onServe: () => this.#pump(),
    });
  }

  get config(): DownstreamConfig {
    return this.#config;
  }

  /** Itself, or the one that is there in its place. */
  get current(): Downstream {
    return this.#leaving?.heir?.current ?? this;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** What the server said it can do, null before its first handshake. */
  get features(): ServerFeatures | null {
    return this.#features;
  }

  get lastRecord(): SupervisorRecord | null {
    return this.#lastRecord;
  }

  get record(): RoutingRecord {
    return {
      ...this.#circuit.record(performance.now()),
      in_flight: this.#inFlight.size,
      queued: this.#queue.length,
      calls: this.#calls,
      errors: this.#errors,
      p50_ms: hundredths(this.#latency.quantile(0.5)),
      p99_ms: hundredths(this.#latency.quantile(0.99)),
      thread: this.#options.thread(),
    };
  }

  /** How many it was ever given, and how many are at the server now. */
  get calls(): number {
    return this.#calls;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** When it got its last call, in milliseconds since the epoch; null: not yet. */
  get lastUsedAt(): number | null {
    return this.#lastUsedAt;
  }

  /** Whether calls wait for it, or somebody for what it offers. */
  get awaited(): boolean {
    return this.#queue.length > 0 || this.#isExpected;
  }

  /** What the gate says to a call that must wait anyway, for example for the first tool list. */
  refusal(deadline: number): Refusal | null {
    const decision = decide(this.#view(), performance.now(), deadline);
    return decision.kind === 'refuse' ? decision : null;
  }

  /** Takes a call that is already in the call table: posts, queues, or answers it. */
  submit(call: Call): void {
    this.#calls += 1;
    this.#lastUsedAt = Date.now();
    this.#options.onChange();
    const now = performance.now();
    const decision = decide(this.#view(), now, call.totalDeadline);
    if (decision.kind === 'refuse') return this.#refuse(call, decision);
    if (decision.kind === 'wait') {
      if (this.#leaving !== null) return this.#refuse(call, LEAVING);
      if (this.#isFull(call.session)) return this.#refuse(call, queueFull(this.config.maxQueue));
      this.#queue.push(call);
      return this.#pump();
    }
    if (this.#queue.length > 0 || call.session.congested) return this.#submitBehind(call);
    if (!this.#mayWait(call)) return this.#refuse(call, queueFull(this.config.maxQueue));
    if (!this.#mayTry(call)) return this.#refuse(call, breakerRefusal(null));
    const admission = this.#circuit.acquire(call.id, now);
    if (admission.kind === 'refuse') {
      return this.#refuse(call, breakerRefusal(admission.retryAt));
    }
    if (!this.#post(call)) this.#queue.push(call);
  }

  /** Takes over a call that waits at the one whose heir it is, where it was among its client's. */
  #inherit(call: Call): void {
    const { current } = this;
    call.downstream = current;
    current.#queue.putBack(call);
    current.#pump();
  }

  /** Somebody waits for what it will say: starts it if it is idle. */
  wake(): void {
    if (this.#phase === 'ready') return;
    this.#isExpected = true;
    if (this.#phase === 'idle') this.#options.wake();
    if (this.#phase === 'starting') this.#options.onAwaited();
  }

  /** A client takes messages again: its calls need wait no longer. */
  clientDrained(): void {
    this.#pump();
  }

  /** The client no longer wants it: no answer, and the server is told. */
  cancel(call: Call, reason: string): void {
    if (!this.#options.calls.settle(call)) return;
    this.#forget(call);
    this.#observe(call, 'cancelled', null);
    call.onEnd?.(false, false);
    if (call.postedTo !== null) {
      this.#circuit.release(call.id, performance.now());
      this.#options.post({ type: 'cancel', slot: this.#options.slot(), call: call.id, reason });
    }
    this.#pump();
    this.#options.onChange();
  }

  /** The call's time is over. */
  expire(call: Call): void {
    if (!this.#options.calls.settle(call)) return;
    this.#forget(call);
    const slot = this.#options.slot();
    const waited = Math.round(performance.now() - call.admittedAt);
    if (call.postedTo === null) {
      this.#answerFailure(call, {
        code: 'ERR_TIMEOUT',
        outcome: 'not_sent',
        message: `${this.#who()} did not become ready within ${waited} ms; the call was not sent`,
        retryAt: null,
      });
    } else {
      this.#options.post({ type: 'cancel', slot, call: call.id, reason: 'deadline exceeded' });
      if (this.#options.heldBack()) {
        // It may have answered long ago.
        this.#circuit.release(call.id, performance.now());
      } else {
        this.#options.post({ type: 'suspect', slot });
        this.#circuit.failure(`call:${call.id}`, performance.now(), call.id);
      }
      this.#answerFailure(call, {
        code: 'ERR_TIMEOUT',
        outcome: 'unknown',
        message: `${this.#who()} did not answer within ${waited} ms; the call may have been executed`,
        retryAt: null,
      });
    }
    this.#pump();
  }

  /**
   * Re-arms the deadline: progress is life, up to the call's total time.
   *
   * @returns whether the call is still in flight.
   */
  progress(message: ProgressMessage): boolean {
    const call = this.#inFlight.get(message.call);
    if (call === undefined) return false;
    const left = call.totalDeadline - performance.now();
    if (left > this.config.callTimeoutMs) call.timer.refresh();
    else {
      clearTimeout(call.timer);
      call.timer = setTimeout(() => this.expire(call), Math.max(0, left));
    }
    if (call.tokenRaw === null) return true;
    const { line, token } = message;
    call.session.send(
      [line.subarray(0, token[0]), call.tokenRaw, line.subarray(token[1])],
      call.idText,
    );
    return true;
  }

  answer(message: AnswerMessage): void {
    const call = this.#inFlight.get(message.call);
    if (call === undefined || !this.#options.calls.settle(call)) return;
    this.#inFlight.remove(call);
    const now = performance.now();
    if (!call.patient) this.#latency.record(now - call.postedAt, now);
    this.#circuit.success(call.id, now);
    if (message.isError) this.#errors += 1;
    this.#deliver(call, message);
    this.#pump();
    this.#options.onChange();
  }

  #deliver(call: Call, message: AnswerMessage): void {
    const { line, id, isError, toolError } = message;
    // It was not meant for this server after all, and is counted where it ends.
    if (isError && call.elsewhere !== null && saysNotFound(line) && call.elsewhere()) return;
    this.#observe(call, isError || toolError ? 'error' : 'ok', null);
    const edits =
      message.visits === undefined
        ? (message.tasks !== undefined && call.onTasks?.(message, call)) || []
        : this.#withoutVisit(message.visits.code);
    call.onEnd?.(!isError, true);
    const parts =
      edits.length === 0
        ? [line.subarray(0, id[0]), call.idRaw, line.subarray(id[1])]
        : replaceRanges(line, [{ at: id, with: call.idRaw }, ...edits]);
    own(line);
    call.session.answer(call, parts);
  }

  /** An error that asks a person to visit a URL is an ordinary one where nobody may be asked. */
  #withoutVisit(code: ByteRange): readonly Edit[] {
    const refusal = forbidden('elicitation/create', asksOf(this), this.#options.halted());
    return refusal === null ? [] : [{ at: code, with: ORDINARY_ERROR }];
  }

  callFailed(message: CallFailedMessage): void {
    const call = this.#inFlight.get(message.call);
    if (call === undefined) return;
    this.#inFlight.remove(call);
    const now = performance.now();
    if (message.code === null) {
      this.#circuit.release(call.id, now);
      call.postedTo = null;
      if (this.#leaving?.heir) this.#leaving.heir.#inherit(call);
      else this.#queue.putBack(call);
      // That incarnation takes no more calls; its supervisor is about to say why.
      if (message.incarnation === this.#incarnation) this.#unavailable = true;
      return this.#reconsider();
    }
    if (!this.#options.calls.settle(call)) return;
    // An answer that cannot be delivered is still an answer; a lost one is judged by its death.
    if (message.outcome === 'answered') this.#circuit.success(call.id, now);
    else this.#circuit.release(call.id, now);
    if (message.outcome === 'not_sent') call.postedTo = null;
    this.#answerFailure(call, {
      code: message.code,
      outcome: message.outcome,
      message: message.message,
      retryAt: null,
    });
    this.#pump();
  }

  lifecycle(message: LifecycleMessage): void {
    const now = performance.now();
    this.#tellObserver(message.record);
    this.#phase = message.record.phase;
    this.#unavailable = false;
    if (message.event.event === 'draining') this.#draining = true;
    else if (message.record.phase !== 'draining') this.#draining = false;
    this.#incarnation = message.incarnation;
    this.#lastRecord = message.record;
    this.#lastError = message.record.last_error;
    this.#nextStartAt = message.nextStartInMs === null ? null : now + message.nextStartInMs;
    const { event } = message;
    if (event.event === 'child_died_unexpectedly') {
      // The supervisor ends each of its calls itself: lost, or never sent.
      this.#circuit.failure(`incarnation:${message.incarnation}`, now, null);
    } else if (event.event === 'ready') {
      this.#isExpected = false;
      this.#circuit.ready(message.incarnation, now);
      this.#features = event.features;
    } else if (event.event === 'stable') {
      this.#circuit.success(null, now);
    }
    if (this.#leaving === null) this.#resting.phase(this.#phase === 'ready');
    this.#reconsider();
    this.#options.onChange();
  }

  /** Memory of the server and all it started. @param rssMb resident MiB. */
  usage(rssMb: number): void {
    const { maxRssMb } = this.config;
    if (maxRssMb !== 0 && rssMb > maxRssMb) this.#resting.due('large');
  }

  /** It is to end as soon as it has nothing to do, because it goes on in another thread. */
  move(): void {
    this.#resting.due('moving');
  }

  /** When the next start is due, monotonic ms; null when none is scheduled. */
  get nextStartAt(): number | null {
    return this.#nextStartAt;
  }

  /** Other settings of what is decided here. @param config of the same process. */
  reconfigure(config: DownstreamConfig): void {
    const wakes = config.start === 'eager' && this.#config.start === 'lazy';
    this.#config = config;
    if (wakes && this.#phase === 'idle') this.#options.wake();
    this.#pump();
    this.#options.onChange();
  }

  /**
   * The server is to go: it takes no further call, and those that wait are the heir's. Without an heir
   * they are still made where that is possible at once.
   *
   * @param onDrained nothing is in flight and nothing waits any more; called once.
   */
  leave(heir: Downstream | null, onDrained: () => void): void {
    this.#leaving = { heir, onDrained };
    this.#resting.close();
    if (heir !== null) {
      for (const call of this.#queue.items()) {
        this.#queue.remove(call);
        heir.#inherit(call);
      }
    }
    this.#reconsider();
    this.#options.onChange();
  }

  /** Somebody who relied on the server does so no longer. */
  released(): void {
    this.#resting.used();
  }

  /** Nothing is decided here any more: the server is being stopped for good. */
  close(): void {
    this.#resting.close();
  }

  /** The supervisor thread is gone and with it every call posted to it; another comes. */
  threadLost(generation: number, detail: string, restartInMs: number): void {
    this.#phase = 'backoff';
    this.#noiseTold = 0;
    this.#draining = false;
    this.#resting.phase(false);
    this.#nextStartAt = performance.now() + restartInMs;
    this.#lastError = `supervisor thread lost: ${detail}`;
    this.#circuit.failure(`thread:${generation}`, performance.now(), null);
    this.#loseCalls(`the supervisor thread of ${this.#who()} was lost`);
    this.#reconsider();
  }

  /** Answers everything still open. @param why in words. */
  abandon(why = STOPPING): void {
    for (const call of [...this.#queue.items(), ...this.#inFlight.all()]) {
      if (!this.#options.calls.settle(call)) continue;
      this.#forget(call);
      const posted = call.postedTo !== null;
      if (posted) {
        const slot = this.#options.slot();
        this.#circuit.release(call.id, performance.now());
        this.#options.post({ type: 'cancel', slot, call: call.id, reason: why });
      }
      this.#answerFailure(call, {
        code: posted ? 'ERR_OUTCOME_UNKNOWN' : 'ERR_DOWNSTREAM_DOWN',
        outcome: posted ? 'unknown' : 'not_sent',
        message: posted
          ? `${why}; the call may have been executed`
          : `${why}; the call was not sent`,
        retryAt: null,
      });
    }
    this.#lookDrained();
  }

  /** Raw id of the oldest call of `owner` in flight here, null when it has none. */
  callOf(owner: CallOwner): string | null {
    return this.#inFlight.of(owner)?.idText ?? null;
  }

  /** Whose call in flight it is, null when there is no such call. */
  ownerOf(call: number): CallOwner | null {
    return this.#inFlight.get(call)?.session ?? null;
  }

  /** Passes a line on that starts no call, unless the server it is for is gone. */
  tell(incarnation: number, line: Uint8Array): void {
    this.#options.post({ type: 'line', slot: this.#options.slot(), incarnation, line });
  }

  /** A notification of a client for the server, if it is ready. */
  notify(line: Uint8Array): void {
    if (this.#phase === 'ready') this.tell(this.#incarnation, line);
  }

  /** Ends a server that has nothing to do; calls wait until it is back. */
  #rest(why: RestReason): void {
    this.#options.log.info({ why }, REST_WORDS[why]);
    this.#unavailable = true;
    const { eofMs, termMs } = DEFAULT_DRAIN_POLICY;
    this.#options.post({
      type: 'rest',
      slot: this.#options.slot(),
      incarnation: this.#incarnation,
      into: why === 'large' ? 'restart' : 'idle',
      eofMs,
      termMs,
    });
  }

  /** Whether calls have to wait although nothing is wrong with the server. */
  get #held(): boolean {
    return this.#unavailable || this.#draining || this.#resting.holding;
  }

  #view(): GateView {
    return {
      halted: this.#options.halted(),
      phase: this.#held ? 'backoff' : this.#phase,
      nextStartAt: this.#nextStartAt,
      breakerOpenUntil: this.#circuit.openUntil,
      inFlight: this.#inFlight.size - this.#inFlight.patient,
      maxConcurrency: this.config.maxConcurrency,
      queued: this.#queue.count((session) => !session.congested),
      maxQueue: this.config.maxQueue,
    };
  }

  /** False: there is no thread to post to, and the call keeps its place. */
  #post(call: Call): boolean {
    const posted = this.#options.post({
      type: 'call',
      slot: this.#options.slot(),
      incarnation: this.#incarnation,
      call: call.id,
      line: call.line,
      tasks: call.tasks,
    });
    if (!posted) {
      this.#circuit.release(call.id, performance.now());
      return false;
    }
    call.postedTo = this.#incarnation;
    call.postedAt = performance.now();
    this.#inFlight.add(call);
    return true;
  }

  /** A call that could go, were there not others waiting before it. */
  #submitBehind(call: Call): void {
    if (this.#circuit.probing) return this.#refuse(call, breakerRefusal(null));
    if (this.#isFull(call.session)) return this.#refuse(call, queueFull(this.config.maxQueue));
    this.#queue.push(call);
    this.#pump();
  }

  /** Calls of clients that do not read wait by themselves: they take nobody else's place. */
  #isFull(session: CallOwner): boolean {
    const waiting = this.#queue.count((owner) =>
      session.congested ? owner === session : !owner.congested,
    );
    return waiting >= this.config.maxQueue;
  }

  #pump(): void {
    this.#postWaiting();
    this.#lookDrained();
  }

  #lookDrained(): void {
    if (this.#leaving === null || this.#drained) return;
    if (this.#inFlight.size > 0 || this.#queue.length > 0) return;
    this.#drained = true;
    this.#leaving.onDrained();
  }

  /** Posts what may go now, a call of each client in turn; stops at the first that has to wait. */
  #postWaiting(): void {
    if (this.#queue.length > 0 && this.#phase === 'idle') this.#options.wake();
    if (this.#queue.length > 0 && this.#phase === 'starting') this.#options.onAwaited();
    for (let call = this.#next(); call !== undefined; call = this.#next()) {
      const lapsed = call.lapsed?.(this) ?? null;
      if (lapsed !== null) {
        this.#queue.take(call);
        if (this.#options.calls.settle(call)) this.#answerFailure(call, lapsed);
        continue;
      }
      const now = performance.now();
      const decision = this.#decideWaiting(now, call);
      if (decision.kind === 'wait') return;
      if (decision.kind === 'refuse') {
        this.#queue.take(call);
        this.#refuse(call, decision);
        continue;
      }
      if (!this.#mayTry(call)) {
        this.#queue.take(call);
        this.#refuse(call, breakerRefusal(null));
        continue;
      }
      // Someone else's probe is under way: its outcome decides about those who already wait.
      if (this.#circuit.acquire(call.id, now).kind === 'refuse') return;
      if (!this.#post(call)) return;
      this.#queue.take(call);
    }
    this.#resting.used();
  }

  /** The gate again, for a call that waits already. A server that leaves is not waited for. */
  #decideWaiting(now: number, call: Call): GateDecision {
    const isThere = this.#phase === 'ready' && !this.#held;
    if (this.#leaving !== null && !isThere) return LEAVING;
    return decide({ ...this.#view(), queued: 0 }, now, call.totalDeadline);
  }

  /** A client that does not take what it got gets nothing more to wait for. */
  #next(): Call | undefined {
    return this.#queue.peek((session) => !session.congested);
  }

  /** After a change of phase: each waiting call is judged again by its own deadline. */
  #reconsider(): void {
    const now = performance.now();
    for (const call of this.#queue.items()) {
      const decision = this.#decideWaiting(now, call);
      if (decision.kind !== 'refuse') continue;
      this.#queue.remove(call);
      this.#refuse(call, decision);
    }
    this.#pump();
  }

  #loseCalls(what: string): void {
    const now = performance.now();
    for (const call of this.#inFlight.all()) {
      this.#inFlight.remove(call);
      this.#circuit.release(call.id, now);
      if (!this.#options.calls.settle(call)) continue;
      this.#answerFailure(call, {
        code: 'ERR_OUTCOME_UNKNOWN',
        outcome: 'unknown',
        message: `${what} while the call was in flight; it may have been executed`,
        retryAt: null,
      });
    }
  }

  #refuse(call: Call, refusal: Refusal): void {
    if (!this.#options.calls.settle(call)) return;
    this.#answerFailure(call, this.describe(refusal));
  }

  /** A refusal in words and with the time of a retry. */
  describe(refusal: Refusal): Omit<Failure, 'server' | 'phase'> {
    return refused(this.#who(), refusal, this.#lastError);
  }

  #answerFailure(call: Call, failure: Omit<Failure, 'server' | 'phase'>): void {
    this.#errors += 1;
    this.#observe(call, outcomeOf(failure), failure.code);
    call.onEnd?.(false, failure.outcome === 'answered');
    const whole = { ...failure, server: this.config.name, phase: this.#phase };
    call.session.answer(call, failureParts(call.method, call.idRaw, whole));
    this.#options.onChange();
  }

  /** A call that takes any time must not be the probe that all others wait for. */
  #mayTry(call: Call): boolean {
    return !call.patient || this.#circuit.closed;
  }

  /** Of those that take any time there may be as many as of all others together. */
  #mayWait(call: Call): boolean {
    const { maxConcurrency, maxQueue } = this.config;
    return !call.patient || this.#inFlight.patient < maxConcurrency + maxQueue;
  }

  #observe(call: Call, outcome: CallOutcome, code: ErrorCode | null): void {
    const timed = call.postedTo !== null && !call.patient;
    const ms = timed ? performance.now() - call.postedAt : null;
    this.#options.observer.callEnded(this.config.name, outcome, code, ms);
  }

  /** What has happened since the last record. A new thread goes on counting restarts, but not noise. */
  #tellObserver(record: SupervisorRecord): void {
    const { observer } = this.#options;
    const { name } = this.config;
    for (let at = this.#lastRecord?.restarts ?? 0; at < record.restarts; at++) {
      observer.restarted(name);
    }
    if (record.noise_lines > this.#noiseTold) {
      observer.noise(name, record.noise_lines - this.#noiseTold);
      this.#noiseTold = record.noise_lines;
    }
  }

  #forget(call: Call): void {
    this.#inFlight.remove(call);
    this.#queue.remove(call);
  }

  #who(): string {
    return `server "${this.config.name}"`;
  }
}

function hundredths(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100;
}
