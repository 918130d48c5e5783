/**
 * Judges the evidence on the disk and in the process table: one situation, and the exit code of
 * `rea status`. Pure.
 */
import { isAuditWrong } from './audit-writer.ts';
import type { Evidence } from './evidence.ts';
import { type Gateway, type GatewaySituation, gatewaysOf, lives } from './gateways.ts';
import type { DownstreamView, StateView } from './state-file.ts';
import { countWaiting } from './waiting.ts';

/** That of the owner of the state file while it lives, else of another gateway; `none`: there is none. */
export type Situation = GatewaySituation | 'none';

export interface Verdict {
  readonly situation: Situation;
  /** The owner of the state file lives. */
  readonly running: boolean;
  /** A gateway lives and the state file is too old to be true. */
  readonly stale: boolean;
  readonly exitCode: 0 | 1 | 3 | 4;
  readonly gateways: readonly Gateway[];
}

/** @param isAsked the servers that the exit code is about; without it all of them. */
export function judgeStatus(evidence: Evidence, isAsked: IsAsked = () => true): Verdict {
  const gateways = gatewaysOf(evidence);
  const situation = situationOf(evidence, gateways);
  const writing = gateways.some(
    (one) => one.owner && (one.situation === 'running' || one.situation === 'stale'),
  );
  return {
    situation,
    running: writing || evidence.owner === 'alive',
    stale: situation === 'stale' || situation === 'silent',
    exitCode: exitCode(situation, evidence, gateways.filter(lives), isAsked),
    gateways,
  };
}

export type IsAsked = (server: DownstreamView) => boolean;

const BEST_FIRST: readonly GatewaySituation[] = ['running', 'stale', 'silent', 'starting'];

function situationOf({ state, owner }: Evidence, gateways: readonly Gateway[]): Situation {
  const living = gateways.filter(lives);
  const first = living.find((one) => one.owner);
  if (first !== undefined) return first.situation;
  const best = BEST_FIRST.find((one) => living.some(({ situation }) => situation === one));
  if (best !== undefined) return best;
  if (state.kind === 'read') return 'dead';
  return owner === 'alive' ? 'silent' : 'none';
}

function exitCode(
  situation: Situation,
  { state, haltActive }: Evidence,
  living: readonly Gateway[],
  isAsked: IsAsked,
): Verdict['exitCode'] {
  if (situation === 'none') return 3;
  if (situation === 'dead') return 4;
  const isQuiet = situation === 'stale' || situation === 'silent';
  if (isQuiet || living.some((one) => one.situation === 'stale' || one.situation === 'silent')) {
    return 4;
  }
  const well = living.every((one) => isWell(one, isAsked));
  return well && !haltActive && state.kind !== 'malformed' ? 0 : 1;
}

/** An older gateway shows nothing unless it owns the state file; that says nothing about its servers. */
function isWell({ situation, view, owner, instance }: Gateway, isAsked: IsAsked): boolean {
  if (situation !== 'running' || instance?.auditTail === false) return false;
  if (view === null) return !owner;
  return !waits(view) && allServing(view, isAsked);
}

/** True when servers wait for a person, the file has problems, or records are missing: then not all is well. */
function waits({ audit, reload }: StateView): boolean {
  return countWaiting(reload) > 0 || reload.problems !== null || isAuditWrong(audit);
}

function allServing({ legacy, main, downstreams }: StateView, isAsked: IsAsked): boolean {
  if (downstreams === null) return false;
  if (!legacy && main.state !== 'running') return false;
  return downstreams.filter(isAsked).every((one) => isServing(one, legacy));
}

/** True when calls to a server go through. State files before schema 2 have no phases. */
export function isServing(one: DownstreamView, legacy: boolean): boolean {
  if (one.circuit_state !== 'closed') return false;
  if (legacy && one.phase === null) return one.connected && one.healthy;
  return one.phase === 'ready' || one.phase === 'idle';
}
