/**
 * Messages from main to a supervisor thread, on its call port, which carries arrays of them. Each names its
 * slot: a thread runs a map of supervisors.
 */
import type { MessagePort } from 'node:worker_threads';
import type { AsksConfig } from '../model/asks.ts';
import type { ServerConfig } from '../model/config.ts';
import type { TokenFor } from '../model/login.ts';
import type { TaskAnswer } from '../model/mcp.ts';
import type { BlockedPath, InjectionDetection, RedactRules } from '../model/policy.ts';
import type { LastExit } from '../model/snapshot.ts';
import type { LauncherAddress } from './launch.ts';

/** Gives the thread a server. `incarnation` is the last one used by an earlier thread, 0 at first. */
export interface OpenSlot {
  readonly type: 'open';
  readonly slot: number;
  readonly server: ServerConfig;
  /** Counts the threads this server has had; goes into every fact. */
  readonly generation: number;
  readonly incarnation: number;
  readonly restarts: number;
  /** How its process in an earlier thread ended; null: there was none. */
  readonly lastExit: LastExit | null;
  /** What was wrong with it there; null: nothing. */
  readonly lastError: string | null;
  /** JSON text of the client capabilities that the server is told. */
  readonly clientCapabilities: string;
  /** Secrets of earlier configurations: kept out of what is told, like its own. */
  readonly formerSecrets: readonly string[];
  /** Its entry in the byte credit, see memory/byte-credit.ts. */
  readonly creditLane: number;
  /** Milliseconds before the first start; used after the death of an earlier thread. */
  readonly delayMs: number;
}

/** A start ticket: the supervisor may spawn now. */
export interface TicketGranted {
  readonly type: 'ticket';
  readonly slot: number;
  /** The launcher that starts the server; null: the thread itself starts it. */
  readonly launcher: LauncherAddress | null;
}

/** One request. `line` is complete, ends in a newline, and its id is the number `call`. */
export interface CallMessage {
  readonly type: 'call';
  readonly slot: number;
  readonly incarnation: number;
  readonly call: number;
  readonly line: Uint8Array;
  /** By the rules of the policy it may change something. */
  readonly writes: boolean;
  /** What its client can be asked, see `canOf`. */
  readonly can: number;
  /** The kind of task facts to read from its answer; null for almost every call: none. */
  readonly tasks: TaskAnswer | null;
}

/** Tells the server that the call's answer is no longer wanted. */
export interface CancelMessage {
  readonly type: 'cancel';
  readonly slot: number;
  readonly call: number;
  readonly reason: string;
}

/**
 * The time of a call is over: it is cancelled, and the `call_failed` that follows says whether it had left.
 * Without effect on a call that has ended meanwhile.
 */
export interface ExpireMessage {
  readonly type: 'expire';
  readonly slot: number;
  readonly call: number;
}

/** A line for the server that starts no call: a reply to its own request, or a notification. Ends in a newline. */
export interface LineMessage {
  readonly type: 'line';
  readonly slot: number;
  readonly incarnation: number;
  readonly line: Uint8Array;
}

/** A call timed out: ping the server now, without waiting for silence. */
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

/**
 * Rules that may have changed: what no argument may name and what becomes of secrets, from now on; the server's
 * allowed requests to clients and what these can do, which it is told at its next start.
 */
export interface RulesMessage {
  readonly type: 'rules';
  readonly slot: number;
  readonly asks: AsksConfig;
  readonly blockedPaths: readonly BlockedPath[];
  /** JSON text, as in `open`. */
  readonly clientCapabilities: string;
  readonly redact: RedactRules;
  readonly injection: InjectionDetection;
  readonly maxResultBytes: number;
}

/** What there is to send to a server as its token: an answer to `token_wanted`, or a renewed one. */
export interface TokenMessage extends TokenFor {
  readonly type: 'token';
  readonly slot: number;
}

/** Starts an idle server; without effect in any other phase. */
export interface WakeSlot {
  readonly type: 'wake';
  readonly slot: number;
}

/**
 * Recycles a server without a call in flight, to be idle or to restart. Main posts no call until `idle`,
 * `starting` or a death is told; without effect on another incarnation or phase.
 */
export interface RestSlot {
  readonly type: 'rest';
  readonly slot: number;
  readonly incarnation: number;
  readonly into: 'idle' | 'restart';
  readonly eofMs: number;
  readonly termMs: number;
}

/** Stops the server for good: end of stdin, TERM to the group after `eofMs`, KILL after `termMs` more. */
export interface StopSlot {
  readonly type: 'stop';
  readonly slot: number;
  readonly eofMs: number;
  readonly termMs: number;
}

/** The server moves to another thread: this one gives it up if it has no process. Answered by `released`. */
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
  | ExpireMessage
  | LineMessage
  | SuspectMessage
  | LogLevelMessage
  | RulesMessage
  | TokenMessage
  | WakeSlot
  | RestSlot
  | StopSlot
  | ReleaseSlot
  | FactsPort;
