/** The JSON of `rea status --json`: keys as documented, names of the reference first. */
import type { Facts } from './collect.ts';
import type { Verdict } from './verdict.ts';

/** The object that `rea status --json` prints. */
export function statusReport(facts: Facts, verdict: Verdict) {
  const { state, instances, ageMs } = facts.evidence;
  const view = state.kind === 'read' ? state.view : null;
  return {
    base_dir: facts.baseDir,
    serve: {
      running: verdict.running,
      pid: facts.pid,
      stale: verdict.stale,
      session_id: view?.sessionId ?? null,
      started_at: view?.startedAt ?? null,
      metrics_port: view?.metricsPort ?? null,
      downstreams: view?.downstreams ?? null,
      reload: view?.reload ?? null,
      updated_at: view?.updatedAt ?? null,
      age_ms: ageMs,
      instances: instances.map((one) => ({
        session_id: one.sessionId,
        pid: one.pid,
        alive: one.alive,
        owner: one.owner,
        started_at: one.startedAt,
        endpoint: {
          stdio: one.stdio,
          http: one.http,
          auth: one.auth,
          token_file: one.tokenFile,
        },
        state_dir: one.stateDir,
        log_file: one.logFile,
      })),
      older_state_dirs: facts.olderStates.map(({ dir, project }) => ({ dir, project })),
    },
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
