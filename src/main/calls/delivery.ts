/**
 * The calls in flight at one server, and the one answer of each: a result delivered, or a failure. Counts
 * calls and errors, and measures how long answers take. Knows no queue.
 */
import { type Edit, replaceRanges } from '../../shared/json/json-rpc.ts';
import { type ErrorCode, JSON_RPC } from '../../shared/model/errors.ts';
import type {
  AnswerMessage,
  CallFailedMessage,
  ProgressMessage,
  TextEdit,
} from '../../shared/protocol/from-supervisor.ts';
import { type Backend, named } from './backend.ts';
import type { Call, CallOwner, OpenQuestion } from './call.ts';
import type { CallTable } from './call-table.ts';
import { isAsking, restartClock, resumeClock, stoodMs, stopClock } from './clock.ts';
import type { Failure } from './failures.ts';
import { forbidden } from './gate/asks.ts';
import { InFlight } from './in-flight.ts';
import { LateOwners } from './late-owners.ts';
import { LatencyWindow } from './latency.ts';
import { saysNotFound } from './not-found.ts';
import { type CallOutcome, outcomeOf } from './observer.ts';
import { own } from './owned-lines.ts';
import { progressOf, told } from './progress.ts';
import { adviceOf, type Refusal, refused } from './refusals.ts';

/** The time in which a thread says whether a call has left. */
const WORD_MS = 1000;
const ORDINARY_ERROR = Buffer.from(String(JSON_RPC.gatewayError));

/** What routing does with calls that are at a server. */
export type CallsInFlight = Pick<
  Delivery,
  'ownerOf' | 'othersLeft' | 'idOf' | 'callsOf' | 'stopClock' | 'resumeClock' | 'tellWaiting'
>;

export class Delivery {
  readonly #backend: Backend;
  readonly #calls: CallTable;
  readonly #latency = new LatencyWindow();
  readonly #inFlight = new InFlight();
  readonly #late = new LateOwners();
  #errors = 0;

  constructor(backend: Backend, calls: CallTable) {
    this.#backend = backend;
    this.#calls = calls;
  }

  get inFlight(): InFlight {
    return this.#inFlight;
  }

  /** Answers of errors, the server's own and the gateway's, so far. */
  get errors(): number {
    return this.#errors;
  }

  /** Milliseconds, rounded to hundredths; null before the first answer. @param q between 0 and 1. */
  quantile(q: number): number | null {
    const ms = this.#latency.quantile(q);
    return ms === null ? null : Math.round(ms * 100) / 100;
  }

  /** The call has been posted to that incarnation. */
  posted(call: Call, incarnation: number): void {
    call.postedTo = incarnation;
    call.postedAt = performance.now();
    this.#inFlight.add(call);
  }

  /**
   * Extends the deadline: progress is life, up to the call's total time.
   *
   * @returns whether the call is still in flight.
   */
  progress({ call: id, line, token }: ProgressMessage): boolean {
    const call = this.#inFlight.get(id);
    if (call === undefined) return false;
    restartClock(call, this.#backend.config.callTimeoutMs, performance.now());
    if (call.tokenRaw === null) return true;
    const edits = told(call, line);
    const parts =
      edits.length === 0
        ? [line.subarray(0, token[0]), call.tokenRaw, line.subarray(token[1])]
        : replaceRanges(line, [{ at: token, with: call.tokenRaw }, ...edits]);
    call.owner.send(parts, call.idText);
    return true;
  }

  /** The client is asked something that may belong to this call: its clock stands. */
  stopClock(call: Call, question: OpenQuestion): void {
    if (this.#inFlight.get(call.id) !== call) return;
    const now = performance.now();
    stopClock(call, question, this.#backend.config, now);
    // A person may take long: meanwhile another call may find out whether the server is well.
    this.#backend.circuit.release(call.id, now);
  }

  /** The question is settled. */
  resumeClock(call: Call, question: OpenQuestion): void {
    if (this.#inFlight.get(call.id) !== call) return;
    resumeClock(call, question, this.#backend.config, performance.now());
  }

  /** Tells the client that its call goes on although nothing is heard: clients give up after a minute. */
  tellWaiting(call: Call): void {
    if (call.tokenRaw === null || this.#inFlight.get(call.id) !== call) return;
    const message = `${named(this.#backend)} waits for the answer to its question`;
    const parts = progressOf(call, call.tokenRaw, message);
    if (parts !== null) call.owner.send(parts, call.idText);
  }

  /** @returns false when nobody waits for it any more. */
  answer(message: AnswerMessage): boolean {
    const call = this.#inFlight.get(message.call);
    if (call === undefined || !this.#calls.settle(call)) return false;
    this.#inFlight.remove(call);
    const now = performance.now();
    if (!call.untimed) this.#latency.record(spentMs(call, now), now);
    this.#backend.circuit.success(call.id, now);
    if (message.isError) this.#errors += 1;
    this.#deliver(call, message);
    return true;
  }

  /**
   * The supervisor could not carry the call out.
   *
   * @returns the call when it was given back unsent, and is to be queued again.
   */
  failed({ call: id, code, outcome, message }: CallFailedMessage): Call | null {
    const call = this.#inFlight.get(id);
    if (call === undefined) return null;
    this.#inFlight.remove(call);
    const now = performance.now();
    const { circuit } = this.#backend;
    if (call.overdue && (code === null || code === 'ERR_TIMEOUT')) {
      if (outcome === 'not_sent') {
        circuit.release(call.id, now);
        call.postedTo = null;
      }
      if (this.#calls.settle(call)) this.expired(call);
      return null;
    }
    if (code === null) {
      circuit.release(call.id, now);
      call.postedTo = null;
      return call;
    }
    if (!this.#calls.settle(call)) return null;
    // An undeliverable answer is still an answer; a lost call counts with the death of its process.
    if (outcome === 'answered') circuit.success(call.id, now);
    else circuit.release(call.id, now);
    if (outcome === 'not_sent') call.postedTo = null;
    if (outcome === 'unknown') this.#left(call);
    this.fail(call, { code, outcome, message, retryAt: null });
    return null;
  }

  /** The answer is no longer wanted; the call is settled already. */
  cancelled(call: Call, reason: string): void {
    this.#inFlight.remove(call);
    this.#observe(call, 'cancelled', null);
    call.onEnd?.(false, false);
    if (call.postedTo === null) return;
    this.#backend.circuit.release(call.id, performance.now());
    this.#tellCancelled(call, reason);
  }

  /**
   * The time of a call is over. Whether it has left for a server over HTTP is known to its thread, which
   * ends it by `failed`.
   *
   * @returns false when there is no thread to ask, or it has not answered in time.
   */
  asksWhetherSent(call: Call): boolean {
    const { config, link } = this.#backend;
    if (config.endpoint === null || call.postedTo === null || call.overdue) return false;
    call.overdue = link.post({ type: 'expire', slot: link.slot, call: call.id });
    if (call.overdue) call.timer = setTimeout(() => call.target.expire(call), WORD_MS);
    return call.overdue;
  }

  /** The time of a call is over that is settled already. */
  expired(call: Call): void {
    this.#inFlight.remove(call);
    const { link, circuit } = this.#backend;
    const now = performance.now();
    const stood = Math.round(stoodMs(call, now));
    const waited = Math.round(now - call.admittedAt) - stood;
    if (call.postedTo === null) {
      return this.fail(call, {
        code: 'ERR_TIMEOUT',
        outcome: 'not_sent',
        message:
          call.record === 'asked'
            ? `the audit log was not written within ${waited} ms; the call was not sent`
            : `${named(this.#backend)} did not become ready within ${waited} ms; the call was not sent${adviceOf(this.#backend.cause)}`,
        retryAt: null,
      });
    }
    this.#tellCancelled(call, 'deadline exceeded');
    if (isAsking(call)) {
      // The client has not answered, and not the server.
      circuit.release(call.id, now);
      for (const question of call.asked?.open ?? []) question.expired(call);
      return this.fail(call, {
        code: 'ERR_TIMEOUT',
        outcome: 'unknown',
        message: `what ${named(this.#backend)} asked the client was not answered within ${stood} ms (ask_timeout_ms); the call may have been executed`,
        retryAt: null,
      });
    }
    if (link.heldBack) {
      // It may have answered long ago.
      circuit.release(call.id, now);
    } else {
      link.post({ type: 'suspect', slot: link.slot });
      circuit.failure(`call:${call.id}`, now, call.id);
    }
    const besides = stood === 0 ? '' : `, besides ${stood} ms in which its client was asked`;
    this.fail(call, {
      code: 'ERR_TIMEOUT',
      outcome: 'unknown',
      message: `${named(this.#backend)} did not answer within ${waited} ms${besides}; the call may have been executed`,
      retryAt: null,
    });
  }

  /** Every call that was posted is lost. @param what in words. */
  loseAll(what: string): void {
    const now = performance.now();
    for (const call of this.#inFlight.all()) {
      this.#inFlight.remove(call);
      this.#backend.circuit.release(call.id, now);
      if (!this.#calls.settle(call)) continue;
      this.fail(call, {
        code: 'ERR_OUTCOME_UNKNOWN',
        outcome: 'unknown',
        message: `${what} while the call was in flight; it may have been executed`,
        retryAt: null,
      });
    }
  }

  /** Answers an open call, which may have been posted, without waiting for its server. */
  abandon(call: Call, why: string): void {
    if (!this.#calls.settle(call)) return;
    this.#inFlight.remove(call);
    const posted = call.postedTo !== null;
    if (posted) {
      this.#backend.circuit.release(call.id, performance.now());
      this.#tellCancelled(call, why);
    }
    this.fail(call, {
      code: posted ? 'ERR_OUTCOME_UNKNOWN' : 'ERR_DOWNSTREAM_DOWN',
      outcome: posted ? 'unknown' : 'not_sent',
      message: `${why}; the call ${posted ? 'may have been executed' : 'was not sent'}`,
      retryAt: null,
    });
  }

  /** Refuses a call, unless it has been answered already. */
  refuse(call: Call, refusal: Refusal): void {
    if (this.#calls.settle(call)) this.fail(call, this.describe(refusal));
  }

  /** A refusal in words and with the time of a retry. */
  describe(refusal: Refusal): Omit<Failure, 'server' | 'phase'> {
    return refused(named(this.#backend), refusal, this.#backend.cause);
  }

  /** The one answer of a settled call that failed. */
  fail(call: Call, failure: Omit<Failure, 'server' | 'phase'>): void {
    const { config, phase } = this.#backend;
    this.#errors += 1;
    this.#observe(call, outcomeOf(failure), failure.code);
    call.onEnd?.(false, failure.outcome === 'answered');
    const whole = { ...failure, server: config.name, phase };
    call.owner.answer(call, call.form.failure(call.method, call.idRaw, whole));
    this.#backend.changed();
  }

  /** Raw id of the oldest call of `owner` in flight here, null when it has none. */
  callOf(owner: CallOwner): string | null {
    return this.#inFlight.of(owner)?.idText ?? null;
  }

  /** The calls of `owner` that are at this incarnation, the oldest first. */
  callsOf(owner: CallOwner, incarnation: number): Call[] {
    return this.#inFlight.allOf(owner, incarnation);
  }

  /** The owner of a call in flight, or null when there is no such call. */
  ownerOf(call: number): CallOwner | null {
    return this.#inFlight.get(call)?.owner ?? null;
  }

  /** Whether this incarnation may still work on calls of others than `owner` that have ended here. */
  othersLeft(owner: CallOwner, incarnation: number): boolean {
    return this.#late.othersThan(owner, incarnation, performance.now());
  }

  /** Raw id of a call in flight, as its client knows it; null: there is no such call. */
  idOf(call: number): string | null {
    return this.#inFlight.get(call)?.idText ?? null;
  }

  #deliver(call: Call, message: AnswerMessage): void {
    const { line, id, isError, toolError, redacted, visits } = message;
    call.answerBytes = line.length;
    if (redacted !== undefined) {
      this.#backend.observer.redacted(this.#backend.config.name, redacted);
      call.redacted = redacted;
    }
    // It was not meant for this server after all, and is counted where it ends.
    if (isError && call.elsewhere !== null && saysNotFound(line) && call.elsewhere()) {
      this.#record(call, 'error', null, null);
      return;
    }
    this.#observe(call, isError || toolError ? 'error' : 'ok', null);
    const edits = this.#edits(call, message);
    call.onEnd?.(!isError, true);
    const parts =
      edits.length === 0
        ? [line.subarray(0, id[0]), call.idRaw, line.subarray(id[1])]
        : replaceRanges(line, [{ at: id, with: call.idRaw }, ...edits]);
    own(line);
    call.owner.answer(call, parts, visits !== undefined && this.#mayVisit());
  }

  #edits(call: Call, message: AnswerMessage): readonly Edit[] {
    const { visits, tasks, edits } = message;
    const formed = call.form.ofServer(call.method, message);
    const ofTasks = (tasks !== undefined && call.onTasks?.(message, call)) || [];
    // Its client knows the type of a result, which alone is cut out for others.
    if (formed !== null) {
      return [...formed, ...ofTasks, ...edits.filter(({ text }) => text !== '').map(editOf)];
    }
    const known = visits === undefined ? ofTasks : this.#withoutVisit(visits.code);
    return edits.length === 0 ? known : [...known, ...edits.map(editOf)];
  }

  /** An error that asks a person to visit a URL is an ordinary one where nobody may be asked. */
  #withoutVisit(code: readonly [number, number]) {
    return this.#mayVisit() ? [] : [{ at: code, with: ORDINARY_ERROR }];
  }

  #mayVisit(): boolean {
    return forbidden('elicitation/create', this.#backend.asks, this.#backend.halted()) === null;
  }

  #tellCancelled(call: Call, reason: string): void {
    const { link } = this.#backend;
    this.#left(call);
    link.post({ type: 'cancel', slot: link.slot, call: call.id, reason });
  }

  /** The server may work on. */
  #left({ owner, postedTo }: Call): void {
    if (postedTo !== null) this.#late.add(owner, postedTo, performance.now());
  }

  #observe(call: Call, outcome: CallOutcome, code: ErrorCode | null): void {
    const timed = call.postedTo !== null && !call.untimed;
    const ms = timed ? spentMs(call, performance.now()) : null;
    const { observer, config } = this.#backend;
    observer.callEnded(config.name, outcome, code, ms);
    this.#record(call, outcome, code, ms);
  }

  #record(call: Call, outcome: CallOutcome, code: ErrorCode | null, ms: number | null): void {
    const { audit, config } = this.#backend;
    audit.ended(call, config.name, outcome, code, ms);
  }
}

function editOf({ at, text }: TextEdit): Edit {
  return { at, with: Buffer.from(text) };
}

/** The server's time for the call: without that in which its client was asked. */
function spentMs(call: Call, now: number): number {
  return now - call.postedAt - stoodMs(call, now);
}
