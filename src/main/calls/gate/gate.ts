/**
 * The gate of a call: halt → pin → allow and deny → tier → rate → availability → breaker → concurrency, each check
 * O(1) and none of them posting anything to a thread. Decides; the dispatcher acts.
 */
import type { ServerConfig } from '../../../shared/model/config.ts';
import type { ErrorCode, Phase } from '../../../shared/model/errors.ts';
import type { RateLimit } from './rate.ts';
import { judge, type Subject } from './subject.ts';

/** The longest a call waits for a restart that is already scheduled, and for a server that is away. */
const MAX_BACKOFF_WAIT_MS = 5000;

/** For whoever calls a server that is out of reach. */
const RETRY_MS = 1000;

/** The input of the gate. Times are monotonic, in milliseconds. */
export interface GateView {
  readonly halted: { readonly active: boolean; readonly reason: string | null };
  readonly availability:
    | { readonly kind: 'ready' | 'held' }
    | {
        readonly kind: 'down';
        readonly phase: Exclude<Phase, 'ready'>;
        /** When the next start is due, null when none is scheduled. */
        readonly nextStartAt: number | null;
        /** For how long it has been out of reach, as was told last. @default 0 */
        readonly awayMs?: number;
      };
  /** While open and cooling down: when it may be tried again. */
  readonly breakerOpenUntil: number | null;
  readonly inFlight: number;
  readonly queued: number;
  readonly config: ServerConfig;
}

/** The call as the gate sees it. */
export interface GateCall {
  /** When the call's own time ends. */
  readonly deadline: number;
  /** Null: the gateway's own, or not known yet; such a call is not judged. */
  readonly subject: Subject | null;
  /** Counts the call; null: it has been counted. */
  readonly rate: RateLimit | null;
}

export type GateDecision =
  | { readonly kind: 'post' }
  | { readonly kind: 'wait' }
  | {
      readonly kind: 'refuse';
      readonly code: ErrorCode;
      readonly why: string;
      /** Monotonic time from which a retry makes sense, null when unknown. */
      readonly retryAt: number | null;
    };

const POST = { kind: 'post' } as const;
const WAIT = { kind: 'wait' } as const;

export function decide(view: GateView, now: number, call: GateCall): GateDecision {
  const { deadline, subject, rate } = call;
  const ruled = byRules(view, subject);
  if (ruled !== null) return ruled;
  const { maxConcurrency, maxQueue } = view.config;
  const retryAt = subject === null || rate === null ? null : rate.take(view.config, now);
  if (retryAt !== null) return tooMany(view.config, retryAt);
  const first = byAvailability(view.availability, now, deadline);
  if (first.kind === 'refuse') return first;
  if (view.breakerOpenUntil !== null && view.breakerOpenUntil > now) {
    return refuse('ERR_BREAKER_OPEN', 'its circuit is open', view.breakerOpenUntil);
  }
  if (first.kind === 'post' && view.inFlight < maxConcurrency) return first;
  if (view.queued < maxQueue) return WAIT;
  return queueFull(maxQueue);
}

/** What comes before everything else: whether the call may be made at all. Null: it may. */
export function byRules(
  { halted, config }: Pick<GateView, 'halted' | 'config'>,
  subject: Subject | null,
): Extract<GateDecision, { kind: 'refuse' }> | null {
  if (halted.active) {
    return refuse('ERR_HALTED', `the gateway is halted: ${halted.reason ?? 'no reason given'}`);
  }
  if (config.blocked !== null) return blocked(config.name, config.blocked);
  const verdict = subject === null ? 'pass' : judge(subject, config);
  if (verdict === 'pass') return null;
  return verdict === 'ask' ? ASK_FIRST : refuse(verdict.code, verdict.why);
}

function blocked(name: string, why: string): Extract<GateDecision, { kind: 'refuse' }> {
  return refuse('ERR_PIN_DRIFT', `server "${name}" is not started: ${why}`);
}

function tooMany({ name, maxCallsPerMinute, rules }: ServerConfig, retryAt: number) {
  const why = `it got ${maxCallsPerMinute} calls in the last minute (max_calls_per_minute, ${rules.places.rate}); raise it for server "${name}" if that is too few`;
  return refuse('ERR_RATE_LIMITED', why, retryAt);
}

export function queueFull(maxQueue: number): Extract<GateDecision, { kind: 'refuse' }> {
  return refuse('ERR_QUEUE_FULL', `${maxQueue} calls are waiting already`);
}

function byAvailability(
  availability: GateView['availability'],
  now: number,
  deadline: number,
): GateDecision {
  if (availability.kind !== 'down') return availability.kind === 'ready' ? POST : WAIT;
  const { phase, nextStartAt, awayMs = 0 } = availability;
  switch (phase) {
    case 'idle':
    case 'starting':
      return WAIT;
    case 'backoff': {
      // Without a date the old process is still ending: its restart follows at once or gets a date.
      const due = nextStartAt ?? now;
      // It is tried all the time, whatever the date of the next try that was told.
      if (awayMs >= MAX_BACKOFF_WAIT_MS) {
        return refuse('ERR_BACKOFF', 'it cannot be reached', now + RETRY_MS);
      }
      if (due <= Math.min(now + MAX_BACKOFF_WAIT_MS, deadline)) return WAIT;
      return refuse('ERR_BACKOFF', 'it is waiting to be restarted', due);
    }
    case 'failed':
      return refuse(
        'ERR_DOWNSTREAM_DOWN',
        nextStartAt === null ? 'it cannot be started' : 'it keeps failing',
        nextStartAt,
      );
    case 'blocked':
      return refuse('ERR_PIN_DRIFT', 'its program is not pinned');
    case 'draining':
    case 'stopped':
      return refuse('ERR_DOWNSTREAM_DOWN', 'it is stopping');
  }
}

function refuse(
  code: ErrorCode,
  why: string,
  retryAt: number | null = null,
): Extract<GateDecision, { kind: 'refuse' }> {
  return { kind: 'refuse', code, why, retryAt };
}

/** A person is asked before a call gets here: the rules have changed since. */
const ASK_FIRST = refuse(
  'ERR_DENIED_TIER',
  'a person has to be asked first since the policy has changed; call again',
);
