/**
 * A server over HTTP that cannot be reached: it is tried again in short steps, however long that takes. That
 * is no crash, so it counts for no crash loop, and all its tries are one event. Part of the supervisor
 * machine; pure.
 */
import { retryDelay } from './restart.ts';
import {
  type Absence,
  emit,
  memoryOf,
  returnTicket,
  type Step,
  type SupervisorInput,
  type SupervisorPolicy,
  type SupervisorState,
  type Up,
} from './supervisor-state.ts';

/** While it lasts others are told this often. */
const TELL_EVERY_MS = 5000;

/** The server was not there when it was connected to. */
export function absent(
  now: number,
  state: Up,
  { detail, waitedMs, random }: Extract<SupervisorInput, { type: 'away' }>,
): Step {
  const before = state.absence;
  const since = before?.since ?? now - waitedMs;
  const tells = before === null || now - before.toldAt >= TELL_EVERY_MS;
  const tries = (before?.tries ?? 0) + 1;
  const forMs = now - since;
  const delayMs = retryDelay(forMs, tries, random);
  const next: SupervisorState = {
    ...memoryOf(state),
    ticket: 'none',
    connection: 'errored',
    absence: {
      since,
      toldAt: before === null || tells ? now : before.toldAt,
      tries,
      again: state.phase === 'ready' || state.again,
    },
    phase: 'backoff',
    until: now + delayMs,
  };
  const told = {
    event: 'unreachable',
    detail: state.phase === 'ready' ? detail : duringHandshake(detail),
    begins: before === null,
    forMs,
    delayMs,
  } as const;
  return [
    next,
    [
      ...returnTicket(state),
      ...(state.connection === 'ok'
        ? [emit(next, { event: 'health_changed', healthy: false })]
        : []),
      ...(tells ? [emit(next, told)] : []),
      { do: 'fail_calls', detail },
      { do: 'timer', timer: 'restart', ms: delayMs },
    ],
  ];
}

/** Says when it was; before the advice that follows a failed connection. */
export function duringHandshake(detail: string): string {
  if (!detail.startsWith('cannot connect ')) return `${detail} during the handshake`;
  return detail.replace(/;|$/, (end) => ` during the handshake${end}`);
}

/** Tries again. No ticket is needed: nothing is started on this machine. */
export function retry(policy: SupervisorPolicy, state: SupervisorState, absence: Absence): Step {
  const { again, tries } = absence;
  const ms = policy.startTimeoutMs;
  const next: SupervisorState = {
    ...memoryOf(state),
    incarnation: state.incarnation + 1,
    restarts: again && tries === 1 ? state.restarts + 1 : state.restarts,
    phase: 'starting',
    step: 'handshaking',
    pid: null,
    again,
    allowedMs: ms,
  };
  return [next, [{ do: 'timer', timer: 'start', ms }, { do: 'spawn' }]];
}
