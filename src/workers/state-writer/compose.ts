/** Makes the snapshot of a gateway's state file from facts and the writer's own observations. Pure. */
import { AUDIT_OFF } from '../../shared/model/audit.ts';
import { IDLE } from '../../shared/model/idle.ts';
import type {
  DownstreamSnapshot,
  EndpointRecord,
  StateSnapshot,
} from '../../shared/model/snapshot.ts';
import type { MainFact } from '../../shared/protocol/facts.ts';
import type { StateWriterData } from '../../shared/protocol/threads.ts';
import type { TreeUsage } from '../../shared/protocol/usage.ts';
import type { Ledger } from './ledger.ts';

/** The fields of the snapshot that the writer itself owns. */
export interface OwnFields {
  readonly seq: number;
  /** ISO. */
  readonly updatedAt: string;
  readonly mainState: 'running' | 'stalled';
  /** ISO, null unless stalled. */
  readonly stalledSince: string | null;
  /** By process group. */
  readonly usage: ReadonlyMap<number, TreeUsage>;
  /** Null while there was none. */
  readonly writeErrors: { readonly count: number; readonly last: string } | null;
}

const NO_ENDPOINT: EndpointRecord = { stdio: false, http: null, auth: null, token_file: null };
/** Until main has said it. */
const NOTHING_TOLD: Omit<MainFact, 'type' | 'rev' | 'servers'> = {
  endpoint: NO_ENDPOINT,
  loopLagMs: 0,
  priority: 'none',
  sessions: 0,
  clients: [],
  disabled: [],
  leftOut: [],
  halt: { active: false, reason: null },
  reload: { problems: null, waiting: [], more: 0 },
  audit: AUDIT_OFF,
  definitions: { withheld: [], more: 0, changed: [], findings: [] },
};
const LONGEST_ERROR = 4096;
const LONGEST_TAIL = 2048;
const LONGEST_DETAIL = 1024;

export function compose(data: StateWriterData, ledger: Ledger, own: OwnFields): StateSnapshot {
  const main = ledger.main ?? NOTHING_TOLD;
  return {
    session_id: data.sessionId,
    started_at: data.startedAt,
    metrics_port: data.metricsPort,
    downstreams: ledger
      .lanes(data.servers)
      .map((name) => downstream(name, data, ledger, own.usage)),
    updated_at: own.updatedAt,
    owner_pid: data.identity.pid,
    schema: 2,
    seq: own.seq,
    owner: data.identity,
    gateway_version: data.gatewayVersion,
    endpoint: main.endpoint,
    main: {
      state: own.mainState,
      stalled_since: own.stalledSince,
      loop_lag_ms: main.loopLagMs,
    },
    priority: main.priority,
    sessions: main.sessions,
    clients: main.clients,
    disabled: main.disabled,
    left_out: main.leftOut,
    halt: main.halt,
    reload: main.reload,
    audit: main.audit,
    definitions: main.definitions,
    heartbeat_ms: data.heartbeatMs,
    ...(own.writeErrors === null ? {} : { write_errors: own.writeErrors }),
  };
}

/** The text of the file; `seq` and `updated_at` aside, equal texts say the same. */
export function render(snapshot: StateSnapshot): string {
  return `${JSON.stringify(snapshot, null, 2)}\n`;
}

function downstream(
  name: string,
  data: StateWriterData,
  ledger: Ledger,
  usages: ReadonlyMap<number, TreeUsage>,
): DownstreamSnapshot {
  const record = ledger.supervisor(name) ?? { ...IDLE, since: data.startedAt };
  const routing = ledger.routing(name);
  const usage = record.pgid === null ? undefined : usages.get(record.pgid);
  const connected = record.phase === 'ready';
  const lastExit = record.last_exit;
  return {
    name,
    connected,
    healthy: connected && routing.circuit_state === 'closed',
    circuit_state: routing.circuit_state,
    retry_at: routing.retry_at,
    last_error: record.last_error?.slice(0, LONGEST_ERROR) ?? null,
    tools_count: record.tools_count,
    protocol_version: record.protocol_version,
    open_transitions: routing.open_transitions,
    session_blocker_emitted: routing.session_blocker_emitted,
    connection_state: record.connection_state,
    phase: record.phase,
    since: record.since,
    pid: record.pid,
    pgid: record.pgid,
    child_started: record.child_started,
    incarnation: record.incarnation,
    restarts: record.restarts,
    last_exit: lastExit && {
      ...lastExit,
      detail: lastExit.detail?.slice(0, LONGEST_DETAIL) ?? null,
      stderr_tail: lastExit.stderr_tail.slice(-LONGEST_TAIL),
    },
    next_restart_at: record.next_restart_at,
    in_flight: routing.in_flight,
    queued: routing.queued,
    calls: routing.calls,
    errors: routing.errors,
    p50_ms: routing.p50_ms,
    p99_ms: routing.p99_ms,
    rss_mb: usage?.rssMb ?? null,
    cpu_percent: usage?.cpuPercent ?? null,
    cpu_ms: usage?.cpuMs ?? null,
    noise_lines: record.noise_lines,
    withheld: record.withheld,
    withheld_why: record.withheld_why?.slice(0, LONGEST_ERROR) ?? null,
    left_running: record.left_running,
    thread: routing.thread,
    share: routing.share,
    name_collisions: routing.name_collisions,
  };
}
