/**
 * Messages between main and the audit-writer thread. Each of main's has a number, so that what a lost thread
 * had not written is told to the next one. Types, and the numbers that calls are told as.
 */

import type { MessagePort } from 'node:worker_threads';
import type { AuditEvent, AuditPolicy, ChainHead } from '../model/audit.ts';
import type { Tier } from '../model/tier.ts';
import type { LogMessage } from './from-supervisor.ts';

/** `workerData` of the audit-writer thread. */
export interface AuditWriterData {
  readonly kind: 'audit-writer';
  /** Absolute path of `.rea`. */
  readonly dir: string;
  /** Absolute path of the state directory; null: anchors are kept nowhere. */
  readonly stateDir: string | null;
  readonly sessionId: string;
  readonly bootId: string;
  readonly gatewayVersion: string;
  readonly policy: AuditPolicy;
  /** The autonomy level that is in force. */
  readonly level: string;
  /** May occur in no record. */
  readonly secrets: readonly string[];
  /** This gateway owns the state file: `audit.jsonl` points to its log. */
  readonly owner: boolean;
  /** Records that threads before it have given up. */
  readonly lost: number;
  /** Subjects, clients and words that were told before. */
  readonly known: readonly KnownItem[];
  readonly controlPort: MessagePort;
}

/** What calls are made to; calls name it by its number. */
export interface SubjectItem {
  readonly type: 'subject';
  readonly id: number;
  readonly server: string;
  /** Null for a request that names no tool or prompt. */
  readonly tool: string | null;
  readonly method: string;
  readonly tier: Tier;
}

export interface ClientItem {
  readonly type: 'client';
  readonly id: number;
  readonly name: string;
}

/** How a call ends, or a code of the gateway. */
export interface WordItem {
  readonly type: 'word';
  readonly id: number;
  readonly word: string;
}

/** Subjects the writer keeps, and clients; beyond that the half goes that was told longest ago. */
export const MOST_KNOWN = 40_000;

/** What rows name by its number. */
export type KnownItem = SubjectItem | ClientItem | WordItem;

/** A request that was refused before it was a call. */
export interface RefusedItem {
  readonly type: 'refused';
  readonly seq: number;
  readonly server: string;
  readonly tool: string | null;
  readonly method: string;
  readonly client: number;
  readonly code: string;
}

export interface EventItem {
  readonly type: 'event';
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly event: AuditEvent;
  /** Whose it is; null: no client's. */
  readonly client: number | null;
}

/** Records that main could not hold while no thread took them. */
export interface LostItem {
  readonly type: 'lost';
  readonly count: number;
}

/** Kinds of secrets in the answer of a call, before its end is told. */
export interface RedactedItem {
  readonly type: 'redacted';
  readonly call: number;
  readonly kinds: readonly string[];
}

export type AuditItem = RefusedItem | EventItem | RedactedItem | LostItem;

/**
 * Calls are told as rows of numbers, because an object for each would cost main more than all else: one that
 * only reads when it ends, any other one twice. What a row has nothing for is 0.
 */
export const ROW = {
  /** One of `KINDS`. */
  kind: 0,
  seq: 1,
  /** Milliseconds since the epoch. */
  at: 2,
  call: 3,
  /** Numbers of known items. */
  subject: 4,
  client: 5,
  /** Length of the call's line, which comes behind all rows; 0: it was told before. */
  line: 6,
  /** How the call has ended, and the gateway's code: numbers of words; 0: no code. */
  how: 7,
  code: 8,
  /** The server's time; NaN: it had none. */
  ms: 9,
  /** 1: the call was handed to its server. */
  sent: 10,
} as const;

/** Numbers of a row. */
export const ROW_FIELDS = 11;

export const KINDS = {
  /** A call that changes something: its `begin` is made durable. */
  begin: 1,
  end: 2,
  /** The next one of `items` has its place here; the rest of the row is 0. */
  item: 3,
} as const;

/** What main tells together. */
export interface AuditBatch {
  /** New ones, before all that may name them. */
  readonly known: readonly KnownItem[];
  readonly items: readonly AuditItem[];
  readonly rows: number;
  /** The rows, then the lines of their calls, one after the other; null: there are none. */
  readonly bytes: Uint8Array | null;
}

export type ToAuditWriter =
  | ({ readonly type: 'batch' } & AuditBatch)
  | { readonly type: 'policy'; readonly policy: AuditPolicy; readonly level: string }
  | { readonly type: 'secrets'; readonly values: readonly string[] }
  | { readonly type: 'owner'; readonly owner: boolean };

/** Everything up to `seq` is written; `begin` records among it are durable. */
export interface CommittedMessage {
  readonly type: 'committed';
  readonly seq: number;
  /** Records written since the last message. */
  readonly records: number;
  /** How long the disk took; null: nothing had to be durable. */
  readonly syncMs: number | null;
  /** Records that were given up in this run, because they could not be written for too long. */
  readonly lost: number;
}

/** Nothing beyond what was committed can be written now; it is tried again. */
export interface FailingMessage {
  readonly type: 'failing';
  /** The last that the writer holds. */
  readonly seq: number;
  readonly error: string;
  readonly lost: number;
}

export type FromAuditWriter = CommittedMessage | FailingMessage | LogMessage;

export interface Anchored {
  readonly session_id: string;
  readonly segment: number;
  readonly head: ChainHead;
}

/** Comlink contract of the audit writer's control port. */
export interface AuditWriterControl {
  /** Writes everything and makes it durable; null, or why it cannot be. */
  close(): string | null;
  /** Null while nothing is written. */
  inspect(): { anchor: Anchored | null };
}
