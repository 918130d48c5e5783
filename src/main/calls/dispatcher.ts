/**
 * Dispatches the calls to one server: the gate, the circuit and the queue decide whether each is posted,
 * waits or is refused. Clients take turns, one call each. Posted calls belong to the delivery.
 */
import { AUDIT_UNAVAILABLE } from './audit.ts';
import type { Backend } from './backend.ts';
import type { Call, CallOwner } from './call.ts';
import type { CallTable } from './call-table.ts';
import type { Delivery } from './delivery.ts';
import { FairQueue } from './fair-queue.ts';
import { decide, type GateDecision, type GateView, queueFull } from './gate/gate.ts';
import type { RateLimit } from './gate/rate.ts';
import { breakerRefusal, LEAVING, type Refusal } from './refusals.ts';

/** The server as the dispatcher sees it: more than `Backend`, which every call needs. */
export interface Dispatching extends Backend {
  /** Says if calls can be posted to it, and to which incarnation. */
  readonly availability: GateView['availability'] & { readonly incarnation: number };
  /** Counts its calls. */
  readonly rate: RateLimit;
  /** It takes no new calls: it is being replaced or removed. */
  readonly retiring: boolean;
  /** Calls wait: starts the server if it is idle. */
  wakeForCalls(): void;
  /** All calls that could be posted have been. @param waits true when the next call has to wait. */
  pumped(waits: boolean): void;
}

export class Dispatcher {
  readonly #server: Dispatching;
  readonly #calls: CallTable;
  readonly #delivery: Delivery;
  readonly #queue = new FairQueue<CallOwner, Call>();
  /** Those in the queue that wait for the audit log. */
  readonly #asked = new Set<Call>();

  constructor(server: Dispatching, calls: CallTable, delivery: Delivery) {
    this.#server = server;
    this.#calls = calls;
    this.#delivery = delivery;
  }

  /** How many calls wait. */
  get queued(): number {
    return this.#queue.length;
  }

  /** The calls that wait, in no particular order between clients. */
  waiting(): Call[] {
    return this.#queue.items();
  }

  /** The gate's refusal, if any, of a call that must wait anyway, for example for the first tool list. */
  refusal(deadline: number): Refusal | null {
    const asked = { deadline, subject: null, rate: null };
    const decision = decide(this.#view(), performance.now(), asked);
    return decision.kind === 'refuse' ? decision : null;
  }

  /** Takes a call that is already in the call table: posts, queues, or answers it. */
  submit(call: Call): void {
    const { maxQueue } = this.#server.config;
    const now = performance.now();
    const decision = decide(this.#view(), now, {
      deadline: call.totalDeadline,
      subject: call.subject,
      rate: this.#server.rate,
    });
    if (decision.kind === 'refuse') return this.#delivery.refuse(call, decision);
    if (decision.kind === 'wait') {
      if (this.#server.retiring) return this.#delivery.refuse(call, LEAVING);
      if (this.#isFull(call.owner)) return this.#delivery.refuse(call, queueFull(maxQueue));
      this.#enqueue(call);
      return this.pump();
    }
    if (this.#queue.length > 0 || call.owner.needsDrain) return this.#submitBehind(call);
    if (!this.#mayWait(call)) return this.#delivery.refuse(call, queueFull(maxQueue));
    if (!this.#mayTry(call)) return this.#delivery.refuse(call, breakerRefusal(null));
    // It would be refused without its record, and is with it: at once, and not by the probe's outcome.
    if (this.#server.circuit.probing) return this.#delivery.refuse(call, breakerRefusal(null));
    if (this.#begins(call)) return this.#hold(call);
    const admission = this.#server.circuit.acquire(call.id, now);
    if (admission.kind === 'refuse') {
      return this.#delivery.refuse(call, breakerRefusal(admission.retryAt));
    }
    if (!this.#post(call)) this.#queue.push(call);
  }

  /** Queues a call again where it was among its client's: it was not sent. */
  putBack(call: Call): void {
    if (call.record === 'asked') this.#asked.add(call);
    this.#queue.putBack(call);
  }

  /** Takes a call out of the queue, if it is there. */
  remove(call: Call): void {
    this.#asked.delete(call);
    this.#queue.remove(call);
  }

  /** Some of the calls that wait for the audit log need wait no longer. */
  recordsKept(): void {
    for (const call of this.#asked) if (call.record !== 'asked') this.#asked.delete(call);
    this.pump();
  }

  /** Posts what may go now, a call of each client in turn; stops at the first that has to wait. */
  pump(): void {
    if (this.#queue.length > 0) this.#server.wakeForCalls();
    let waits = false;
    for (let call = this.#next(); call !== undefined && !waits; call = this.#next()) {
      waits = !this.#advance(call);
    }
    this.#server.pumped(waits);
  }

  /** After a change of the server: each waiting call is judged again by its own deadline. */
  reconsider(): void {
    const now = performance.now();
    for (const call of this.#queue.items()) {
      const decision = this.#decideWaiting(now, call);
      if (decision.kind !== 'refuse') continue;
      this.remove(call);
      this.#delivery.refuse(call, decision);
    }
    this.pump();
  }

  /** @returns false when the call has to wait, and those behind it too. */
  #advance(call: Call): boolean {
    const lapsed = call.lapsed?.(call.target) ?? null;
    if (lapsed !== null) {
      this.#queue.take(call);
      if (this.#calls.settle(call)) this.#delivery.fail(call, lapsed);
      return true;
    }
    const now = performance.now();
    const decision = call.record === 'failed' ? AUDIT_UNAVAILABLE : this.#decideWaiting(now, call);
    if (decision.kind === 'wait') return false;
    if (decision.kind === 'refuse' || !this.#mayTry(call)) {
      this.#queue.take(call);
      this.#delivery.refuse(call, decision.kind === 'refuse' ? decision : breakerRefusal(null));
      return true;
    }
    // Another call's probe is under way: its outcome decides about the calls that already wait.
    if (this.#server.circuit.acquire(call.id, now).kind === 'refuse') return false;
    if (!this.#post(call)) return false;
    this.#queue.take(call);
    return true;
  }

  /** A call that could go, were there not others waiting before it. */
  #submitBehind(call: Call): void {
    if (this.#server.circuit.probing) return this.#delivery.refuse(call, breakerRefusal(null));
    if (this.#isFull(call.owner)) {
      return this.#delivery.refuse(call, queueFull(this.#server.config.maxQueue));
    }
    this.#enqueue(call);
    this.pump();
  }

  #enqueue(call: Call): void {
    this.#queue.push(call);
    if (this.#begins(call) && call.record === 'asked') this.#asked.add(call);
  }

  /** The call would go now, were it not for its record. */
  #hold(call: Call): void {
    if (call.record === 'failed') return this.#delivery.refuse(call, AUDIT_UNAVAILABLE);
    this.#asked.add(call);
    this.#queue.push(call);
  }

  /** Records that the call begins. @returns whether it has to wait for that, or cannot be made. */
  #begins(call: Call): boolean {
    return this.#server.audit.begins(call, this.#server.config.name);
  }

  /** False: there is no thread to post to, and the call keeps its place. */
  #post(call: Call): boolean {
    const { link, availability, circuit } = this.#server;
    const { incarnation } = availability;
    const posted = link.post({
      type: 'call',
      slot: link.slot,
      incarnation,
      call: call.id,
      line: call.line,
      writes: call.tier !== null && call.tier !== 'read',
      can: call.can,
      tasks: call.tasks,
    });
    if (posted) this.#delivery.posted(call, incarnation);
    else circuit.release(call.id, performance.now());
    return posted;
  }

  /** @param queued how many calls wait before the one that is judged. */
  #view(queued = this.#countQueued()): GateView {
    const { availability, circuit, config } = this.#server;
    const { inFlight } = this.#delivery;
    return {
      halted: this.#server.halted(),
      availability,
      breakerOpenUntil: circuit.openUntil,
      inFlight: inFlight.size - inFlight.untimed,
      queued,
      config,
    };
  }

  #countQueued(): number {
    if (this.#queue.length === 0) return 0;
    return this.#queue.count((owner) => !owner.needsDrain) - this.#heldPlaces();
  }

  /** The gate again, for a call that waits already. A server that retires is not waited for. */
  #decideWaiting(now: number, call: Call): GateDecision {
    if (this.#server.retiring && this.#server.availability.kind !== 'ready') return LEAVING;
    const { totalDeadline: deadline, subject } = call;
    return decide(this.#view(0), now, { deadline, subject, rate: null });
  }

  /**
   * A client that does not read what it got gets nothing more to wait for, and one whose call is not recorded
   * yet waits alone.
   */
  #next(): Call | undefined {
    return this.#queue.peek((owner, { record }) => !owner.needsDrain && record !== 'asked');
  }

  /** How many of the calls that wait would be in flight by now, were it not for their records. */
  #heldPlaces(): number {
    const { inFlight } = this.#delivery;
    const free = this.#server.config.maxConcurrency - (inFlight.size - inFlight.untimed);
    return Math.min(this.#asked.size, Math.max(0, free));
  }

  /** Calls of clients that do not read wait by themselves: they take nobody else's place. */
  #isFull(client: CallOwner): boolean {
    const waiting = this.#queue.count((owner) =>
      client.needsDrain ? owner === client : !owner.needsDrain,
    );
    return waiting - this.#heldPlaces() >= this.#server.config.maxQueue;
  }

  /** An untimed call must not be the probe that all others wait for. */
  #mayTry(call: Call): boolean {
    return !call.untimed || this.#server.circuit.closed;
  }

  /** There may be as many untimed calls as there are places for all others together. */
  #mayWait(call: Call): boolean {
    const { maxConcurrency, maxQueue } = this.#server.config;
    return !call.untimed || this.#delivery.inFlight.untimed < maxConcurrency + maxQueue;
  }
}
