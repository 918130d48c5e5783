/**
 * Reads `serve.state.json` for `rea status`: each field on its own, a malformed one as null, false or 0.
 * Also reads files of earlier gateways, which have no owner, no phases, or no downstreams.
 */
import type { ExitReason, ProcessIdentity } from '../../shared/model/snapshot.ts';
import {
  bool,
  count,
  type Fields,
  fieldsOf,
  identityOf,
  iso,
  listOf,
  measure,
  oneOf,
  parseJson,
  pidOf,
  text,
  whole,
} from '../processes/fields.ts';
import { type AuditWriterView, auditWriterView } from './audit-writer.ts';
import { type DefinitionsView, definitionsView } from './definitions.ts';
import { type ReloadView, reloadView } from './waiting.ts';

const PHASES = [
  'idle',
  'starting',
  'ready',
  'backoff',
  'draining',
  'stopped',
  'failed',
  'blocked',
] as const;
const EXIT_REASONS = [
  'exit',
  'handshake',
  'stall',
  'start_timeout',
  'flood',
  'revision',
  'login',
  'too_large',
  'recycled',
  'stopped',
  'spawn',
  'connect',
  'thread',
] as const satisfies readonly ExitReason[];
export const DEFAULT_HEARTBEAT_MS = 5000;
const MOST_CLIENTS = 64;
const MOST_DISABLED = 1000;

/** One server of the file as far as it can be read; the keys of `rea status --json`. */
export type DownstreamView = ReturnType<typeof downstreamView>;
export type LastExitView = NonNullable<DownstreamView['last_exit']>;

/** A client as it has named itself; the keys of `rea status --json`. */
export interface ClientView {
  readonly name: string;
  readonly version: string | null;
}

/** The whole file as far as it can be read. */
export interface StateView {
  /** Written in a format before schema 2: no start time, no phases. */
  readonly legacy: boolean;
  readonly sessionId: string | null;
  readonly startedAt: string | null;
  readonly updatedAt: string | null;
  readonly ownerPid: number | null;
  readonly owner: ProcessIdentity | null;
  readonly metricsPort: number | null;
  /** Null when the file has none (rea before 0.9) or something else in its place. */
  readonly downstreams: readonly DownstreamView[] | null;
  readonly heartbeatMs: number;
  readonly version: string | null;
  readonly endpoint: { readonly stdio: boolean; readonly http: string | null };
  readonly main: {
    readonly state: 'running' | 'stalled' | null;
    readonly stalledSince: string | null;
    readonly loopLagMs: number | null;
  };
  readonly priority: string | null;
  readonly sessions: number;
  readonly clients: readonly ClientView[];
  /** Servers of the configuration that are not enabled. */
  readonly disabled: readonly string[];
  /** Servers that clients without a session do not see. */
  readonly leftOut: readonly string[];
  readonly reload: ReloadView;
  /** Null: the gateway is older than the audit log. */
  readonly audit: AuditWriterView | null;
  readonly definitions: DefinitionsView;
  readonly writeErrors: { readonly count: number; readonly last: string | null } | null;
}

/** Reads the text of a state file. Null when it is no JSON object. */
export function parseState(json: string): StateView | null {
  const state = fieldsOf(parseJson(json));
  if (state === null) return null;
  const main = fieldsOf(state['main']) ?? {};
  const endpoint = fieldsOf(state['endpoint']) ?? {};
  const writeErrors = fieldsOf(state['write_errors']);
  const owner = identityOf(state['owner']);
  return {
    legacy: state['schema'] === undefined,
    sessionId: text(state['session_id']),
    startedAt: iso(state['started_at']),
    updatedAt: iso(state['updated_at']),
    ownerPid: owner?.pid ?? pidOf(state['owner_pid']),
    owner,
    metricsPort: whole(state['metrics_port']),
    downstreams:
      listOf(state['downstreams'])?.map((one) => downstreamView(fieldsOf(one) ?? {})) ?? null,
    heartbeatMs: whole(state['heartbeat_ms']) || DEFAULT_HEARTBEAT_MS,
    version: text(state['gateway_version']),
    endpoint: { stdio: bool(endpoint['stdio']), http: text(endpoint['http']) },
    main: {
      state: oneOf(['running', 'stalled'], main['state']),
      stalledSince: iso(main['stalled_since']),
      loopLagMs: measure(main['loop_lag_ms']),
    },
    priority: text(state['priority']),
    sessions: count(state['sessions']),
    clients: (listOf(state['clients']) ?? []).slice(0, MOST_CLIENTS).flatMap(clientView),
    disabled: (listOf(state['disabled']) ?? []).slice(0, MOST_DISABLED).flatMap(nameOf),
    leftOut: (listOf(state['left_out']) ?? []).slice(0, MOST_DISABLED).flatMap(nameOf),
    reload: reloadView(state['reload']),
    audit: auditWriterView(state['audit']),
    definitions: definitionsView(state['definitions']),
    writeErrors:
      writeErrors === null
        ? null
        : { count: count(writeErrors['count']), last: text(writeErrors['last']) },
  };
}

function clientView(value: unknown): ClientView[] {
  const fields = fieldsOf(value);
  const name = text(fields?.['name']);
  return name === null ? [] : [{ name, version: text(fields?.['version']) }];
}

function nameOf(value: unknown): string[] {
  const name = text(value);
  return name === null ? [] : [name];
}

function downstreamView(one: Fields) {
  const thread = fieldsOf(one['thread']) ?? {};
  return {
    name: text(one['name']),
    connected: bool(one['connected']),
    healthy: bool(one['healthy']),
    circuit_state: oneOf(['closed', 'open', 'half-open'], one['circuit_state']),
    retry_at: iso(one['retry_at']),
    last_error: text(one['last_error']),
    tools_count: whole(one['tools_count']),
    protocol_version: text(one['protocol_version']),
    open_transitions: count(one['open_transitions']),
    session_blocker_emitted: bool(one['session_blocker_emitted']),
    connection_state: oneOf(['never', 'ok', 'errored'], one['connection_state']),
    phase: oneOf(PHASES, one['phase']),
    since: iso(one['since']),
    pid: pidOf(one['pid']),
    pgid: pidOf(one['pgid']),
    child_started: text(one['child_started']),
    incarnation: count(one['incarnation']),
    restarts: count(one['restarts']),
    last_exit: lastExitView(one['last_exit']),
    next_restart_at: iso(one['next_restart_at']),
    in_flight: count(one['in_flight']),
    queued: count(one['queued']),
    calls: count(one['calls']),
    errors: count(one['errors']),
    p50_ms: measure(one['p50_ms']),
    p99_ms: measure(one['p99_ms']),
    rss_mb: measure(one['rss_mb']),
    cpu_percent: measure(one['cpu_percent']),
    cpu_ms: measure(one['cpu_ms']),
    noise_lines: count(one['noise_lines']),
    withheld: count(one['withheld']),
    withheld_why: text(one['withheld_why']),
    left_running: leftView(one['left_running']),
    share: oneOf(['normal', 'low'], one['share']),
    name_collisions: count(one['name_collisions']),
    thread: {
      state: oneOf(['running', 'stalled', 'crashed', 'restarting'], thread['state']),
      restarts: count(thread['restarts']),
      heap_mb: measure(thread['heap_mb']),
      mates: count(thread['mates']),
      held_up: text(thread['held_up']),
    },
  };
}

/** What was left alone when a server ended. */
export function leftView(value: unknown) {
  return (listOf(value) ?? []).slice(0, 64).flatMap((entry) => {
    const left = fieldsOf(entry);
    const pid = pidOf(left?.['pid']);
    return pid === null ? [] : [{ pid, program: text(left?.['program']) ?? '' }];
  });
}

/** How a server ended, or null when the file does not say it. */
export function lastExitView(value: unknown) {
  const exit = fieldsOf(value);
  if (exit === null) return null;
  return {
    code: whole(exit['code']),
    signal: text(exit['signal']),
    at: iso(exit['at']),
    reason: oneOf(EXIT_REASONS, exit['reason']),
    detail: text(exit['detail']),
    stderr_tail: text(exit['stderr_tail']) ?? '',
  };
}
