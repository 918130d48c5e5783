/**
 * The end of a supervised server, for good, recycled or condemned: its input is closed, then TERM, then
 * KILL, each after its time. Part of the supervisor machine; pure.
 */
import { assertNever } from './assert-never.ts';
import {
  type Condemnation,
  emit,
  memoryOf,
  pidOf,
  type Rest,
  returnTicket,
  type Step,
  type SupervisorState,
} from './supervisor-state.ts';

/** From TERM to KILL for a server that must not go on: wrappers such as `docker run` hand TERM on. */
const DYING_MS = 400;
/** Longest wait for the exit after KILL. */
const KILL_MS = 500;

type Draining = Extract<SupervisorState, { phase: 'draining' }>;

/** How long a server may take to end: by itself after the end of its input, then after TERM. */
export interface StopTimes {
  readonly eofMs: number;
  readonly termMs: number;
}

/** Ends the living server of a state, which must not go on: TERM at once, KILL for what is left of it. */
export function condemn(now: number, state: SupervisorState, death: Condemnation): Step {
  const next: SupervisorState = {
    ...memoryOf(state),
    connection: 'errored',
    phase: 'dying',
    pid: pidOf(state),
    death,
    step: 'term',
    until: now + DYING_MS,
  };
  return [
    next,
    [
      // In this order: a connection that is closed at once still tells which calls never left.
      { do: 'terminate' },
      { do: 'end_input' },
      { do: 'timer', timer: 'stop', ms: DYING_MS },
      // Told now, before the exit: no call may be sent here any more.
      emit(next, { event: 'health_changed', healthy: false }),
    ],
  ];
}

/** Stops the server for good, in any phase. */
export function stop(now: number, state: SupervisorState, times: StopTimes): Step {
  switch (state.phase) {
    case 'ready':
    case 'starting': {
      if (state.phase === 'starting' && state.step === 'waiting') return stopped(state, 'stopped');
      return begin(now, state, 'stopped', times);
    }
    case 'dying': {
      const { pid, step, until } = state;
      const { termMs } = times;
      const next: Draining = {
        ...memoryOf(state),
        phase: 'draining',
        pid,
        step,
        until,
        termMs,
        into: 'stopped',
      };
      return step === 'kill'
        ? [{ ...next, until: now + KILL_MS }, [{ do: 'timer', timer: 'stop', ms: KILL_MS }]]
        : hurry(now, next, times);
    }
    case 'draining':
      return hurry(now, { ...state, into: 'stopped' }, times);
    case 'idle':
    case 'backoff':
    case 'failed':
      return stopped(state, 'stopped');
    case 'stopped':
      return [state, []];
    default:
      return assertNever(state);
  }
}

/** Recycles a healthy server: it starts again when it is needed, or at once. */
export function rest(now: number, state: SupervisorState, into: Rest, times: StopTimes): Step {
  if (state.phase !== 'ready') return [state, []];
  const [next, effects] = begin(now, state, into, times);
  return [next, [...effects, emit(next, { event: 'draining', into })]];
}

/** Goes to the next stage after the time of the present one: a recycled server has to end, too. */
export function escalate(now: number, state: Draining): Step {
  if (state.step !== 'eof') {
    const killed = { ...state, step: 'kill', until: now + KILL_MS } as const;
    return [killed, [{ do: 'kill' }, { do: 'timer', timer: 'stop', ms: KILL_MS }]];
  }
  const { termMs } = state;
  return [
    { ...state, step: 'term', until: now + termMs },
    [{ do: 'terminate' }, { do: 'timer', timer: 'stop', ms: termMs }],
  ];
}

/** Closes the input; without time for that, TERM goes with it. */
function begin(
  now: number,
  state: SupervisorState,
  into: Draining['into'],
  { eofMs, termMs }: StopTimes,
): Step {
  const until = now + eofMs;
  const next: Draining = {
    ...memoryOf(state),
    phase: 'draining',
    pid: pidOf(state),
    step: 'eof',
    until,
    termMs,
    into,
  };
  if (eofMs > 0) {
    return [next, [{ do: 'end_input' }, { do: 'timer', timer: 'stop', ms: eofMs }]];
  }
  const [terminated, effects] = escalate(now, next);
  return [terminated, [{ do: 'end_input' }, ...effects]];
}

/** A second stop can only shorten the times. */
function hurry(now: number, state: Draining, { eofMs, termMs }: StopTimes): Step {
  const next = { ...state, termMs: Math.min(state.termMs, termMs) };
  if (state.step === 'kill') return [next, []];
  const until = Math.min(state.until, now + (state.step === 'eof' ? eofMs : termMs));
  if (state.step === 'eof' && until <= now) return escalate(now, next);
  return [{ ...next, until }, [{ do: 'timer', timer: 'stop', ms: Math.max(0, until - now) }]];
}

/** A draining server has ended. For `restart` the caller starts it again. */
export function drained(state: Draining, detail: string): Step {
  if (state.into === 'stopped') return stopped(state, detail);
  const next: SupervisorState = { ...memoryOf(state), phase: 'idle' };
  return [next, [{ do: 'fail_calls', detail }, emit(next, { event: 'idle' })]];
}

/** The server is gone: nothing is left to wait for. */
function stopped(state: SupervisorState, detail: string): Step {
  const next: SupervisorState = { ...memoryOf(state), ticket: 'none', phase: 'stopped' };
  return [
    next,
    [{ do: 'fail_calls', detail }, ...returnTicket(state), emit(next, { event: 'stopped' })],
  ];
}
