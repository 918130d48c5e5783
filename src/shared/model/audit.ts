/**
 * The audit log: its settings, what one record of it holds, the anchor of a chain, and what is shown of it.
 * Types and names of files only.
 */
import type { Tier } from './tier.ts';

/** Settings of the policy. */
export interface AuditPolicy {
  /** @default true */
  readonly enabled: boolean;
  /** `deny`: calls that write are refused while records cannot be kept. @default 'warn' */
  readonly onFailure: 'warn' | 'deny';
  /** A segment is closed at this size. @default 32 MiB */
  readonly maxBytes: number;
  /** A segment is closed at this age; null: at no age. @default null */
  readonly maxAgeDays: number | null;
  /** Whole oldest segments go above this size of all, MiB; 0 = never. @default 512 */
  readonly keepMb: number;
  /** A program and its arguments that is handed each anchor, or null. */
  readonly anchorCommand: readonly string[] | null;
}

export const DEFAULT_AUDIT: AuditPolicy = {
  enabled: true,
  onFailure: 'warn',
  maxBytes: 32 * 1024 * 1024,
  maxAgeDays: null,
  keepMb: 512,
  anchorCommand: null,
};

export type AuditStatus = 'allowed' | 'denied' | 'error';

/** What is special about a record: the name of the event first, then facts about it. */
export interface AuditMetadata {
  readonly event: string;
  readonly [fact: string]: unknown;
}

/** A record without its place in the chain. Optional fields are left out where there is nothing to say. */
export interface AuditBody {
  /** ISO. */
  readonly timestamp: string;
  readonly session_id: string;
  readonly tool_name: string | null;
  readonly server_name: string | null;
  readonly tier: Tier | null;
  readonly status: AuditStatus;
  readonly autonomy_level: string | null;
  readonly duration_ms: number | null;
  readonly error?: string | undefined;
  readonly redacted_fields?: readonly string[] | undefined;
  /** sha256 of the bytes of the arguments, hex. */
  readonly request?: string | undefined;
  readonly client?: string | undefined;
  readonly rule?: string | undefined;
  readonly outcome?: string | undefined;
  readonly metadata: AuditMetadata;
}

/** A record that no call has made: of a server's life, of HALT, of the configuration, of what a person does. */
export interface AuditEvent {
  readonly event: string;
  readonly server?: string;
  /** The tool's own name. */
  readonly tool?: string;
  readonly tier?: Tier;
  /** sha256 of the bytes of the arguments, hex. */
  readonly request?: string | undefined;
  /** @default 'allowed' */
  readonly status?: AuditStatus;
  readonly error?: string;
  /** Short values: texts are cut and redacted by the audit writer. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** The records of one chain so far, and the hash of the last. */
export interface ChainHead {
  readonly count: number;
  readonly hash: string;
}

/** How far a chain has come, kept apart from it. Between `before` and `after` a batch was being written. */
export interface AuditAnchor {
  readonly session_id: string;
  /** Number of the segment that is being written. */
  readonly segment: number;
  readonly before: ChainHead;
  readonly after: ChainHead;
  /** ISO. */
  readonly at: string;
  readonly boot_id: string;
}

/** What `status` shows. */
export interface AuditRecord {
  readonly state: 'off' | 'on' | 'failing';
  /** Why records cannot be kept now; redacted, at most 500 UTF-16 units. */
  readonly error: string | null;
  /** ISO; since when records cannot be kept. */
  readonly since: string | null;
  /** Age of the oldest record that is not written yet, milliseconds. */
  readonly lag_ms: number;
  /** Records of this run. */
  readonly records: number;
  /** Records of this run that could not be kept. */
  readonly lost: number;
}

export const AUDIT_OFF: AuditRecord = {
  state: 'off',
  error: null,
  since: null,
  lag_ms: 0,
  records: 0,
  lost: 0,
};

/** The directory of anchors in the state directory: one file for each chain, `<session>.json`. */
export const ANCHORS = 'anchors';

const NAME = /^audit-([A-Za-z0-9-]{1,128}?)(?:-(\d{8}-\d{6}(?:-\d{1,4})?))?\.jsonl$/;

/** The session that a file of the audit log belongs to, and when it was closed ("" = not yet); else null. */
export function segmentName(name: string): { session: string; closed: string } | null {
  const match = name.length > 200 ? null : NAME.exec(name);
  return match === null ? null : { session: match[1] ?? '', closed: match[2] ?? '' };
}

/** The session of a command beside gateways: its chain holds what a person did by it. */
export function commandSession(id: string): string {
  return `${COMMAND}${id}`;
}

export function isCommandSession(session: string): boolean {
  return session.startsWith(COMMAND);
}

const COMMAND = 'cmd-';

/** The file that a chain is written to now. */
export function currentSegment(session: string): string {
  return `audit-${session}.jsonl`;
}
