/**
 * The hash chain of the audit log: each record holds the hash of the one before and its own. Pure: seals
 * records, and says of lines whether they follow on each other. The hash function is handed in.
 */
import type { AuditBody, ChainHead } from '../model/audit.ts';
import { asciiJson } from '../text/clean-text.ts';

export type Sha256 = (text: string) => string;

/** Before the first record. */
export const GENESIS: ChainHead = { count: 0, hash: '0'.repeat(64) };

/** A longer line is no record. */
export const MAX_RECORD_BYTES = 64 * 1024;

const HASH_AT_END = /,"hash":"([0-9a-f]{64})"\}$/;

export interface Sealed {
  readonly head: ChainHead;
  /** With its newline, printable ASCII. */
  readonly line: string;
}

/**
 * A record as text, but for its place in the chain, which comes between the two parts: `opening` begins the
 * object, `rest` ends it, and begins with a comma. Printable ASCII.
 */
export interface RecordText {
  readonly opening: string;
  readonly rest: string;
}

/** The fields of a record, in their order. */
export function textOf(body: AuditBody): RecordText {
  const opening = asciiJson({
    timestamp: body.timestamp,
    session_id: body.session_id,
    tool_name: body.tool_name,
    server_name: body.server_name,
    tier: body.tier,
    status: body.status,
    autonomy_level: body.autonomy_level,
    duration_ms: body.duration_ms,
  });
  const rest = asciiJson({
    error: body.error,
    redacted_fields: body.redacted_fields,
    request: body.request,
    client: body.client,
    rule: body.rule,
    outcome: body.outcome,
    metadata: body.metadata,
  });
  return { opening: opening.slice(0, -1), rest: `,${rest.slice(1)}` };
}

/** Puts a record behind the head. */
export function seal(head: ChainHead, body: AuditBody | RecordText, sha256: Sha256): Sealed {
  const { opening, rest } = 'rest' in body ? body : textOf(body);
  const open = `${opening},"prev_hash":"${head.hash}"${rest.slice(0, -1)}`;
  const hash = sha256(`${open}}`);
  return { head: { count: head.count + 1, hash }, line: `${open},"hash":"${hash}"}\n` };
}

export type Checked =
  | {
      readonly ok: true;
      readonly head: ChainHead;
      readonly record: Readonly<Record<string, unknown>>;
    }
  | { readonly ok: false; readonly why: string };

/**
 * Says whether a line, without its newline, is the record that follows on the head.
 *
 * @param head null: whatever comes first; the chain begins there.
 */
export function check(head: ChainHead | null, line: string, sha256: Sha256): Checked {
  if (line.length > MAX_RECORD_BYTES) return broken('is too long for a record');
  const match = HASH_AT_END.exec(line);
  if (match === null) return broken('is no record with a hash');
  const text = `${line.slice(0, match.index)}}`;
  if (sha256(text) !== match[1]) return broken('was changed: its hash is not that of its text');
  const record = parsed(text);
  if (record === null) return broken('is no record: not a JSON object');
  if (head !== null && record['prev_hash'] !== head.hash) {
    return broken('does not follow on the record before it: one was removed, added or moved');
  }
  const count = (head?.count ?? 0) + 1;
  return { ok: true, head: { count, hash: match[1] ?? '' }, record };
}

function broken(why: string): Checked {
  return { ok: false, why };
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The link of a segment to the one before, in its first record. */
export interface SegmentLink {
  /** From 1 on. */
  readonly number: number;
  /** Null in the first one. */
  readonly previous: {
    readonly name: string;
    /** Records of the chain before this segment, and the hash of the last. */
    readonly head: ChainHead;
    /** Bytes behind its last whole record. */
    readonly torn: number;
  } | null;
}

/** Reads the link from the first record of a segment; null: it is not one. */
export function linkOf(record: Readonly<Record<string, unknown>>): SegmentLink | null {
  const metadata = objectOf(record['metadata']);
  if (metadata?.['event'] !== 'segment') return null;
  const number = metadata['number'];
  if (!isCount(number) || number < 1) return null;
  if (number === 1) return { number, previous: null };
  const previous = objectOf(metadata['previous']);
  const head = headOf(previous?.['head']);
  const name = previous?.['name'];
  const torn = previous?.['torn'];
  if (head === null || typeof name !== 'string' || !isCount(torn)) return null;
  return { number, previous: { name, head, torn } };
}

/** Reads a head from JSON; null: it is not one. */
export function headOf(value: unknown): ChainHead | null {
  const head = objectOf(value);
  const hash = head?.['hash'];
  const count = head?.['count'];
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash) || !isCount(count)) return null;
  return { count, hash };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
