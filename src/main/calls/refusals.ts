/** Why a server takes a call not now, in words and with the time at which it may. Pure. */

import type { Cause } from '../causes/causes.ts';
import { type Failure, isDenied } from './failures.ts';
import type { GateDecision } from './gate/gate.ts';

export type Refusal = Extract<GateDecision, { kind: 'refuse' }>;

/** The server is being replaced or removed. */
export const LEAVING: Refusal = {
  kind: 'refuse',
  code: 'ERR_DOWNSTREAM_DOWN',
  why: 'it is no longer configured as it was',
  retryAt: null,
};

/** @param retryAt monotonic ms; null: as soon as the probe has ended. */
export function breakerRefusal(retryAt: number | null): Refusal {
  return {
    kind: 'refuse',
    code: 'ERR_BREAKER_OPEN',
    why: 'its circuit is half-open and a probe is under way',
    retryAt,
  };
}

/** What is wrong with the server and what helps, as the end of a message; empty when nothing is known to be. */
export function adviceOf(cause: Cause | null): string {
  if (cause === null) return '';
  return `; last error: ${cause.why}${cause.action === null ? '' : `; what helps: ${cause.action}`}`;
}

/** @param who the server, as a message names it. @param cause what is wrong with it. */
export function refused(
  who: string,
  refusal: Refusal,
  cause: Cause | null,
): Omit<Failure, 'server' | 'phase'> {
  // Neither time nor another try helps.
  const waits = refusal.code === 'ERR_DOWNSTREAM_DOWN' && cause?.waitsForLogin === true;
  const retryAt =
    refusal.retryAt === null || waits
      ? null
      : Date.now() + Math.max(0, refusal.retryAt - performance.now());
  const when = retryAt === null ? '' : `; retry at ${new Date(retryAt).toISOString()}`;
  const message =
    refusal.code === 'ERR_HALTED' ||
    refusal.code === 'ERR_AUDIT_UNAVAILABLE' ||
    isDenied(refusal.code)
      ? refusal.why
      : `${who} takes no calls now: ${waits ? 'it waits for a login' : refusal.why}${adviceOf(cause)}${when}`;
  return {
    code: refusal.code,
    outcome: 'not_sent',
    message,
    retryAt,
    ...(waits ? { isFinal: true } : {}),
  };
}
