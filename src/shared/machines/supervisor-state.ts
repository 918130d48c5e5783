/**
 * The state, inputs and effects of the supervisor machine, for the life of one server. Types and small
 * readers; the machine itself is in supervisor.ts.
 */
import type { ServerConfig } from '../model/config.ts';
import type { Phase } from '../model/errors.ts';
import type { DeathReason, ServerFeatures, SupervisorEvent } from '../model/server.ts';
import { initialRestart, type RestartState } from './restart.ts';

/** The settings of a server that decide its life. */
export type SupervisorPolicy = Pick<ServerConfig, 'restart' | 'startTimeoutMs' | 'unavailable'>;

/** The part of the state that is kept from phase to phase. */
export interface Memory {
  /** Counts starts; 0 before the first. Inputs of an older incarnation are dropped. */
  readonly incarnation: number;
  readonly restarts: number;
  readonly ticket: 'none' | 'wanted' | 'held';
  readonly deaths: RestartState;
  readonly connection: 'never' | 'ok' | 'errored';
  /** Null while the server can be reached, as far as is known. */
  readonly absence: Absence | null;
}

/** The time in which a server over HTTP cannot be reached. Times are monotonic, in milliseconds. */
export interface Absence {
  readonly since: number;
  /** When others were told of it last. */
  readonly toldAt: number;
  readonly tries: number;
  /** It was up before, so the tries to reach it count as one restart. */
  readonly again: boolean;
}

type Life =
  | { readonly phase: 'idle' }
  /** `again`: it was up before and did not stop idle, so this start counts as a restart. */
  | { readonly phase: 'starting'; readonly step: 'waiting'; readonly again: boolean }
  | {
      readonly phase: 'starting';
      readonly step: 'handshaking';
      readonly pid: number | null;
      readonly again: boolean;
      /** Time allowed for the start so far, in milliseconds; grows while the server is at work. */
      readonly allowedMs: number;
    }
  | { readonly phase: 'ready'; readonly pid: number | null; readonly stable: boolean }
  /** Its group is being ended, by TERM and then KILL; the next start waits for the leader's exit. */
  | {
      readonly phase: 'dying';
      readonly pid: number | null;
      readonly death: Condemnation;
      readonly step: 'term' | 'kill';
      /** When the step is over, monotonic ms. */
      readonly until: number;
    }
  /** `until` is monotonic, in milliseconds. */
  | { readonly phase: 'backoff'; readonly until: number }
  /** The server is in a crash loop, or (`until` null) cannot be started at all. */
  | { readonly phase: 'failed'; readonly until: number | null }
  | {
      readonly phase: 'draining';
      readonly pid: number | null;
      readonly step: 'eof' | 'term' | 'kill';
      /** When the step is over, monotonic ms. */
      readonly until: number;
      readonly termMs: number;
      /** The phase after its end, or `restart`. */
      readonly into: 'stopped' | Rest;
    }
  | { readonly phase: 'stopped' };

export type SupervisorState = Memory & Life;

/** There is a process, or a connection, that has not been given up. */
export type Up = Extract<SupervisorState, { phase: 'ready' } | { step: 'handshaking' }>;

/** Why a healthy server is recycled: it is not needed now, or has to restart. */
export type Rest = 'idle' | 'restart';

/** Why a living child must go. */
export interface Condemnation {
  readonly reason: DeathReason;
  readonly detail: string;
}

export type SupervisorTimer = 'start' | 'ticket' | 'stable' | 'restart' | 'stop';

/** `random` is in [0, 1) and decides the jitter of the restart that may follow. */
export type SupervisorInput =
  | { readonly type: 'open'; readonly delayMs: number }
  | { readonly type: 'ticket' }
  | { readonly type: 'spawned'; readonly incarnation: number; readonly pid: number }
  | {
      readonly type: 'spawn_failed';
      readonly incarnation: number;
      readonly detail: string;
      readonly random: number;
    }
  /** The MCP handshake is complete. */
  | { readonly type: 'handshaken'; readonly incarnation: number; readonly features: ServerFeatures }
  /** The child lives but must not go on: it refused the handshake, hangs, or floods us with noise. */
  | ({ readonly type: 'condemned'; readonly incarnation: number } & Condemnation)
  /** The leader exited, and its pipes have been read to their end. */
  | {
      readonly type: 'exited';
      readonly incarnation: number;
      readonly code: number | null;
      readonly signal: string | null;
      readonly detail: string;
      readonly random: number;
    }
  /** There is no server at the other end: nobody listens, or there is no way to it. */
  | {
      readonly type: 'away';
      readonly incarnation: number;
      readonly detail: string;
      /** How long it took to find out. */
      readonly waitedMs: number;
      readonly random: number;
    }
  | {
      readonly type: 'noise';
      readonly incarnation: number;
      readonly lines: number;
      readonly sample: string;
    }
  | {
      readonly type: 'timer';
      readonly incarnation: number;
      readonly timer: SupervisorTimer;
      /** True: the server has used the CPU since the timer was set, or has said on stderr how far it is. Only for `start`. */
      readonly busy: boolean;
    }
  /** An idle server is needed. */
  | { readonly type: 'wake' }
  /** Recycle: no call is in flight, and none will be posted until the outcome is told. */
  | {
      readonly type: 'rest';
      readonly incarnation: number;
      readonly into: Rest;
      readonly eofMs: number;
      readonly termMs: number;
    }
  | { readonly type: 'stop'; readonly eofMs: number; readonly termMs: number };

export type SupervisorEffect =
  | { readonly do: 'want_ticket' }
  | { readonly do: 'return_ticket' }
  | { readonly do: 'spawn' }
  | { readonly do: 'end_input' }
  /** `terminate`, `kill`: SIGTERM, SIGKILL to the whole group. */
  | { readonly do: 'terminate' }
  | { readonly do: 'kill' }
  /** Every call of the incarnation that has no answer yet ends here. */
  | { readonly do: 'fail_calls'; readonly detail: string }
  /** Replaces a running timer of the same name. */
  | { readonly do: 'timer'; readonly timer: SupervisorTimer; readonly ms: number }
  /** `state` is the state right after the event, for the record that goes with it. */
  | { readonly do: 'emit'; readonly event: SupervisorEvent; readonly state: SupervisorState };

export type Step = readonly [SupervisorState, readonly SupervisorEffect[]];

/** @param restarts and incarnation go on where an earlier thread left off. */
export function initialSupervisor(incarnation: number, restarts: number): SupervisorState {
  return {
    phase: 'idle',
    incarnation,
    restarts,
    ticket: 'none',
    deaths: initialRestart,
    connection: 'never',
    absence: null,
  };
}

/** The phase shown to others: a child that is being killed counts as gone, and so does an absent server. */
export function phaseOf(state: SupervisorState): Phase {
  return state.phase === 'dying' || isQuiet(state) ? 'backoff' : state.phase;
}

/** True while an absent server is tried again and again: a step that tells no event is nobody's business. */
export function isQuiet({ phase, absence }: SupervisorState): boolean {
  return absence !== null && (phase === 'backoff' || phase === 'starting');
}

/** The child's pid, null when there is none. */
export function pidOf(state: SupervisorState): number | null {
  return 'pid' in state ? state.pid : null;
}

/** True when nothing of the server is left: no process, and no process that still has to end. */
export function isAway(state: SupervisorState): boolean {
  const { phase } = state;
  if (phase === 'starting') return state.step === 'waiting';
  return phase === 'idle' || phase === 'backoff' || phase === 'failed' || phase === 'stopped';
}

/** When the next start is due (monotonic ms), null when none is scheduled. */
export function nextStartOf(state: SupervisorState): number | null {
  return state.phase === 'backoff' || state.phase === 'failed' ? state.until : null;
}

/** The part of the state that goes into the next phase. */
export function memoryOf({
  incarnation,
  restarts,
  ticket,
  deaths,
  connection,
  absence,
}: SupervisorState): Memory {
  return { incarnation, restarts, ticket, deaths, connection, absence };
}

/** Returns a ticket, or withdraws the request for one. */
export function returnTicket(state: SupervisorState): readonly SupervisorEffect[] {
  return state.ticket === 'none' ? [] : [{ do: 'return_ticket' }];
}

export function emit(state: SupervisorState, event: SupervisorEvent): SupervisorEffect {
  return { do: 'emit', event, state };
}
