/**
 * The availability of a server: if calls can be posted to it now, as main knows it from the supervisor's
 * messages. One value, stepped by one pure function. Times are monotonic, in milliseconds.
 */
import type { Phase } from '../../shared/model/errors.ts';

/**
 * Why a process that runs takes no calls: `returned`: it gave one back unsent, and its supervisor is about
 * to say why; `recycling`: it has been asked to end; `pausing`: a moment without calls is being made;
 * `draining`: it is ending, and is started again or on demand.
 */
export type Hold = 'returned' | 'recycling' | 'pausing' | 'draining';

export type Availability =
  /** No process takes calls. `incarnation` is the last one, 0 before the first. */
  | {
      readonly kind: 'down';
      readonly phase: Exclude<Phase, 'ready'>;
      readonly incarnation: number;
      /** When the next start is due, null when none is scheduled. */
      readonly nextStartAt: number | null;
      /** For how long it has been out of reach, as was told last. @default 0 */
      readonly awayMs?: number;
    }
  | { readonly kind: 'ready'; readonly incarnation: number }
  /** Calls wait although nothing is wrong with the server. */
  | { readonly kind: 'held'; readonly incarnation: number; readonly why: Hold };

export type AvailabilityEvent =
  /** The supervisor has spoken. */
  | {
      readonly type: 'told';
      readonly phase: Phase;
      readonly incarnation: number;
      readonly nextStartAt: number | null;
      /** It ends this process in order to go on without it. */
      readonly drains: boolean;
      /** True while calls are held back to make a moment without calls. */
      readonly paused: boolean;
      /** For how long it has been out of reach. @default 0 */
      readonly awayMs?: number;
    }
  /** That incarnation gave a call back unsent. */
  | { readonly type: 'returned'; readonly incarnation: number }
  /** The process has been asked to end. */
  | { readonly type: 'recycled' }
  /** New calls wait, so that there is a moment without any; and no longer. */
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' }
  /** The supervisor thread is gone, and the process with it. */
  | { readonly type: 'lost'; readonly nextStartAt: number };

export const ABSENT: Availability = {
  kind: 'down',
  phase: 'idle',
  incarnation: 0,
  nextStartAt: null,
};

export function step(state: Availability, event: AvailabilityEvent): Availability {
  const { incarnation } = state;
  switch (event.type) {
    case 'told':
      return told(state, event);
    case 'returned':
      if (state.kind === 'down' || event.incarnation !== incarnation) return state;
      return state.kind === 'held' && state.why !== 'pausing'
        ? state
        : held(incarnation, 'returned');
    case 'recycled':
      if (state.kind === 'down' || phaseOf(state) === 'draining') return state;
      return held(incarnation, 'recycling');
    case 'paused':
      return state.kind === 'ready' ? held(incarnation, 'pausing') : state;
    case 'resumed':
      if (state.kind !== 'held' || state.why !== 'pausing') return state;
      return { kind: 'ready', incarnation };
    case 'lost':
      return { kind: 'down', phase: 'backoff', incarnation, nextStartAt: event.nextStartAt };
  }
}

/** The phase that the supervisor told last. */
export function phaseOf(state: Availability): Phase {
  switch (state.kind) {
    case 'down':
      return state.phase;
    case 'ready':
      return 'ready';
    case 'held':
      return state.why === 'draining' ? 'draining' : 'ready';
  }
}

function told(
  state: Availability,
  event: Extract<AvailabilityEvent, { type: 'told' }>,
): Availability {
  const { phase, incarnation, nextStartAt, drains, paused, awayMs = 0 } = event;
  if (phase === 'ready') {
    return paused ? held(incarnation, 'pausing') : { kind: 'ready', incarnation };
  }
  const stillDrains = state.kind === 'held' && state.why === 'draining';
  if (phase === 'draining' && (drains || stillDrains)) return held(incarnation, 'draining');
  const down = { kind: 'down', phase, incarnation, nextStartAt } as const;
  return awayMs === 0 ? down : { ...down, awayMs };
}

function held(incarnation: number, why: Hold): Availability {
  return { kind: 'held', incarnation, why };
}
