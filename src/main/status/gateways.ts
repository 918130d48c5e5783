/** The gateways of a directory, each once: who it is, what it shows of itself, and in what situation it is. Pure. */

import type { Evidence, Instance } from './evidence.ts';
import { DEFAULT_HEARTBEAT_MS, type StateView } from './state-file.ts';
import { sinceMs } from './words.ts';

/**
 * `running`: it lives and writes. `stale`: it lives and has stopped writing. `starting`: it lives and has not
 * written yet. `silent`: it lives and should have written long ago. `dead`: it is gone without a clean stop.
 */
export type GatewaySituation = 'running' | 'stale' | 'starting' | 'silent' | 'dead';

export interface Gateway {
  readonly sessionId: string | null;
  readonly pid: number | null;
  /** Null: it runs in another pid namespace, and only its writes show that it lives. */
  readonly alive: boolean | null;
  /** The state file is its picture. */
  readonly owner: boolean;
  readonly situation: GatewaySituation;
  /** Its record; null when only the state file names it. */
  readonly instance: Instance | null;
  /** What it shows of itself; null when that cannot be read. */
  readonly view: StateView | null;
  readonly ageMs: number | null;
}

const MISSED_HEARTBEATS = 3;

/** The owner of the state file first, then the others in the order in which they have started. */
export function gatewaysOf(evidence: Evidence): Gateway[] {
  const { state, instances } = evidence;
  const view = state.kind === 'read' ? state.view : null;
  const owner = instances.find((one) => one.owner) ?? null;
  const others = instances
    .filter((one) => one !== owner)
    .map((one) => gatewayOf(evidence, one, one.picture))
    .sort((a, b) => startOf(a) - startOf(b));
  return view === null && owner === null ? others : [ownerOf(evidence, owner, view), ...others];
}

export function lives({ situation }: Gateway): boolean {
  return situation !== 'dead';
}

/** The state file may name its owner more precisely than the record does. */
function ownerOf(evidence: Evidence, instance: Instance | null, view: StateView | null): Gateway {
  const life = evidence.owner;
  const alive = life === 'unknown' ? null : life === 'alive';
  const sessionId = view?.sessionId ?? instance?.sessionId ?? null;
  const pid = view?.ownerPid ?? instance?.pid ?? evidence.pid;
  const { ageMs } = evidence;
  const situation = situationOf(evidence, alive, { view, ageMs, instance });
  return { sessionId, pid, alive, owner: true, situation, instance, view, ageMs };
}

function gatewayOf({ now }: Evidence, instance: Instance, view: StateView | null): Gateway {
  const { sessionId, pid, alive } = instance;
  const ageMs = sinceMs(view?.updatedAt ?? null, now);
  const situation = situationOf({ now }, alive, { view, ageMs, instance });
  return { sessionId, pid, alive, owner: false, situation, instance, view, ageMs };
}

function situationOf(
  { now }: Pick<Evidence, 'now'>,
  alive: boolean | null,
  { view, ageMs, instance }: Pick<Gateway, 'view' | 'ageMs' | 'instance'>,
): GatewaySituation {
  const patience = MISSED_HEARTBEATS * (view?.heartbeatMs ?? DEFAULT_HEARTBEAT_MS);
  // A time in the future was written before the clock was set back: it counts as old.
  const old = ageMs !== null && Math.abs(ageMs) > patience;
  if (alive === false) return 'dead';
  if (alive === null) return view !== null && ageMs !== null && !old ? 'running' : 'dead';
  if (view !== null) return old ? 'stale' : 'running';
  // Earlier versions show themselves only when they own the state file.
  if (instance !== null && instance.parentPid === null && !instance.owner) return 'running';
  const since = instance?.startedAt == null ? null : now - Date.parse(instance.startedAt);
  return since !== null && since <= patience ? 'starting' : 'silent';
}

function startOf({ instance }: Gateway): number {
  return instance?.startedAt == null ? Number.POSITIVE_INFINITY : Date.parse(instance.startedAt);
}
