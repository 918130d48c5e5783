/**
 * The end of a supervised server: its input is closed, then TERM, then KILL, each after its time.
 * Part of the supervisor machine; pure.
 */
import { assertNever } from './assert-never.ts';
import {
  emit,
  memoryOf,
  pidOf,
  returnTicket,
  type Step,
  type SupervisorState,
} from './supervisor-state.ts';

/** After KILL an exit is waited for this long. */
const KILL_MS = 500;

/** Whatever the phase, the server is to go for good. */
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
      };
      return [
        next,
        killed
          ? [{ do: 'timer', timer: 'stop', ms: KILL_MS }]
          : [{ do: 'end_input' }, { do: 'timer', timer: 'stop', ms: eofMs }],
      ];
    }
    case 'draining': {
      // A second stop may only be in more of a hurry.
      if (state.step === 'kill') return [state, []];
      const ms = state.step === 'eof' ? eofMs : termMs;
      return [{ ...state, termMs }, [{ do: 'timer', timer: 'stop', ms }]];
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

/** The present stage of a stop took its whole time. */
export function escalate(state: Extract<SupervisorState, { phase: 'draining' }>): Step {
  switch (state.step) {
    case 'eof':
      return [
        { ...state, step: 'term' },
        [{ do: 'terminate' }, { do: 'timer', timer: 'stop', ms: state.termMs }],
      ];
    case 'term':
      return [
        { ...state, step: 'kill' },
        [{ do: 'kill' }, { do: 'timer', timer: 'stop', ms: KILL_MS }],
      ];
    case 'kill':
      return stopped(state, 'killed');
    default:
      return assertNever(state.step);
  }
}

/** There is nothing left to wait for. */
export function stopped(state: SupervisorState, detail: string): Step {
  const next: SupervisorState = { ...memoryOf(state), ticket: 'none', phase: 'stopped' };
  return [
    next,
    [{ do: 'fail_calls', detail }, ...returnTicket(state), emit(next, { event: 'stopped' })],
  ];
}
