/**
 * Messages between main and the audit-writer thread. Each of main's has a number, so that what a lost thread
 * had not written is told to the next one. Types, and the numbers that calls are packed as.
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
  /** Subjects and clients that were told before. */
  readonly known: readonly (SubjectItem | ClientItem)[];
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

/** A call, packed: the kind, then what is listed beside it. Other numbers than those of calls to supervisors. */
export const PACKED = {
  /** A call that changes something: its `begin` is made durable. seq, time, call, subject, client, length of its line */
  begin: 10,
  /** One that only reads: only its end is recorded. The same numbers. */
  read: 11,
  /** seq, time, call, subject, client, how it ended, code or null, milliseconds or null, 1 if it was handed to its server */
  end: 12,
} as const;

export type PackedCall = readonly (number | string | null)[];

export type AuditItem = SubjectItem | ClientItem | RefusedItem | EventItem | LostItem | PackedCall;

export type ToAuditWriter =
  | {
      readonly type: 'batch';
      readonly items: readonly AuditItem[];
      /** The lines of the calls in it, one after the other. */
      readonly lines: Uint8Array | null;
    }
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
  inspect(): { heapUsedBytes: number; anchor: Anchored | null };
}
