/**
 * Judges the evidence on the disk and in the process table: one situation, and the exit code of
 * `rea status`. Pure.
 */
import type { Liveness } from '../../shared/model/process-identity.ts';
import type { EndpointRecord } from '../../shared/model/snapshot.ts';
import type { DownstreamView, StateView } from './state-file.ts';
import { countWaiting } from './waiting.ts';

/** The state file as it was found. */
export type StateFile =
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'read'; readonly view: StateView; readonly mtimeMs: number };

/** One `run/<session_id>.json`. */
export interface Instance {
  readonly sessionId: string;
  readonly pid: number | null;
  /** Null: it runs in another pid namespace and cannot be judged. */
  readonly alive: boolean | null;
  /** True when the state file names it. */
  readonly owner: boolean;
  readonly startedAt: string | null;
  readonly stdio: boolean;
  readonly http: string | null;
  readonly auth: EndpointRecord['auth'];
  /** Its token file, and its directory outside of the project, as written in the record. */
  readonly tokenFile: string | null;
  readonly stateDir: string | null;
  readonly logFile: string | null;
}

export interface Evidence {
  readonly state: StateFile;
  /** Liveness of the process named by the state file or `serve.pid`; `none`: neither names one. */
  readonly owner: Liveness | 'none';
  /** Milliseconds since the state file was written; null when it holds no time. */
  readonly ageMs: number | null;
  readonly instances: readonly Instance[];
  /** Milliseconds since the youngest living instance started; null without a living one. */
  readonly youngestMs: number | null;
  readonly haltActive: boolean;
}

/**
 * `running`: the owner lives and writes. `stale`: it lives and has stopped writing. `starting`: a gateway
 * lives and has not written yet, or is about to take over. `silent`: a gateway lives and should have
 * written long ago. `dead`: the owner is gone and left its last state file. `none`: there is no gateway.
 */
export type Situation = 'running' | 'stale' | 'starting' | 'silent' | 'dead' | 'none';

export interface Verdict {
  readonly situation: Situation;
  /** The owner of the state file lives. */
  readonly running: boolean;
  /** A gateway lives and the state file is too old to be true. */
  readonly stale: boolean;
  readonly exitCode: 0 | 1 | 3 | 4;
}

const DEFAULT_HEARTBEAT_MS = 5000;
const MISSED_HEARTBEATS = 3;

export function judgeStatus(evidence: Evidence): Verdict {
  const situation = situationOf(evidence);
  const writing = situation === 'running' || situation === 'stale';
  return {
    situation,
    running: writing || evidence.owner === 'alive',
    stale: situation === 'stale' || situation === 'silent',
    exitCode: exitCode(situation, evidence),
  };
}

function situationOf(evidence: Evidence): Situation {
  const { state, owner, ageMs, youngestMs } = evidence;
  const patience =
    MISSED_HEARTBEATS * (state.kind === 'read' ? state.view.heartbeatMs : DEFAULT_HEARTBEAT_MS);
  // A time in the future was written before the clock was set back: it counts as old.
  const old = ageMs !== null && Math.abs(ageMs) > patience;
  if (state.kind === 'read') {
    // Unknown: it runs in another pid namespace, and its writes are the only sign of life.
    const lives = owner === 'alive' || (owner === 'unknown' && ageMs !== null && !old);
    if (lives) return old ? 'stale' : 'running';
    if (youngestMs === null) return 'dead';
    return old ? 'silent' : 'starting';
  }
  if (youngestMs !== null) {
    return state.kind === 'malformed' || youngestMs > patience ? 'silent' : 'starting';
  }
  return owner === 'alive' ? 'silent' : 'none';
}

function exitCode(situation: Situation, evidence: Evidence): Verdict['exitCode'] {
  switch (situation) {
    case 'running':
      return evidence.haltActive || waits(evidence.state) || !allServing(evidence.state) ? 1 : 0;
    case 'starting':
      return 1;
    case 'stale':
    case 'silent':
    case 'dead':
      return 4;
    case 'none':
      return 3;
    default:
      return situation satisfies never;
  }
}

/** True when servers wait for a person, or the file has problems: then not all is well. */
function waits(state: StateFile): boolean {
  if (state.kind !== 'read') return false;
  const { reload } = state.view;
  return countWaiting(reload) > 0 || reload.problems !== null;
}

function allServing(state: StateFile): boolean {
  if (state.kind !== 'read' || state.view.downstreams === null) return false;
  const { legacy, main, downstreams } = state.view;
  if (!legacy && main.state !== 'running') return false;
  return downstreams.every((one) => isServing(one, legacy));
}

/** True when calls to a server go through. State files before schema 2 have no phases. */
export function isServing(one: DownstreamView, legacy: boolean): boolean {
  if (one.circuit_state !== 'closed') return false;
  if (legacy && one.phase === null) return one.connected && one.healthy;
  return one.phase === 'ready' || one.phase === 'idle';
}
