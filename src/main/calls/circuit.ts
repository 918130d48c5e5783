/**
 * The circuit of one server: interprets the breaker and session-blocker machines, logs what they
 * decide, and tells it to the state file. Owned by the server.
 */
import {
  type BreakerEffect,
  type BreakerEvent,
  type BreakerState,
  INITIAL_BREAKER,
  openUntil,
  step as stepBreaker,
} from '../../shared/machines/circuit-breaker.ts';
import {
  type BlockerState,
  DEFAULT_BLOCKER_POLICY,
  INITIAL_BLOCKER,
  step as stepBlocker,
} from '../../shared/machines/session-blocker.ts';
import type { BreakerPolicy } from '../../shared/model/config.ts';
import type { DeathReason, SupervisorEvent } from '../../shared/model/server.ts';
import type { CircuitState } from '../../shared/model/snapshot.ts';
import type { Cause } from '../causes/causes.ts';
import type { Logger } from '../logger.ts';
import type { Audit } from './audit.ts';
import type { Observer } from './observer.ts';
import { isoAt } from './wall-clock.ts';

/** The server as its circuit sees it. */
interface Subject {
  readonly config: { readonly name: string; readonly breaker: BreakerPolicy };
  readonly cause: Cause | null;
  readonly observer: Pick<Observer, 'circuitOpened'>;
  readonly audit: Pick<Audit, 'event'>;
}

/** Deaths of servers that are well: a person has something to do. */
const OF_PERSONS: ReadonlySet<DeathReason> = new Set(['revision', 'login']);

/** Times are monotonic, in milliseconds. */
export class Circuit {
  readonly #server: Subject;
  readonly #log: Logger;
  #breaker: BreakerState = INITIAL_BREAKER;
  #blocker: BlockerState = INITIAL_BLOCKER;
  #openTransitions = 0;

  constructor(server: Subject, log: Logger) {
    this.#server = server;
    this.#log = log;
  }

  /** While open: when it may be tried again; otherwise null. */
  get openUntil(): number | null {
    return openUntil(this.#breaker);
  }

  get closed(): boolean {
    return this.#breaker.kind === 'closed';
  }

  /** Half-open, and the one probe is under way. */
  get probing(): boolean {
    return this.#breaker.kind === 'half-open' && this.#breaker.probe !== null;
  }

  /** Its time to be open may be over. @returns true when it is, and was not before. */
  lapse(now: number): boolean {
    const { openUntil } = this;
    if (openUntil === null || now < openUntil) return false;
    this.#apply({ type: 'tick' }, now);
    return true;
  }

  record(now: number): {
    circuit_state: CircuitState;
    retry_at: string | null;
    open_transitions: number;
    session_blocker_emitted: boolean;
  } {
    this.#apply({ type: 'tick' }, now);
    const [blocker] = stepBlocker(DEFAULT_BLOCKER_POLICY, now, this.#blocker, { type: 'tick' });
    this.#blocker = blocker;
    return {
      circuit_state: this.#breaker.kind,
      retry_at: this.openUntil === null ? null : isoAt(this.openUntil, now),
      open_transitions: this.#openTransitions,
      session_blocker_emitted: this.#blocker.kind === 'fired',
    };
  }

  /** Asks for the passage of a call that is about to be posted. */
  acquire(
    call: number,
    now: number,
  ): { kind: 'pass' } | { kind: 'refuse'; retryAt: number | null } {
    for (const effect of this.#apply({ type: 'acquire', call }, now)) {
      if (effect.type === 'refuse') return { kind: 'refuse', retryAt: effect.retryAt };
    }
    return { kind: 'pass' };
  }

  /** A call that passed ended without a verdict on the server. */
  release(call: number, now: number): void {
    this.#apply({ type: 'released', call }, now);
  }

  /** @param call the call that was answered, null when `ready` was held for long enough. */
  success(call: number | null, now: number): void {
    this.#apply({ type: 'success', call }, now);
  }

  /**
   * @param incident its name; the same one never counts twice.
   * @param call the call that timed out, null for other incidents.
   */
  failure(incident: string, now: number, call: number | null): void {
    this.#apply({ type: 'failure', incident, call }, now);
  }

  /** Events of the process count for the breaker, too. */
  lifecycle(told: SupervisorEvent, incarnation: number, now: number): void {
    const { event } = told;
    if (event === 'child_died_unexpectedly' && OF_PERSONS.has(told.reason)) return;
    // The supervisor ends each of the calls of a process that dies itself: lost, or never sent.
    if (event === 'child_died_unexpectedly') this.failure(`incarnation:${incarnation}`, now, null);
    else if (event === 'ready') this.#apply({ type: 'ready', incarnation }, now);
    else if (event === 'stable') this.success(null, now);
  }

  #apply(event: BreakerEvent, now: number): readonly BreakerEffect[] {
    const [next, effects] = stepBreaker(this.#server.config.breaker, now, this.#breaker, event);
    this.#breaker = next;
    for (const effect of effects) if (effect.type === 'transition') this.#transition(effect, now);
    return effects;
  }

  #transition(effect: Extract<BreakerEffect, { type: 'transition' }>, now: number): void {
    const { from, to, reason, retryAt } = effect;
    const at = retryAt === undefined ? {} : { retryAt: isoAt(retryAt, now) };
    this.#log.warn({ from, to, reason, ...at }, 'circuit state changed');
    const { audit } = this.#server;
    const server = this.#server.config.name;
    audit.event({
      event: 'circuit',
      server,
      status: to === 'open' ? 'error' : 'allowed',
      facts: { from, to, reason, ...at },
    });
    if (to !== 'open') return;
    this.#openTransitions += 1;
    this.#server.observer.circuitOpened(this.#server.config.name);
    const [next, announced] = stepBlocker(DEFAULT_BLOCKER_POLICY, now, this.#blocker, {
      type: 'opened',
    });
    this.#blocker = next;
    const { why, action } = this.#server.cause ?? { why: null, action: null };
    for (const { opens, withinMs } of announced) {
      const facts = { opens, within_ms: withinMs };
      audit.event({ event: 'SESSION_BLOCKER', server, status: 'error', facts });
      this.#log.error(
        { event: 'SESSION_BLOCKER', opens, withinMs, lastError: why, action },
        `SESSION_BLOCKER: the circuit of server "${this.#server.config.name}" has opened ${opens} times; it needs a person`,
      );
    }
  }
}
