/**
 * Every message between threads. Main talks to a supervisor thread on one *call port*, which carries
 * arrays of messages: calls, their answers and lifecycle share it because their order matters. Supervisors and main tell the state
 * writer facts on ports of their own. Each message names its slot: a thread runs a map of supervisors.
 */
import type { MessagePort } from 'node:worker_threads';
import type { AsksConfig } from '../model/asks.ts';
import type { DownstreamConfig } from '../model/config.ts';
import type { ErrorCode, Outcome } from '../model/errors.ts';
import type { GuardedPlaces } from '../model/guarded.ts';
import type { ListKind, UriKind } from '../model/lists.ts';
import type { HeldUri } from '../model/remembered.ts';
import type {
  LaneRecord,
  ProcessIdentity,
  StateSnapshot,
  SupervisorRecord,
} from '../model/snapshot.ts';
import type { LauncherAddress } from './launch.ts';

/** Half-open byte range `[start, end)` within the line it comes with. */
export type ByteRange = readonly [start: number, end: number];

// --- main → supervisor thread -------------------------------------------------------------------

/** Gives the thread a server. `incarnation` is the last one used by an earlier thread, 0 at first. */
export interface OpenSlot {
  readonly type: 'open';
  readonly slot: number;
  readonly server: DownstreamConfig;
  /** Counts the threads this server has had; goes into every fact. */
  readonly generation: number;
  readonly incarnation: number;
  readonly restarts: number;
  /** JSON text of the client capabilities that the server is told. */
  readonly clientCapabilities: string;
  /** Its entry in the byte credit, see wire/byte-credit.ts. */
  readonly creditLane: number;
  /** How long to wait before the first start; used after the death of an earlier thread. */
  readonly delayMs: number;
}

/** A start ticket: the supervisor may spawn now. */
export interface TicketGranted {
  readonly type: 'ticket';
  readonly slot: number;
  /** The launcher that is to start it; null: the thread itself does. */
  readonly launcher: LauncherAddress | null;
}

/**
 * What the answer of a request tells of tasks: the one it creates, the status of one, the result of one
 * (whose task has then ended), or a page of them.
 */
export type TaskAnswer = 'created' | 'status' | 'result' | 'list';

/** A task that a message of a server names. */
export interface TaskNote {
  /** At most 1024 UTF-16 units. */
  readonly id: string;
  /** Where its id is in the line, quotes included. */
  readonly idAt: ByteRange;
  /** Where the object that names it is. */
  readonly at: ByteRange;
  /** Its status is terminal. */
  readonly ended: boolean;
  /** How long the server keeps it from its creation on, milliseconds; null: for ever, or unsaid. */
  readonly ttlMs: number | null;
}

/** One request. `line` is complete, ends in a newline, and its id is the number `call`. */
export interface CallMessage {
  readonly type: 'call';
  readonly slot: number;
  readonly incarnation: number;
  readonly call: number;
  readonly line: Uint8Array;
  /** What its answer is looked into for, null: nothing, as for almost every call. */
  readonly tasks: TaskAnswer | null;
}

/** Tells the server that nobody waits for this call any more. */
export interface CancelMessage {
  readonly type: 'cancel';
  readonly slot: number;
  readonly call: number;
  readonly reason: string;
}

/** A line for the server that starts no call: a reply to its own request, or a notification. Ends in a newline. */
export interface LineMessage {
  readonly type: 'line';
  readonly slot: number;
  readonly incarnation: number;
  readonly line: Uint8Array;
}

/** A call timed out: ping the server now instead of when it falls silent. */
export interface SuspectMessage {
  readonly type: 'suspect';
  readonly slot: number;
}

/** The log level wanted of the server; sent again by the supervisor after each restart. */
export interface LogLevelMessage {
  readonly type: 'log_level';
  readonly slot: number;
  readonly level: string;
}

/** What the server may ask of clients has changed: it is told accordingly when it starts the next time. */
export interface AsksMessage {
  readonly type: 'asks';
  readonly slot: number;
  readonly asks: AsksConfig;
}

/** Starts a server that is idle; without effect on any other. */
export interface WakeSlot {
  readonly type: 'wake';
  readonly slot: number;
}

/**
 * Ends a server without a call in flight, to be idle or to begin anew. Main posts no call until
 * `idle`, `starting` or a death is told; without effect on another incarnation or phase.
 */
export interface RestSlot {
  readonly type: 'rest';
  readonly slot: number;
  readonly incarnation: number;
  readonly into: 'idle' | 'restart';
  readonly eofMs: number;
  readonly termMs: number;
}

/** Stop for good: stdin end, after `eofMs` TERM to the group, after `termMs` more KILL. */
export interface StopSlot {
  readonly type: 'stop';
  readonly slot: number;
  readonly eofMs: number;
  readonly termMs: number;
}

/** The server goes on in another thread: gives it up if no process of it is there. Answered by `released`. */
export interface ReleaseSlot {
  readonly type: 'release';
  readonly slot: number;
}

/** The state writer was replaced: send every record again on this port. */
export interface FactsPort {
  readonly type: 'facts_port';
  readonly port: MessagePort;
}

export type ToSupervisor =
  | OpenSlot
  | TicketGranted
  | CallMessage
  | CancelMessage
  | LineMessage
  | SuspectMessage
  | LogLevelMessage
  | AsksMessage
  | WakeSlot
  | RestSlot
  | StopSlot
  | ReleaseSlot
  | FactsPort;

// --- supervisor thread → main -------------------------------------------------------------------

/** A supervisor's life, in order. Kept names first. Every event carries `server`, `incarnation`, `at`. */
export type SupervisorEvent =
  | {
      readonly event: 'child_died_unexpectedly';
      /** `exit`, `stall`, `noise`, `handshake`, `start_timeout`, `spawn_failed`. */
      readonly reason: DeathReason;
      readonly code: number | null;
      readonly signal: string | null;
      readonly detail: string;
    }
  | { readonly event: 'respawned' }
  | { readonly event: 'health_changed'; readonly healthy: boolean }
  | { readonly event: 'starting' }
  | { readonly event: 'spawned'; readonly pid: number }
  | { readonly event: 'ready'; readonly features: ServerFeatures }
  | { readonly event: 'stable' }
  | { readonly event: 'backoff'; readonly delayMs: number; readonly crashLoop: boolean }
  | { readonly event: 'stopped' }
  /** A healthy server is ending, to be idle or to begin anew; it takes no calls until then. */
  | { readonly event: 'draining'; readonly into: 'idle' | 'restart' }
  /** It has ended and starts when it is needed. */
  | { readonly event: 'idle' }
  | { readonly event: 'noise'; readonly lines: number; readonly sample: string };

/** What of a server's capabilities decides how it is talked with. */
export interface ServerFeatures {
  readonly tools: boolean;
  readonly prompts: boolean;
  readonly resources: boolean;
  readonly logging: boolean;
}

/** What a server says of itself in its handshake, for clients to hear. */
export interface ServerProfile {
  /** Raw JSON of its `capabilities`, `{}` where they are missing or larger than 64 KiB. */
  readonly capabilities: string;
  /** At most 8192 UTF-16 units of them and a note that they were clipped; "" where it has none. */
  readonly instructions: string;
  /** Its `serverInfo`, each at most 200 UTF-16 units. */
  readonly name: string;
  readonly version: string;
}

export type DeathReason =
  | 'exit'
  | 'stall'
  | 'noise'
  | 'handshake'
  | 'start_timeout'
  | 'spawn_failed';

export interface LifecycleMessage {
  readonly type: 'lifecycle';
  readonly slot: number;
  readonly server: string;
  readonly incarnation: number;
  /** ISO. */
  readonly at: string;
  readonly event: SupervisorEvent;
  /** The supervisor's whole record after the event. */
  readonly record: SupervisorRecord;
  /** Milliseconds until the next start, when one is scheduled. */
  readonly nextStartInMs: number | null;
}

/** The launcher does not do what it is there for: main may end it and start another. */
export interface LauncherFailedMessage {
  readonly type: 'launcher_failed';
  readonly slot: number;
  /** Of its socket. */
  readonly path: string;
  readonly why: string;
}

/** Asks for a start ticket, or hands one back (a request withdrawn counts as handed back). */
export interface TicketMessage {
  readonly type: 'ticket_wanted' | 'ticket_returned';
  readonly slot: number;
}

/**
 * It says so much that answers nothing that it has been held back all the time, for seconds now. Told once
 * for each time that this begins.
 */
export interface HeldBackMessage {
  readonly type: 'held_back';
  readonly slot: number;
  readonly incarnation: number;
}

/** `left`: nothing of the server is in this thread any more, and nothing follows for the slot. */
export interface ReleasedMessage {
  readonly type: 'released';
  readonly slot: number;
  readonly left: boolean;
}

/** The server's answer, whole, without newline; the id to be replaced is at `id`. */
export interface AnswerMessage {
  readonly type: 'answer';
  readonly slot: number;
  readonly incarnation: number;
  readonly call: number;
  readonly line: Uint8Array;
  readonly id: ByteRange;
  /** It is a JSON-RPC error. */
  readonly isError: boolean;
  /** Its result says `isError`: the tool failed. */
  readonly toolError: boolean;
  /** Only for a call that asked for it: the tasks it names, at most 1000, and the raw cursor of the next page. */
  readonly tasks?: { readonly notes: readonly TaskNote[]; readonly nextCursor: string | null };
  /** Only for an error that asks its client to visit URLs: where its code is, and ids of the URLs, at most 32. */
  readonly visits?: { readonly code: ByteRange; readonly ids: readonly string[] };
}

/**
 * A call that ends without an answer to deliver; `not_sent` calls may be queued again. Every call
 * posted to a living thread gets exactly one `answer` or `call_failed` unless it is cancelled. After a
 * death they follow the `child_died_unexpectedly` message at once, before a `stopped` one.
 */
export interface CallFailedMessage {
  readonly type: 'call_failed';
  readonly slot: number;
  readonly incarnation: number;
  readonly call: number;
  /** Null: it provably never left (`not_sent`) and may be tried again. */
  readonly code: ErrorCode | null;
  readonly outcome: Outcome;
  readonly message: string;
}

/** Progress of a call, or of the task that it created; the token to be replaced is at `token`. */
export interface ProgressMessage {
  readonly type: 'progress';
  readonly slot: number;
  readonly incarnation: number;
  readonly call: number;
  readonly line: Uint8Array;
  readonly token: ByteRange;
}

/** Whom a notification of a server concerns, as far as it says so. */
export type Concern =
  /** The task it is about, or in whose course it comes. */
  | { readonly kind: 'task'; readonly note: TaskNote }
  /** The call whose token, to be replaced, is at `token`. */
  | { readonly kind: 'call'; readonly call: number; readonly token: ByteRange }
  /** The URL that a client was asked to visit. */
  | { readonly kind: 'elicitation'; readonly id: string }
  | { readonly kind: 'all' };

/** What a server says by itself, whole line without newline, at most 1 MiB. */
export interface NotificationMessage {
  readonly type: 'notification';
  readonly slot: number;
  readonly incarnation: number;
  readonly method: string;
  /** Its log level as the server wrote it; null when it has none. */
  readonly level: string | null;
  readonly concerns: Concern;
  readonly line: Uint8Array;
}

/** What a client must have declared to be asked something. */
export type ClientNeed =
  | 'roots'
  | 'sampling'
  | 'sampling.tools'
  | 'elicitation'
  | 'elicitation.form'
  | 'elicitation.url';

/** A request of the server to a client, which says already whose it is; id and progress token are to be replaced. */
export interface ReverseRequestMessage {
  readonly type: 'reverse_request';
  readonly slot: number;
  readonly incarnation: number;
  readonly method: string;
  readonly line: Uint8Array;
  readonly id: ByteRange;
  readonly token: ByteRange | null;
  readonly needs: readonly ClientNeed[];
  /** The task in whose course it asks, as far as it says so. */
  readonly relatedTask: TaskNote | null;
  /** The client is to make a task of it. */
  readonly makesTask: boolean;
  /** The client's task it is about: tasks/get, tasks/result, tasks/cancel. */
  readonly taskId: string | null;
  /** The id of the URL it asks the client to visit. */
  readonly elicitationId: string | null;
}

/** The server no longer wants the answer to a request of its own; its id is at `id`. */
export interface ReverseCancelledMessage {
  readonly type: 'reverse_cancelled';
  readonly slot: number;
  readonly incarnation: number;
  readonly line: Uint8Array;
  readonly id: ByteRange;
}

/** One entry of a list as its server described it: raw JSON of the object, with the range of its key's value. */
export interface CatalogEntry {
  /** The name, URI or URI template. */
  readonly key: string;
  readonly json: Uint8Array;
  readonly keyAt: ByteRange;
}

/** The server's own words of this incarnation; comes before its `ready`. */
export interface ProfileMessage {
  readonly type: 'profile';
  readonly slot: number;
  readonly incarnation: number;
  readonly profile: ServerProfile;
}

/** One of the server's lists, complete, after all pages; empty where the server has no such list. */
export interface CatalogMessage {
  readonly type: 'catalog';
  readonly slot: number;
  readonly incarnation: number;
  readonly kind: ListKind;
  readonly entries: readonly CatalogEntry[];
}

/** A log record for pino in main; already redacted and rate-limited. */
export interface LogMessage {
  readonly type: 'log';
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly server: string | null;
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number | boolean | null>>;
}

/** A secret that the configuration does not hold, such as the content of a token file. */
export interface SecretMessage {
  readonly type: 'secret';
  readonly value: string;
}

export type FromSupervisor =
  | LifecycleMessage
  | TicketMessage
  | LauncherFailedMessage
  | ReleasedMessage
  | HeldBackMessage
  | AnswerMessage
  | CallFailedMessage
  | ProgressMessage
  | NotificationMessage
  | ReverseRequestMessage
  | ReverseCancelledMessage
  | ProfileMessage
  | CatalogMessage
  | SecretMessage
  | LogMessage;

/** `workerData` of a supervisor thread. */
export interface SupervisorThreadData {
  readonly kind: 'supervisor';
  readonly callPort: MessagePort;
  readonly factsPort: MessagePort;
  readonly controlPort: MessagePort;
  /** Shared with main, see wire/vitals.ts. */
  readonly vitals: SharedArrayBuffer;
  /** Shared by all threads, see wire/byte-credit.ts. */
  readonly credit: SharedArrayBuffer;
  /** Shared by all threads, see wire/lookup-slots.ts. */
  readonly lookups: SharedArrayBuffer;
  /** What no message of a client may name to a server's process. */
  readonly guarded: GuardedPlaces;
  /** `run/<session_id>.groups`, appended synchronously after each spawn. */
  readonly groupsFile: string;
  /** Version string sent to servers in `clientInfo`. */
  readonly gatewayVersion: string;
}

/** Comlink contract of a supervisor thread's control port. */
export interface SupervisorControl {
  inspect(): { heapUsedBytes: number; slots: string[] };
  /** File URLs and paths of what the thread has loaded. Slow: holds the thread up for some 10 ms. */
  modules(): string[];
}

// --- facts for the state writer -----------------------------------------------------------------

/** The whole record of one supervisor. `generation` counts its threads; the newest wins. */
export interface SupervisorFact {
  readonly type: 'supervisor';
  readonly server: string;
  readonly generation: number;
  readonly incarnation: number;
  readonly rev: number;
  readonly record: SupervisorRecord;
}

/** What one server has told of late, for `catalog.json`; with another fingerprint nothing earlier counts. */
export interface CatalogFact {
  readonly type: 'catalog';
  readonly server: string;
  readonly fingerprint: string;
  /** Null: nothing new. */
  readonly profile: ServerProfile | null;
  /** Raw text of each entry of the lists that are new; null for one that is too large to be remembered. */
  readonly lists: Readonly<Partial<Record<ListKind, readonly string[] | null>>>;
}

/** The URIs that servers keep although others list them, too, for `catalog.json`; all of one kind. */
export interface HeldFact {
  readonly type: 'held';
  readonly kind: UriKind;
  readonly held: readonly HeldUri[];
}

/** Everything main owns. */
export interface MainFact {
  readonly type: 'main';
  readonly rev: number;
  /** By lane, in the order in which they are shown. */
  readonly servers: Readonly<Record<string, LaneRecord>>;
  readonly sessions: number;
  readonly halt: StateSnapshot['halt'];
  readonly endpoint: StateSnapshot['endpoint'];
  readonly loopLagMs: number;
  readonly priority: StateSnapshot['priority'];
  readonly reload: StateSnapshot['reload'];
}

export type Fact = SupervisorFact | CatalogFact | HeldFact | MainFact;

// --- main ↔ state-writer thread (its own parentPort) ----------------------------------------------

/** `workerData` of the state-writer thread. Identity and nonce belong to the process: a replacement gets the same. */
export interface StateWriterData {
  readonly kind: 'state-writer';
  /** Absolute path of `.rea`. */
  readonly dir: string;
  readonly sessionId: string;
  /** ISO. */
  readonly startedAt: string;
  readonly identity: ProcessIdentity;
  readonly nonce: string;
  readonly gatewayVersion: string;
  readonly metricsPort: number | null;
  /** Names of the enabled servers in the order of the configuration. */
  readonly servers: readonly string[];
  readonly heartbeatMs: number;
  /** Int32Array(1) that main increments every 250 ms. */
  readonly mainBeats: SharedArrayBuffer;
  readonly controlPort: MessagePort;
  /** First value of `seq` minus one; a replacement goes on from the file, not from here. */
  readonly seq: number;
}

/** A new source of facts. */
export interface AttachSource {
  readonly type: 'attach';
  readonly port: MessagePort;
}

export type ToStateWriter = AttachSource;

/** One session of a process tree, named by one of its living processes; pids alone can be reused. */
export interface TreeSession {
  readonly id: number;
  readonly pid: number;
  /** Of that process, in the form of the system. */
  readonly startTime: string;
}

/** What a server's process tree uses: its group, and what its members have started in other groups. */
export interface TreeUsage {
  readonly pgid: number;
  /** MiB, one decimal; pages shared between its processes count once for each. */
  readonly rssMb: number;
  /** CPU time so far in ms; never falls while the group lives. */
  readonly cpuMs: number;
  /** `cpuMs`, and what its threads have waited for a CPU while it was busy. */
  readonly wantedMs: number;
  /** Per cent of one core since the sample before, one decimal; null in the first one. */
  readonly cpuPercent: number | null;
  /** That of the group itself first. */
  readonly sessions: readonly TreeSession[];
}

/** A look at all trees, also from a writer that does not own the file. */
export interface UsageMessage {
  readonly type: 'usage';
  /** Ms of the clock that all threads share (`process.hrtime`). */
  readonly at: number;
  readonly trees: readonly TreeUsage[];
}

/**
 * What the first threads of the processes of a tree wanted of the CPU, and what they got, in cores, over a
 * tenth of a second to a second. Other threads are not looked at.
 */
export interface TreeDemand {
  readonly pgid: number;
  readonly ranCores: number;
  /** `ranCores`, and for how many more they have waited. */
  readonly wantedCores: number;
}

/** Main has waited for a CPU for much of the time between two looks. */
export interface StarvationMessage {
  readonly type: 'starvation';
  readonly trees: readonly TreeDemand[];
}

/** State writer → main, on parentPort. */
export type FromStateWriter =
  | { readonly type: 'ownership'; readonly owner: boolean; readonly detail: string }
  | UsageMessage
  | StarvationMessage
  | LogMessage;

/** Comlink contract of the state writer's control port. */
export interface StateWriterControl {
  /** Writes what is pending. Resolves when it is on the disk, or with the error's text. */
  flush(): string | null;
  /** Last write, then removes state file, pid file and lock if they are ours. No write happens after it. */
  close(): void;
  inspect(): { owner: boolean; seq: number; heapUsedBytes: number };
}
