/**
 * The end of a supervised server, for good or recycled: its input is closed, then TERM, then KILL, each
 * after its time. Part of the supervisor machine; pure.
 */
import { assertNever } from './assert-never.ts';
import {
  emit,
  memoryOf,
  pidOf,
  type Rest,
  returnTicket,
  type Step,
  type SupervisorState,
} from './supervisor-state.ts';

/** Longest wait for the exit after KILL. */
const KILL_MS = 500;

/** Stops the server for good, in any phase. */
export function stop(state: SupervisorState, eofMs: number, termMs: number): Step {
  switch (state.phase) {
    case 'ready':
    case 'dying':
    case 'starting': {
      if (state.phase === 'starting' && state.step === 'waiting') return stopped(state, 'stopped');
      const killed = state.phase === 'dying';
      const next: SupervisorState = {
        ...memoryOf(state),
        phase: 'draining',
        pid: pidOf(state),
        step: killed ? 'kill' : 'eof',
        termMs,
        into: 'stopped',
      };
      return [
        next,
        killed
          ? [{ do: 'timer', timer: 'stop', ms: KILL_MS }]
          : [{ do: 'end_input' }, { do: 'timer', timer: 'stop', ms: eofMs }],
      ];
    }
    case 'draining': {
      // A second stop can only shorten the times.
      const next: SupervisorState = { ...state, termMs, into: 'stopped' };
      if (state.step === 'kill') return [next, []];
      const ms = state.step === 'eof' ? eofMs : termMs;
      return [next, [{ do: 'timer', timer: 'stop', ms }]];
    }
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
export function rest(state: SupervisorState, into: Rest, eofMs: number, termMs: number): Step {
  if (state.phase !== 'ready') return [state, []];
  const next: SupervisorState = {
    ...memoryOf(state),
    phase: 'draining',
    pid: state.pid,
    step: 'eof',
    termMs,
    into,
  };
  return [
    next,
    [
      { do: 'end_input' },
      { do: 'timer', timer: 'stop', ms: eofMs },
      emit(next, { event: 'draining', into }),
    ],
  ];
}

/** Goes to the next stage after the time of the present one: a recycled server has to end, too. */
export function escalate(state: Extract<SupervisorState, { phase: 'draining' }>): Step {
  return state.step === 'eof'
    ? [
        { ...state, step: 'term' },
        [{ do: 'terminate' }, { do: 'timer', timer: 'stop', ms: state.termMs }],
      ]
    : [{ ...state, step: 'kill' }, [{ do: 'kill' }, { do: 'timer', timer: 'stop', ms: KILL_MS }]];
}

/** A draining server has ended. For `restart` the caller starts it again. */
export function drained(
  state: Extract<SupervisorState, { phase: 'draining' }>,
  detail: string,
): Step {
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
