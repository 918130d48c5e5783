/** The JSON of `rea status --json`: keys as documented, names of the reference first. */
import { causeOf } from '../causes/causes.ts';
import type { Facts } from './collect.ts';
import type { Instance } from './evidence.ts';
import type { Gateway } from './gateways.ts';
import type { DownstreamView, StateView } from './state-file.ts';
import type { Verdict } from './verdict.ts';

/** Grows when a key changes its meaning or goes; further keys may come without. */
const SCHEMA = 1;

/** The object that `rea status --json` prints. */
export function statusReport(facts: Facts, verdict: Verdict) {
  const { instances, ageMs, pid } = facts.evidence;
  const owner = verdict.gateways.find((one) => one.owner) ?? null;
  const { endpoint, ...picture } = pictureReport(owner);
  return {
    schema: SCHEMA,
    situation: verdict.situation,
    exit_code: verdict.exitCode,
    base_dir: facts.baseDir,
    serve: {
      running: verdict.running,
      pid,
      stale: verdict.stale,
      session_id: owner?.view?.sessionId ?? null,
      ...picture,
      endpoint: owner?.instance == null ? endpoint : endpointOf(owner.instance),
      age_ms: ageMs,
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
      floor: facts.policy.floor,
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
  const { instance } = one;
  const { endpoint, started_at, ...picture } = pictureReport(one);
  return {
    session_id: one.sessionId,
    pid: one.pid,
    alive: one.alive,
    owner: one.owner,
    situation: one.situation,
    started_at: started_at ?? instance?.startedAt ?? null,
    parent_pid: instance?.parentPid ?? null,
    endpoint: instance === null ? endpoint : endpointOf(instance),
    ...picture,
    audit_tail_valid: instance?.auditTail ?? null,
    age_ms: one.ageMs,
  };
}

/** What a gateway has written about itself: its servers, its clients, its own state. */
function pictureReport(one: Gateway | null) {
  const view = one?.view ?? null;
  if (one === null || view === null) return NO_PICTURE;
  const { main } = view;
  return {
    started_at: view.startedAt,
    metrics_port: view.metricsPort,
    downstreams: downstreamsOf(view, one.situation === 'dead'),
    disabled: view.disabled,
    left_out: view.leftOut,
    reload: view.reload,
    audit: view.audit,
    definitions: view.definitions,
    updated_at: view.updatedAt,
    version: view.version,
    endpoint: view.endpoint,
    clients: view.clients,
    sessions: view.sessions,
    main: {
      state: main.state,
      stalled_since: main.stalledSince,
      loop_lag_ms: main.loopLagMs,
    },
  };
}

const NO_PICTURE = {
  started_at: null,
  metrics_port: null,
  downstreams: null,
  disabled: [],
  left_out: [],
  reload: null,
  audit: null,
  definitions: null,
  updated_at: null,
  version: null,
  endpoint: null,
  clients: [],
  sessions: 0,
  main: null,
} as const;

function downstreamsOf({ downstreams }: StateView, dead: boolean) {
  return downstreams?.map((one) => serverReport(one, dead)) ?? null;
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

function endpointOf({ stdio, http, auth, tokenFile }: Instance) {
  return { stdio, http, auth, token_file: tokenFile };
}
