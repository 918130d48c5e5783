/**
 * The life of one supervised server as a pure function. The supervisor thread owns the child, the timers
 * and the clock, and passes their events to this machine, which makes every decision about starting,
 * restarting and stopping. Knows nothing of MCP and never touches a process.
 */

import type { ServerFeatures, SupervisorEvent } from '../model/server.ts';
import { assertNever } from './assert-never.ts';
import { onDeath, onStable, type RestartDecision, slowest } from './restart.ts';
import { absent, retry } from './supervisor-absence.ts';
import {
  emit,
  memoryOf,
  nextStartOf,
  returnTicket,
  type Step,
  type SupervisorEffect,
  type SupervisorInput,
  type SupervisorPolicy,
  type SupervisorState,
  type Up,
} from './supervisor-state.ts';
import { condemn, drained, escalate, rest, stop } from './supervisor-stop.ts';

/** A start ticket is handed back this long after the spawn, ready or not. */
const TICKET_MS = 5000;
/** A server that speaks only other revisions does so until it is another release. */
const REVISION_MS = 600_000;
/** A server that works or reports progress while it starts may take this many times `startTimeoutMs`. */
const START_EXTENSION = 4;

/**
 * One step of a server's life.
 *
 * @param now monotonic, in milliseconds.
 */
export function step(
  policy: SupervisorPolicy,
  now: number,
  state: SupervisorState,
  input: SupervisorInput,
): Step {
  if (state.phase === 'stopped') return [state, []];
  if ('incarnation' in input && input.incarnation !== state.incarnation) return [state, []];
  switch (input.type) {
    case 'open':
      return open(policy, now, state, input.delayMs);
    case 'wake':
      return state.phase === 'idle' ? start(state, false) : [state, []];
    case 'ticket':
      return spawn(policy, state);
    case 'spawned': {
      if (state.phase !== 'starting' || state.step !== 'handshaking')
        return withPid(state, input.pid);
      const next: SupervisorState = { ...state, pid: input.pid };
      return [next, [emit(next, { event: 'spawned', pid: input.pid })]];
    }
    case 'handshaken':
      return ready(policy, state, input.features);
    case 'condemned':
      return isUp(state)
        ? condemn(now, state, { reason: input.reason, detail: input.detail })
        : [state, []];
    case 'spawn_failed': {
      const { detail, random } = input;
      const exit = { reason: 'spawn_failed', code: null, signal: null, detail } as const;
      return gone(policy, now, random, state, exit);
    }
    case 'exited': {
      const { code, signal, detail, random } = input;
      const reason = state.phase === 'starting' ? 'handshake' : 'exit';
      return gone(policy, now, random, state, { reason, code, signal, detail });
    }
    case 'away':
      if (isUp(state)) return absent(now, state, input);
      return gone(policy, now, input.random, state, {
        reason: 'exit',
        code: null,
        signal: null,
        detail: input.detail,
      });
    case 'noise': {
      const { lines, sample } = input;
      return [state, [emit(state, { event: 'noise', lines, sample })]];
    }
    case 'timer':
      return onTimer(policy, now, state, input);
    case 'rest':
      return rest(now, state, input.into, input);
    case 'stop':
      return stop(now, state, input);
    default:
      return assertNever(input);
  }
}

type Exit = Omit<Extract<SupervisorEvent, { event: 'child_died_unexpectedly' }>, 'event'>;

function open(
  policy: SupervisorPolicy,
  now: number,
  state: SupervisorState,
  delayMs: number,
): Step {
  if (state.phase !== 'idle') return [state, []];
  if (policy.unavailable !== null) {
    const next: SupervisorState = { ...memoryOf(state), phase: 'failed', until: null };
    return [next, [emit(next, { event: 'health_changed', healthy: false })]];
  }
  // A new thread goes on with the count of the former one.
  if (delayMs <= 0) return start(state, state.incarnation > 0);
  const next: SupervisorState = { ...memoryOf(state), phase: 'backoff', until: now + delayMs };
  return [
    next,
    [
      { do: 'timer', timer: 'restart', ms: delayMs },
      emit(next, { event: 'backoff', delayMs, crashLoop: false }),
    ],
  ];
}

function start(state: SupervisorState, again: boolean): Step {
  const next: SupervisorState = {
    ...memoryOf(state),
    incarnation: state.incarnation + 1,
    ticket: 'wanted',
    phase: 'starting',
    step: 'waiting',
    again,
  };
  return [next, [emit(next, { event: 'starting' }), { do: 'want_ticket' }]];
}

function spawn(policy: SupervisorPolicy, state: SupervisorState): Step {
  if (state.phase !== 'starting' || state.step !== 'waiting') return [state, []];
  const next: SupervisorState = {
    ...memoryOf(state),
    restarts: state.again ? state.restarts + 1 : state.restarts,
    ticket: 'held',
    phase: 'starting',
    step: 'handshaking',
    pid: null,
    again: state.again,
    allowedMs: policy.startTimeoutMs,
  };
  return [
    next,
    [
      { do: 'timer', timer: 'ticket', ms: TICKET_MS },
      { do: 'timer', timer: 'start', ms: policy.startTimeoutMs },
      { do: 'spawn' },
    ],
  ];
}

function ready(policy: SupervisorPolicy, state: SupervisorState, features: ServerFeatures): Step {
  if (state.phase !== 'starting' || state.step !== 'handshaking') return [state, []];
  const next: SupervisorState = {
    ...memoryOf(state),
    ticket: 'none',
    connection: 'ok',
    absence: null,
    phase: 'ready',
    pid: state.pid,
    stable: false,
  };
  return [
    next,
    [
      // First: a ticket that is given back by a server that starts means that it takes long.
      emit(next, { event: 'ready', features }),
      ...returnTicket(state),
      { do: 'timer', timer: 'stable', ms: policy.restart.stableMs },
      ...(state.connection === 'ok'
        ? []
        : [emit(next, { event: 'health_changed', healthy: true })]),
      ...(state.again ? [emit(next, { event: 'respawned' })] : []),
    ],
  ];
}

/** The child has ended, in any phase. */
function gone(
  policy: SupervisorPolicy,
  now: number,
  random: number,
  state: SupervisorState,
  exit: Exit,
): Step {
  switch (state.phase) {
    case 'draining':
      return ended(state, exit.detail);
    case 'starting':
      return state.step === 'waiting' ? [state, []] : died(policy, now, random, state, exit);
    case 'ready':
      return died(policy, now, random, state, exit);
    case 'dying':
      return died(policy, now, random, state, { ...exit, ...state.death });
    case 'idle':
    case 'backoff':
    case 'failed':
    case 'stopped':
      return [state, []];
    default:
      return assertNever(state);
  }
}

function died(
  policy: SupervisorPolicy,
  now: number,
  random: number,
  state: SupervisorState,
  exit: Exit,
): Step {
  const restart = restartOf(policy, now, random, state, exit);
  const { delayMs, crashLoop } = restart;
  const next: SupervisorState = {
    ...memoryOf(state),
    ticket: 'none',
    deaths: restart.state,
    connection: 'errored',
    absence: null,
    phase: crashLoop ? 'failed' : 'backoff',
    until: now + delayMs,
  };
  const effects: SupervisorEffect[] = [
    ...returnTicket(state),
    emit(next, { event: 'child_died_unexpectedly', ...exit }),
    { do: 'fail_calls', detail: exit.detail },
  ];
  if (state.connection === 'ok') {
    effects.push(emit(next, { event: 'health_changed', healthy: false }));
  }
  effects.push(emit(next, { event: 'backoff', delayMs, crashLoop }));
  if (delayMs > 0) {
    effects.push({ do: 'timer', timer: 'restart', ms: delayMs });
    return [next, effects];
  }
  const [started, starting] = start(next, true);
  return [started, [...effects, ...starting]];
}

/** What a person has to end is no crash, and trying again in short steps would not help. */
function restartOf(
  { restart }: SupervisorPolicy,
  now: number,
  random: number,
  { deaths }: SupervisorState,
  { reason }: Exit,
): RestartDecision {
  if (reason === 'revision') return { state: deaths, delayMs: REVISION_MS, crashLoop: true };
  if (reason === 'login')
    return { state: deaths, delayMs: slowest(restart, random), crashLoop: true };
  return onDeath(restart, now, random, deaths);
}

/** A draining server has ended; a restart begins at once. */
function ended(state: Extract<SupervisorState, { phase: 'draining' }>, detail: string): Step {
  const [next, effects] = drained(state, detail);
  if (state.into !== 'restart') return [next, effects];
  const [started, starting] = start(next, true);
  return [started, [...effects, ...starting]];
}

function onTimer(
  policy: SupervisorPolicy,
  now: number,
  state: SupervisorState,
  { timer, busy }: Extract<SupervisorInput, { type: 'timer' }>,
): Step {
  switch (timer) {
    case 'start': {
      if (state.phase !== 'starting' || state.step !== 'handshaking') return [state, []];
      const { allowedMs } = state;
      const ms = policy.startTimeoutMs;
      if (busy && allowedMs < START_EXTENSION * ms) {
        return [{ ...state, allowedMs: allowedMs + ms }, [{ do: 'timer', timer: 'start', ms }]];
      }
      const detail = `no answer to initialize within ${allowedMs} ms; if it needs longer, raise its start_timeout_ms`;
      return condemn(now, state, { reason: 'start_timeout', detail });
    }
    case 'ticket':
      return [{ ...state, ticket: 'none' }, returnTicket(state)];
    case 'stable': {
      if (state.phase !== 'ready' || state.stable) return [state, []];
      const next: SupervisorState = { ...state, stable: true, deaths: onStable(state.deaths) };
      return [next, [emit(next, { event: 'stable' })]];
    }
    case 'restart':
      if (nextStartOf(state) === null) return [state, []];
      if (state.absence !== null) return retry(policy, state, state.absence);
      return start(state, state.incarnation > 0);
    case 'stop': {
      if (state.phase === 'dying') return [{ ...state, step: 'kill' }, [{ do: 'kill' }]];
      if (state.phase !== 'draining') return [state, []];
      return state.step === 'kill' && state.into === 'stopped'
        ? ended(state, 'killed')
        : escalate(now, state);
    }
    default:
      return assertNever(timer);
  }
}

/** There is a process, or a connection, that has not been given up. */
function isUp(state: SupervisorState): state is Up {
  return state.phase === 'ready' || (state.phase === 'starting' && state.step === 'handshaking');
}

function withPid(state: SupervisorState, pid: number): Step {
  return 'pid' in state ? [{ ...state, pid }, []] : [state, []];
}
