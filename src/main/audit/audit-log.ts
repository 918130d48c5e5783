/**
 * The audit log of this gateway as the rest of main sees it: numbers what is told, lets calls that write wait
 * until their `begin` is on the disk, and says what becomes of them when it cannot be. Writes nothing itself.
 */
import {
  AUDIT_OFF,
  type AuditEvent,
  type AuditPolicy,
  type AuditRecord,
} from '../../shared/model/audit.ts';
import type { ErrorCode } from '../../shared/model/errors.ts';
import { type CommittedMessage, KINDS, type RedactedItem } from '../../shared/protocol/audit.ts';
import { clip } from '../../shared/text/clean-text.ts';
import type { Asker, Audit, RefusedRequest } from '../calls/audit.ts';
import type { Call, CallTarget } from '../calls/call.ts';
import type { CallOutcome } from '../calls/observer.ts';
import type { LogSecrets } from '../log-secrets.ts';
import {
  type AuditThreadOptions,
  AuditWriterThread,
  type Failing,
} from '../threads/audit-writer-thread.ts';
import { NamedItems } from './named-items.ts';

export interface AuditLogOptions {
  readonly policy: AuditPolicy;
  /** The autonomy level that is in force. */
  readonly level: string;
  /** What threads are started with, besides what is known here. */
  readonly data: Omit<
    ReturnType<AuditThreadOptions['data']>,
    'policy' | 'level' | 'secrets' | 'owner' | 'lost'
  >;
  readonly secrets: Pick<LogSecrets, 'values' | 'hideIn'>;
  readonly probeMs: number;
  readonly log: AuditThreadOptions['log'];
  readonly onWritten: (records: number, syncMs: number | null) => void;
  /** What is shown has changed in a way that somebody may wait for. */
  readonly onChange: () => void;
}

const MAX_ERROR = 500;
/** A disk that has not written after this time is one that cannot. */
const PATIENCE_MS = 5000;

export class AuditLog implements Audit {
  readonly #options: AuditLogOptions;
  readonly #thread: AuditWriterThread;
  #policy: AuditPolicy;
  #level: string;
  #owner = false;
  /** Its records may be told. */
  #open = false;
  readonly #named: NamedItems;
  /** Calls that wait, by the number of their `begin`, in its order. */
  readonly #waiting = new Map<number, Call>();
  #failing: { readonly error: string; readonly since: string } | null = null;
  #records = 0;
  #lost = 0;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#policy = options.policy;
    this.#level = options.level;
    this.#thread = new AuditWriterThread({
      data: () => ({
        ...options.data,
        policy: this.#policy,
        level: this.#level,
        secrets: options.secrets.values(),
        owner: this.#owner,
        lost: this.#lost,
      }),
      probeMs: options.probeMs,
      log: options.log,
      onCommitted: (message) => this.#committed(message),
      onFailing: (message) => this.#failed(message),
    });
    this.#named = new NamedItems((item, all) => this.#thread.introduce(item, all));
  }

  get policy(): AuditPolicy {
    return this.#policy;
  }

  /** For the state file. */
  get record(): AuditRecord {
    if (!this.#open) return AUDIT_OFF;
    return {
      state: this.#failing === null ? 'on' : 'failing',
      error: this.#failing?.error ?? null,
      since: this.#failing?.since ?? null,
      lag_ms: this.#thread.lagMs,
      records: this.#records,
      lost: this.#lost,
    };
  }

  /** Begins the log, unless the policy has turned it off. */
  start(event: AuditEvent): void {
    if (!this.#policy.enabled) return;
    this.#open = true;
    this.#thread.start();
    this.event(event);
  }

  /** Another policy: what becomes of records from now on. The change itself is always recorded. */
  setPolicy(policy: AuditPolicy, level: string, event: AuditEvent): void {
    const before = this.#policy;
    this.#policy = policy;
    this.#level = level;
    if (this.#thread.started) this.#thread.post({ type: 'policy', policy, level });
    if (!before.enabled && policy.enabled) return this.start(event);
    this.event(event);
    if (policy.enabled) return;
    this.#open = false;
    this.#letGo([...this.#waiting.keys()], 'kept');
  }

  setOwner(owner: boolean): void {
    this.#owner = owner;
    if (this.#thread.started) this.#thread.post({ type: 'owner', owner });
  }

  /** These, and no others, may occur in no record from now on. */
  hide(values: readonly string[]): void {
    if (this.#thread.started) this.#thread.post({ type: 'secrets', values });
  }

  /** Asked from time to time: a disk that hangs must not hold calls forever. */
  check(): void {
    if (!this.#open || this.#failing !== null || this.#thread.lagMs < PATIENCE_MS) return;
    const error = `nothing could be written for ${PATIENCE_MS / 1000} s`;
    this.#failed({ seq: Infinity, error });
  }

  /** The present head of the chain; null: there is none. */
  anchor(): ReturnType<AuditWriterThread['anchor']> {
    return this.#thread.anchor();
  }

  async close(event: AuditEvent, deadlineMs: number): Promise<void> {
    this.event(event);
    this.#open = false;
    await this.#thread.close(deadlineMs);
  }

  begins(call: Call, server: string): boolean {
    const { tier, line } = call;
    if (!this.#open || tier === null || tier === 'read') return false;
    const seq = this.#thread.next();
    const subject = this.#named.subject(call, server, tier);
    const client = this.#named.client(call.owner, call.clientName);
    const row = this.#thread.row(seq, line, true);
    row.push(KINDS.begin, seq, Date.now(), call.id, subject, client, line.length, 0, 0, 0, 0);
    if (this.#failing !== null) {
      call.record = this.#policy.onFailure === 'deny' ? 'failed' : 'kept';
      return call.record === 'failed';
    }
    call.record = 'asked';
    this.#waiting.set(seq, call);
    return true;
  }

  ended(
    call: Call,
    server: string,
    outcome: CallOutcome,
    code: ErrorCode | null,
    ms: number | null,
  ): void {
    const { tier } = call;
    if (!this.#open || tier === null) return;
    const seq = this.#thread.next();
    const subject = this.#named.subject(call, server, tier);
    const client = this.#named.client(call.owner, call.clientName);
    const how = this.#named.word(outcome);
    const why = code === null ? 0 : this.#named.word(code);
    // Its line is told once.
    const line = call.record === 'none' ? call.line : null;
    const [took, length] = [ms ?? Number.NaN, line?.length ?? 0];
    const sent = call.postedTo === null ? 0 : 1;
    if (call.redacted !== null) this.#thread.tell(seq, redactedItem(call.id, call.redacted));
    const row = this.#thread.row(seq, line, false);
    row.push(KINDS.end, seq, Date.now(), call.id, subject, client, length, how, why, took, sent);
  }

  refused({ server, method, tool, client, clientName, code }: RefusedRequest): void {
    if (!this.#open) return;
    const seq = this.#thread.next();
    const by = this.#named.client(client, clientName);
    this.#thread.tell(seq, { type: 'refused', seq, server, tool, method, client: by, code });
  }

  event(event: AuditEvent, by?: Asker): void {
    if (!this.#open) return;
    const client = by === undefined ? null : this.#named.client(by.client, by.clientName);
    const seq = this.#thread.next();
    this.#thread.tell(seq, { type: 'event', seq, at: Date.now(), event, client });
  }

  #committed({ seq, records, syncMs, lost }: CommittedMessage): void {
    // What was given up may have been the beginning of any of these calls.
    const isWhole = lost === this.#lost || this.#policy.onFailure !== 'deny';
    this.#records += records;
    this.#lost = lost;
    this.#options.onWritten(records, syncMs);
    if (this.#failing !== null) {
      this.#failing = null;
      this.#options.onChange();
    }
    this.#letGo(this.#upTo(seq), isWhole ? 'kept' : 'failed');
  }

  #failed({ seq, error, lost = this.#lost }: Failing): void {
    this.#lost = lost;
    const since = this.#failing?.since ?? new Date().toISOString();
    const shown = clip(String(this.#options.secrets.hideIn(error)), MAX_ERROR);
    if (this.#failing?.error !== shown) {
      this.#failing = { error: shown, since };
      this.#options.onChange();
    }
    this.#letGo(this.#upTo(seq), this.#policy.onFailure === 'deny' ? 'failed' : 'kept');
  }

  #upTo(seq: number): number[] {
    const found: number[] = [];
    for (const one of this.#waiting.keys()) {
      if (one > seq) break;
      found.push(one);
    }
    return found;
  }

  #letGo(numbers: readonly number[], record: 'kept' | 'failed'): void {
    const targets = new Set<CallTarget>();
    for (const one of numbers) {
      const call = this.#waiting.get(one);
      this.#waiting.delete(one);
      if (call === undefined) continue;
      call.record = record;
      targets.add(call.target);
    }
    for (const target of targets) target.recordsKept();
  }
}

/** `github-token ×2`, for each kind of secret in the call's answer. */
function redactedItem(call: number, counts: Readonly<Record<string, number>>): RedactedItem {
  const kinds = Object.entries(counts).map(([kind, count]) => `${kind} ×${count}`);
  return { type: 'redacted', call, kinds };
}
