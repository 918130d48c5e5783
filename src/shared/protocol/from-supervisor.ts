/**
 * Messages from a supervisor thread to main, on its *call port*, which carries arrays of them: answers and
 * lifecycle share it because their order matters. Each names its slot: a thread runs a map of supervisors.
 */

import type { ByteRange } from '../model/byte-range.ts';
import type { ErrorCode, Outcome } from '../model/errors.ts';
import type { ListKind } from '../model/lists.ts';
import type {
  CatalogEntry,
  ClientNeed,
  Concern,
  DefinitionHashes,
  TaskNote,
  Withheld,
} from '../model/mcp.ts';
import type { ServerProfile, SupervisorEvent } from '../model/server.ts';

import type { SupervisorRecord } from '../model/snapshot.ts';

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

/** A server over HTTP is connected to, or refuses its token: main answers with `token`. */
export interface TokenWantedMessage {
  readonly type: 'token_wanted';
  readonly slot: number;
  readonly incarnation: number;
  /** The token that was refused; null: none was. */
  readonly refused: string | null;
}

/** The launcher failed to start a server: main may end it and start another. */
export interface LauncherFailedMessage {
  readonly type: 'launcher_failed';
  readonly slot: number;
  /** Path of the launcher's socket. */
  readonly path: string;
  readonly why: string;
}

/** Asks for a start ticket, or returns one; a request that is withdrawn counts as returned. */
export interface TicketMessage {
  readonly type: 'ticket_wanted' | 'ticket_returned';
  readonly slot: number;
}

/**
 * The server sends so many unsolicited messages that its reading has been paused all the time, for seconds.
 * Told once each time that this begins.
 */
export interface HeldBackMessage {
  readonly type: 'held_back';
  readonly slot: number;
  readonly incarnation: number;
}

/** Answer to `release`. `left`: the thread has given the server up, and sends nothing more for the slot. */
export interface ReleasedMessage {
  readonly type: 'released';
  readonly slot: number;
  readonly left: boolean;
}

/** Members of a result to which a client's revision may want others added. */
export const RESULT_HAS = Object.freeze({ anything: 1, resultType: 2, ttlMs: 4, cacheScope: 8 });

/** What an error means that has an ordinary code here, because clients of other revisions would misread its own. */
export const ERROR_MEANS = Object.freeze({ clientCannot: 1 });

/** A range of a line, and what comes in its place. */
export interface TextEdit {
  readonly at: ByteRange;
  readonly text: string;
}

/** The server's answer, whole, without newline; the id to be replaced is at `id`. */
export interface AnswerMessage {
  readonly type: 'answer';
  readonly slot: number;
  readonly incarnation: number;
  readonly call: number;
  readonly line: Uint8Array;
  readonly id: ByteRange;
  /** The answer is a JSON-RPC error. */
  readonly isError: boolean;
  /** Its result says `isError`: the tool failed. */
  readonly toolError: boolean;
  /** Where it can be added to: offset behind the brace of its result, or of the code of its error; -1: nowhere. */
  readonly at: number;
  /** What its result has already: bits of {@link RESULT_HAS}; of an error what it means: bits of {@link ERROR_MEANS}. */
  readonly has: number;
  /** Only if the call asked for it: tasks named in it, at most 1000, and the raw cursor of the next page. */
  readonly tasks?: { readonly notes: readonly TaskNote[]; readonly nextCursor: string | null };
  /** Only for an error that asks the client to visit URLs: range of its code, ids of the URLs, at most 32. */
  readonly visits?: { readonly code: ByteRange; readonly ids: readonly string[] };
  /** What to replace in it for clients, in an order in which it can be done. */
  readonly edits: readonly TextEdit[];
  /** The number of secrets found in it, by kind; left out where there are none. */
  readonly redacted?: Readonly<Record<string, number>>;
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
  /** Null: the call provably never left (`not_sent`) and may be tried again. */
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

/** A notification of a server, whole line without newline, at most 1 MiB. */
export interface NotificationMessage {
  readonly type: 'notification';
  readonly slot: number;
  readonly incarnation: number;
  readonly method: string;
  /** The log level as the server wrote it; null without one. */
  readonly level: string | null;
  readonly concerns: Concern;
  readonly line: Uint8Array;
}

/** A request of the server to a client, already signed with the server's name; id and token to be replaced. */
export interface ReverseRequestMessage {
  readonly type: 'reverse_request';
  readonly slot: number;
  readonly incarnation: number;
  readonly method: string;
  readonly line: Uint8Array;
  readonly id: ByteRange;
  readonly token: ByteRange | null;
  readonly needs: readonly ClientNeed[];
  /** What the server calls it; null: it has no name. */
  readonly name: string | null;
  /** The call that it belongs to; null: the server does not say. */
  readonly call: number | null;
  /** Calls in flight as it came, one of which it may belong to; empty where `call` is known. */
  readonly calls: readonly number[];
  /** It may belong to a call that has ended for its client, and that the server still works on. */
  readonly mayBeOfOthers: boolean;
  /** The task that the request belongs to; null when it names none. */
  readonly relatedTask: TaskNote | null;
  /** The client should make a task of it. */
  readonly makesTask: boolean;
  /** The client's task that it is about: tasks/get, tasks/result, tasks/cancel. */
  readonly taskId: string | null;
  /** The id of the URL that it asks the client to visit. */
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

/** The profile that the server told in this incarnation; comes before its `ready`. */
export interface ProfileMessage {
  readonly type: 'profile';
  readonly slot: number;
  readonly incarnation: number;
  /** The protocol revision that it has chosen. */
  readonly revision: string;
  readonly profile: ServerProfile;
  /** Of its instructions; null: it has none. */
  readonly hashes: DefinitionHashes | null;
}

/** One complete list of the server, after all pages; empty when the server has no such list. */
export interface CatalogMessage {
  readonly type: 'catalog';
  readonly slot: number;
  readonly incarnation: number;
  readonly kind: ListKind;
  readonly entries: readonly CatalogEntry[];
  /** One for each entry, in the same order; empty for resources, which are not pinned. */
  readonly hashes: readonly DefinitionHashes[];
  /** Names of the tools in it that run commands; these entries are marked. */
  readonly commandTools: readonly string[];
  /** Redacted, at most 2000 UTF-16 units. */
  readonly withheld: Withheld;
}

/** A list that could not be had, or not yet: it is tried again, and meanwhile nobody is to wait for it. */
export interface UnlistedMessage {
  readonly type: 'unlisted';
  readonly slot: number;
  readonly incarnation: number;
  readonly kind: ListKind;
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
  /** Name of the server that it belongs to. */
  readonly server: string;
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
  | UnlistedMessage
  | TokenWantedMessage
  | SecretMessage
  | LogMessage;
