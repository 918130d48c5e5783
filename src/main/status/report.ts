/** The JSON of `rea status --json`: keys as documented, names of the reference first. */
import { causeOf } from '../causes/causes.ts';
import type { Facts } from './collect.ts';
import type { Gateway } from './gateways.ts';
import type { DownstreamView } from './state-file.ts';
import type { Instance, Verdict } from './verdict.ts';

/** Grows when a key changes its meaning or goes; further keys may come without. */
const SCHEMA = 1;

/** The object that `rea status --json` prints. */
export function statusReport(facts: Facts, verdict: Verdict) {
  const { instances, ageMs, pid } = facts.evidence;
  const owner = verdict.gateways.find((one) => one.owner) ?? null;
  const view = owner?.view ?? null;
  return {
    schema: SCHEMA,
    situation: verdict.situation,
    exit_code: verdict.exitCode,
    base_dir: facts.baseDir,
    serve: {
      running: verdict.running,
      pid,
      stale: verdict.stale,
      session_id: view?.sessionId ?? null,
      started_at: view?.startedAt ?? null,
      metrics_port: view?.metricsPort ?? null,
      downstreams: owner === null ? null : downstreamsOf(owner),
      reload: view?.reload ?? null,
      updated_at: view?.updatedAt ?? null,
      age_ms: ageMs,
      version: view?.version ?? null,
      endpoint: view?.endpoint ?? null,
      clients: view?.clients ?? [],
      sessions: view?.sessions ?? 0,
      disabled: view?.disabled ?? [],
      main: view === null ? null : mainOf(view.main),
      instances: instances.map((one) => ({
        session_id: one.sessionId,
        pid: one.pid,
        alive: one.alive,
        owner: one.owner,
        started_at: one.startedAt,
        endpoint: endpointOf(one),
        state_dir: one.stateDir,
        log_file: one.logFile,
      })),
      older_state_dirs: facts.olderStates.map(({ dir, project }) => ({ dir, project })),
    },
    gateways: verdict.gateways.map(gatewayReport),
    policy: {
      profile: facts.policy.profile,
      autonomy_level: facts.policy.autonomyLevel,
      blocked_paths_count: facts.policy.blockedPaths,
      halt_active: facts.halt.active,
      halt_reason: facts.halt.reason,
    },
    audit: {
      present: facts.audit.present,
      lines: facts.audit.lines,
      last_timestamp: facts.audit.lastTimestamp,
      tail_hash_looks_valid: facts.audit.tailHashLooksValid,
    },
  };
}

/** One gateway with all that it shows of itself. */
function gatewayReport(one: Gateway) {
  const { view, instance } = one;
  return {
    session_id: one.sessionId,
    pid: one.pid,
    alive: one.alive,
    owner: one.owner,
    situation: one.situation,
    started_at: view?.startedAt ?? instance?.startedAt ?? null,
    parent_pid: instance?.parentPid ?? null,
    version: view?.version ?? null,
    endpoint: instance === null ? (view?.endpoint ?? null) : endpointOf(instance),
    clients: view?.clients ?? [],
    sessions: view?.sessions ?? 0,
    main: view === null ? null : mainOf(view.main),
    updated_at: view?.updatedAt ?? null,
    age_ms: one.ageMs,
    reload: view?.reload ?? null,
    disabled: view?.disabled ?? [],
    downstreams: downstreamsOf(one),
  };
}

function downstreamsOf({ view, situation }: Gateway) {
  return view?.downstreams?.map((one) => serverReport(one, situation === 'dead')) ?? null;
}

/** The servers of a dead gateway have ended with it, whatever its last picture says. */
function serverReport(one: DownstreamView, dead: boolean) {
  const cause = causeOf(one);
  return {
    ...one,
    connected: one.connected && !dead,
    healthy: one.healthy && !dead,
    cause: cause?.why ?? null,
    action: dead ? null : (cause?.action ?? null),
  };
}

function mainOf(main: NonNullable<Gateway['view']>['main']) {
  return { state: main.state, stalled_since: main.stalledSince, loop_lag_ms: main.loopLagMs };
}

function endpointOf({ stdio, http, auth, tokenFile }: Instance) {
  return { stdio, http, auth, token_file: tokenFile };
}
