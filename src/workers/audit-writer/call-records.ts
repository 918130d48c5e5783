/**
 * Makes the records of calls from the rows that main tells, as text at once: there are two of them for most calls,
 * and what they have in common is turned into JSON once. What calls are given is kept as a hash alone. Holds the
 * calls that have begun and not ended.
 */
import { hash } from 'node:crypto';
import { givenIn } from '../../shared/json/given.ts';
import type { RecordText } from '../../shared/machines/audit-chain.ts';
import type { AuditStatus } from '../../shared/model/audit.ts';
import { ruleOfCode } from '../../shared/model/errors.ts';
import { type KnownItem, MOST_KNOWN, ROW, type SubjectItem } from '../../shared/protocol/audit.ts';
import { asciiJson } from '../../shared/text/clean-text.ts';

/** The record of a row, and its number. */
export interface CallRecord extends RecordText {
  readonly seq: number;
}

export interface CallRecordsOptions {
  readonly session: string;
  /** The autonomy level that is in force. */
  readonly level: () => string | null;
  /** Cuts a text, and takes secrets out. */
  readonly clean: (text: string, max: number) => string;
}

/** What is called, as parts of JSON. */
interface Subject {
  /** Of the opening of a record. */
  readonly names: string;
  /** Of its metadata. */
  readonly method: string;
}

export const MAX_NAME = 256;
export const MAX_CLIENT = 100;
const NOBODY: Subject = { names: '"tool_name":null,"server_name":null,"tier":null', method: '' };

export class CallRecords {
  readonly #options: CallRecordsOptions;
  readonly #session: string;
  readonly #subjects = new Map<number, Subject>();
  readonly #clients = new Map<number, string>();
  readonly #words = new Map<number, string>();
  /** The requests of calls that have begun, as parts of JSON. */
  readonly #begun = new Map<number, string>();
  /** Of calls whose end comes next, as parts of JSON. */
  readonly #redacted = new Map<number, string>();
  #lastAt = Number.NaN;
  #lastTime = '';

  constructor(options: CallRecordsOptions) {
    this.#options = options;
    this.#session = `"session_id":${asciiJson(options.session)}`;
  }

  know(item: KnownItem): void {
    const { clean } = this.#options;
    if (item.type === 'word') this.#words.set(item.id, item.word);
    else if (item.type === 'client') {
      keep(this.#clients, item.id, `,"client":${asciiJson(clean(item.name, MAX_CLIENT))}`);
    } else keep(this.#subjects, item.id, this.#subject(item));
  }

  /** A call that changes something begins. @param from where its row begins. @param line sent to its server. */
  begins(rows: Float64Array, from: number, line: Uint8Array | null): CallRecord {
    const [seq, call] = [rows[from + ROW.seq]!, rows[from + ROW.call]!];
    const subject = this.#subjectOf(rows, from);
    const request = line === null ? '' : requestOf(line);
    this.#begun.set(call, request);
    return {
      seq,
      opening: this.#opening(rows[from + ROW.at]!, subject, 'allowed', 'null'),
      rest: `${request}${this.#client(rows, from)},"metadata":{"event":"begin","call":${call},"seq":${seq}${subject.method}}}`,
    };
  }

  /** What its end is to say of secrets in its answer. */
  redacted(call: number, kinds: readonly string[]): void {
    const { clean } = this.#options;
    const shown = kinds.map((kind) => clean(kind, MAX_NAME));
    this.#redacted.set(call, `,"redacted_fields":${asciiJson(shown)}`);
  }

  /** @param line null: it was told when the call began. */
  ends(rows: Float64Array, from: number, line: Uint8Array | null): CallRecord {
    const [seq, call] = [rows[from + ROW.seq]!, rows[from + ROW.call]!];
    const subject = this.#subjectOf(rows, from);
    const request = line === null ? (this.#begun.get(call) ?? '') : requestOf(line);
    this.#begun.delete(call);
    const redacted = this.#redacted.get(call) ?? '';
    this.#redacted.delete(call);
    const how = this.#words.get(rows[from + ROW.how]!) ?? '';
    const code = this.#words.get(rows[from + ROW.code]!) ?? null;
    const ms = rows[from + ROW.ms]!;
    const took = Number.isNaN(ms) ? 'null' : String(Math.round(ms * 100) / 100);
    const error = code === null ? '' : `,"error":"${code}"`;
    const outcome = outcomeOf(how, rows[from + ROW.sent] === 1);
    return {
      seq,
      opening: this.#opening(rows[from + ROW.at]!, subject, statusOf(how, code), took),
      rest: `${error}${redacted}${request}${this.#client(rows, from)}${rulePart(code)},"outcome":"${outcome}","metadata":{"event":"end","call":${call},"seq":${seq},"how":"${how}"${subject.method}}}`,
    };
  }

  #opening(at: number, { names }: Subject, status: AuditStatus, took: string): string {
    if (at !== this.#lastAt) {
      this.#lastAt = at;
      this.#lastTime = new Date(at).toISOString();
    }
    const level = this.#options.level();
    const shown = level === null ? 'null' : `"${level}"`;
    return `{"timestamp":"${this.#lastTime}",${this.#session},${names},"status":"${status}","autonomy_level":${shown},"duration_ms":${took}`;
  }

  #subjectOf(rows: Float64Array, from: number): Subject {
    return this.#subjects.get(rows[from + ROW.subject]!) ?? NOBODY;
  }

  #client(rows: Float64Array, from: number): string {
    return this.#clients.get(rows[from + ROW.client]!) ?? '';
  }

  #subject({ tool, server, tier, method }: SubjectItem): Subject {
    const { clean } = this.#options;
    const name = tool === null ? null : clean(tool, MAX_NAME);
    const names = `"tool_name":${asciiJson(name)},"server_name":${asciiJson(server)},"tier":"${tier}"`;
    if (method === 'tools/call') return { names, method: '' };
    return { names, method: `,"method":${asciiJson(clean(method, MAX_NAME))}` };
  }
}

/** The one place that says which ends of calls are denials. */
export function statusOf(how: string, code: string | null): AuditStatus {
  if (how === 'ok') return 'allowed';
  return how === 'refused' && ruleOfCode(code) !== undefined ? 'denied' : 'error';
}

function rulePart(code: string | null): string {
  const rule = ruleOfCode(code);
  return rule === undefined ? '' : `,"rule":"${rule}"`;
}

/** What is known of the effect: the words of errors that clients see. */
function outcomeOf(how: string, sent: boolean): 'not_sent' | 'unknown' | 'answered' {
  if (how === 'ok' || how === 'error' || how === 'undeliverable') return 'answered';
  return how === 'refused' || !sent ? 'not_sent' : 'unknown';
}

/** sha256 of the bytes of the arguments in the line of a request, as a part of JSON; empty: it has none. */
function requestOf(line: Uint8Array): string {
  const at = givenIn(line);
  return at === null ? '' : `,"request":"${hash('sha256', line.subarray(at[0], at[1]), 'hex')}"`;
}

/**
 * When there are too many, the half goes that was told longest ago: main tells subjects anew beyond 20,000 of them, and
 * a client that stays again before it would be among these.
 */
export function keep<V>(map: Map<number, V>, id: number, value: V): void {
  map.delete(id);
  map.set(id, value);
  if (map.size <= MOST_KNOWN) return;
  let left = MOST_KNOWN / 2;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    left -= 1;
    if (left === 0) return;
  }
}
