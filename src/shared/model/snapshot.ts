/**
 * The shape of `.rea/serve.state.json` (schema 2) and of the records it is made of. Types only.
 * Every field has one owner: the supervisor, main, or the state writer itself.
 */
import type { AuditRecord } from './audit.ts';
import type { Phase } from './errors.ts';
import type { DefinitionKind } from './findings.ts';

/** The share of the CPU in force for a server, against the other servers. */
export type Share = 'normal' | 'low';

export type CircuitState = 'closed' | 'open' | 'half-open';

/** The identity of a process: a pid alone can be reused. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot (field 22 of /proc/<pid>/stat), or `ps` text elsewhere. */
  readonly start_time: string;
  readonly boot_id: string;
  readonly pid_ns: string;
}

/**
 * Why a server was gone the last time. By itself: `exit`, during the handshake `handshake`. Ended by the gateway:
 * `stall` (hung), `start_timeout`, `flood` (of output), `revision` (speaks only later ones), `login` (a person has to log in), `too_large` (of memory),
 * `recycled` (not used), `stopped`. Never there: `spawn` (not started), `connect` (not reached). `thread`: its
 * supervisor thread was lost.
 */
export type ExitReason =
  | 'exit'
  | 'handshake'
  | 'stall'
  | 'start_timeout'
  | 'flood'
  | 'revision'
  | 'login'
  | 'too_large'
  | 'recycled'
  | 'stopped'
  | 'spawn'
  | 'connect'
  | 'thread';

export interface LastExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** ISO. */
  readonly at: string;
  readonly reason: ExitReason;
  /** In words, the server's own first; redacted, at most 1024 UTF-16 units. Null when the reason says it all. */
  readonly detail: string | null;
  /** Last lines of stderr, redacted, at most 2048 UTF-16 units. */
  readonly stderr_tail: string;
}

/** A process that was left alone when its server ended: a person's program, or all of it with `detached: leave`. */
export interface LeftProcess {
  readonly pid: number;
  /** Name without path, at most 64 UTF-16 units. */
  readonly program: string;
}

/** Owned by the supervisor of the server. Always complete, never a delta. Times are ISO. */
export interface SupervisorRecord {
  readonly phase: Phase;
  readonly since: string;
  readonly pid: number | null;
  readonly pgid: number | null;
  readonly child_started: string | null;
  readonly incarnation: number;
  readonly restarts: number;
  readonly last_exit: LastExit | null;
  readonly next_restart_at: string | null;
  /** Redacted, at most 4096 UTF-16 units. */
  readonly last_error: string | null;
  readonly connection_state: 'never' | 'ok' | 'errored';
  /** Tools of the current catalogue, null while none was ever fetched. */
  readonly tools_count: number | null;
  /** The revision of MCP that was agreed on last; null: none was yet. */
  readonly protocol_version: string | null;
  /** Lines of stdout that were not protocol messages, in this run. */
  readonly noise_lines: number;
  /** Entries of its lists that are not passed on: clients would refuse them, or they are too many or too long. */
  readonly withheld: number;
  /** Which these are and why, and what else of a list is missing; redacted, at most 4096 UTF-16 units. */
  readonly withheld_why: string | null;
  /** What was left alone at the end of its last process, at most 16. */
  readonly left_running: readonly LeftProcess[];
}

export interface ThreadRecord {
  readonly state: 'running' | 'stalled' | 'crashed' | 'restarting';
  readonly restarts: number;
  readonly heap_mb: number | null;
  /** Number of other servers in the thread. */
  readonly mates: number;
  /** Why the server has, or is to have, a thread of its own: it has held up others. Null: it has not. */
  readonly held_up: string | null;
}

/** Owned by main, one for each server. */
export interface RoutingRecord {
  readonly circuit_state: CircuitState;
  readonly retry_at: string | null;
  readonly open_transitions: number;
  readonly session_blocker_emitted: boolean;
  readonly in_flight: number;
  readonly queued: number;
  readonly calls: number;
  readonly errors: number;
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  readonly thread: ThreadRecord;
}

/** Owned by main: facts about calls, the share of the process, and name collisions. */
export interface LaneRecord extends RoutingRecord {
  readonly share: Share;
  /** Number of its tools, prompts, resources and templates that others own: renamed, or not listed. */
  readonly name_collisions: number;
}

/** One entry of `downstreams`. */
export interface DownstreamSnapshot extends SupervisorRecord, LaneRecord {
  readonly name: string;
  readonly connected: boolean;
  readonly healthy: boolean;
  readonly rss_mb: number | null;
  /** Percent of one core, in the last interval; null while it is not known. */
  readonly cpu_percent: number | null;
  /** CPU time of the process tree so far. */
  readonly cpu_ms: number | null;
}

/** How clients reach a gateway. */
export interface EndpointRecord {
  readonly stdio: boolean;
  /** The URL of the MCP endpoint; null without HTTP. */
  readonly http: string | null;
  /** `none`: HTTP clients need no token. `token`: there is one. `tokens`: several. Null without HTTP. */
  readonly auth: 'none' | 'token' | 'tokens' | null;
  /** Absolute path of the file that holds the tokens; never a token. */
  readonly token_file: string | null;
}

/** A client as it has named itself in `initialize`. */
export interface ClientRecord {
  /** Without characters that cannot be seen, at most 64 UTF-16 units, like the version. */
  readonly name: string;
  readonly version: string | null;
}

/** A server with a program or address that a person has to accept before it is started or reached. */
export interface WaitingServer {
  readonly name: string;
  /** `changed`: the server of this name goes on with its former entry. */
  readonly change: 'new' | 'changed';
  /** The new program or address, secrets hidden, printable ASCII, at most 4096 characters. */
  readonly what: string;
  /** ISO; when it was first seen. */
  readonly since: string;
}

/** Problems of the configuration file, a line each with its place. */
export interface ConfigProblems {
  /** The whole file was refused, and the earlier configuration stays; false: only single entries are. */
  readonly refused: boolean;
  /** At most 20, each at most 500 UTF-16 units. */
  readonly lines: readonly string[];
  /** How many more there are. */
  readonly more: number;
  /** ISO; when they were first seen. */
  readonly since: string;
}

/** The part of the configuration that is not in force. */
export interface ReloadRecord {
  /** Null when the file is as it should be. */
  readonly problems: ConfigProblems | null;
  /** In the order of the file, at most 64. */
  readonly waiting: readonly WaitingServer[];
  /** How many more wait. */
  readonly more: number;
  /** Which pins of programs are in force: compared with those of the file. */
  readonly pins?: string;
  /** What a person types to take all of them, where programs are pinned. */
  readonly accept?: string;
  /** What changes of the last ten minutes allow that was not allowed before; absent: nothing. */
  readonly loosened?: LoosenedRecord;
}

export interface LoosenedRecord {
  /** At most 21 (the last one may count the others), each at most 500 UTF-16 units. */
  readonly lines: readonly string[];
  /** ISO; the last change. */
  readonly since: string;
}

/** What servers tell the model, as far as a person should look at it. */
export interface DefinitionsRecord {
  /** Those that wait for a person, at most 64. */
  readonly withheld: readonly WithheldDefinition[];
  /** How many more there are. */
  readonly more: number;
  /** Lists that have changed without a person in the last seven days, at most 64. */
  readonly changed: readonly ChangedDefinitions[];
  /** Those that are listed with soft findings and were told first in the last seven days, at most 64. */
  readonly findings: readonly DefinitionFindings[];
}

/** A definition that is not listed until a person accepts it. */
export interface WithheldDefinition {
  readonly server: string;
  readonly kind: DefinitionKind;
  /** Without characters that cannot be seen, at most 64 UTF-16 units; "" of instructions. */
  readonly name: string;
  /** Of the form that is withheld, hex. */
  readonly hash: string;
  /** In words, at most 400 UTF-16 units. */
  readonly why: string;
  /** ISO; when it was told first. */
  readonly since: string;
}

/** A listed definition that may mean to steer the model. */
export interface DefinitionFindings {
  readonly server: string;
  readonly kind: DefinitionKind;
  /** As of one that is withheld. */
  readonly name: string;
  /** Names of rules, at most 5. */
  readonly rules: readonly string[];
  /** ISO; when it was told first. */
  readonly since: string;
}

export interface ChangedDefinitions {
  readonly server: string;
  readonly kind: DefinitionKind;
  readonly count: number;
  /** ISO; the last change. */
  readonly since: string;
}

/**
 * The picture of one gateway: `serve.state.json` of the one that owns it, and `run/<session_id>.state.json` of
 * each other one.
 */
export interface StateSnapshot {
  readonly session_id: string;
  readonly started_at: string;
  readonly metrics_port: number | null;
  readonly downstreams: readonly DownstreamSnapshot[];
  readonly updated_at: string;
  readonly owner_pid: number;
  readonly schema: 2;
  readonly seq: number;
  readonly owner: ProcessIdentity;
  readonly gateway_version: string;
  readonly endpoint: EndpointRecord;
  readonly main: {
    readonly state: 'running' | 'stalled';
    readonly stalled_since: string | null;
    readonly loop_lag_ms: number;
  };
  readonly priority: 'autogroup' | 'nice' | 'none';
  readonly sessions: number;
  /** Those of the sessions that have introduced themselves, at most 16. */
  readonly clients: readonly ClientRecord[];
  /** Servers of the configuration that are not enabled, at most 256. */
  readonly disabled: readonly string[];
  /** Servers that clients without a session do not see, since these cannot be told apart; at most 256. */
  readonly left_out: readonly string[];
  readonly halt: HaltRecord;
  readonly reload: ReloadRecord;
  readonly audit: AuditRecord;
  readonly definitions: DefinitionsRecord;
  readonly heartbeat_ms: number;
  /** Errors of the state writer itself since its start, newest message last seen; absent when none. */
  readonly write_errors?: { readonly count: number; readonly last: string };
}

/** The kill switch as a gateway sees it. */
export interface HaltRecord {
  readonly active: boolean;
  readonly reason: string | null;
}

/**
 * `run/<session_id>.json`: one for each gateway process, written before its first spawn, and again when the
 * kill switch is set or cleared.
 */
export interface InstanceRecord extends ProcessIdentity {
  readonly session_id: string;
  readonly started_at: string;
  readonly endpoint: EndpointRecord;
  /** Absolute path of its directory outside of the project; null when that could not be made. */
  readonly state_dir: string | null;
  /** Absolute path of its log file; null with `--no-log-file`. */
  readonly log_file: string | null;
  /** The process that has started it: over stdio its client, or a program between the two. */
  readonly parent_pid: number;
  readonly halt: HaltRecord;
}

/** `run/last.json`: when and why the last gateway of this directory stopped cleanly. Times are ISO. */
export interface LastStop {
  readonly session_id: string;
  readonly stopped_at: string;
  /** In words: `SIGTERM`, `stdin ended`. */
  readonly reason: string;
  readonly servers: readonly {
    readonly name: string;
    readonly restarts: number;
    readonly last_exit: LastExit | null;
    readonly left_running: readonly LeftProcess[];
    /** Time of its last call; ISO. */
    readonly last_used: string | null;
  }[];
}
