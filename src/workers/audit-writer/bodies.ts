/**
 * Makes records of what main tells: calls, refusals, events. Every text is cut and redacted here; what
 * calls are given is kept as a hash alone. Holds the calls that have begun and not ended.
 */
import { createHash } from 'node:crypto';
import { member } from '../../shared/json/json-slice.ts';
import type { AuditBody, AuditEvent, AuditStatus } from '../../shared/model/audit.ts';
import { ruleOfCode } from '../../shared/model/errors.ts';
import type {
  ClientItem,
  PackedCall,
  RefusedItem,
  SubjectItem,
} from '../../shared/protocol/audit.ts';
import { clip } from '../../shared/text/clean-text.ts';
import { boundedFacts } from '../../shared/text/facts.ts';
import { Redactor } from '../../shared/text/redact.ts';

const MAX_NAME = 256;
const MAX_TEXT = 300;
/** Where the arguments of a request are, in this order. */
const ARGUMENTS = ['arguments', 'uri', 'ref'];

interface Begun {
  readonly request: string | undefined;
}

export class Bodies {
  readonly #session: string;
  readonly #secrets = new Set<string>();
  readonly #subjects = new Map<number, SubjectItem>();
  readonly #clients = new Map<number, string>();
  readonly #calls = new Map<number, Begun>();
  #redactor = new Redactor({});
  /** The autonomy level that is in force. */
  level: string | null = null;

  constructor(session: string, secrets: readonly string[]) {
    this.#session = session;
    this.learn(secrets);
  }

  learn(secrets: readonly string[]): void {
    for (const secret of secrets) this.#secrets.add(secret);
    this.#redactor = new Redactor({ values: [...this.#secrets] });
  }

  know(item: SubjectItem | ClientItem): void {
    if (item.type === 'client') this.#clients.set(item.id, this.#clean(item.name, 100));
    else {
      const tool = item.tool === null ? null : this.#clean(item.tool, MAX_NAME);
      const method = this.#clean(item.method, MAX_NAME);
      this.#subjects.set(item.id, { ...item, tool, method });
    }
  }

  /** A call begins. @returns its record; null for one that only reads. @param line sent to its server. */
  begins(numbers: PackedCall, line: Uint8Array, writes: boolean): AuditBody | null {
    const [, seq, at, call, subject, client] = numbers;
    const request = hashOf(line);
    this.#calls.set(Number(call), { request });
    if (!writes) return null;
    return this.#body(Number(at), {
      ...this.#whose(subject, client),
      request,
      metadata: { event: 'begin', call, seq, ...this.#method(subject) },
    });
  }

  ends(numbers: PackedCall): AuditBody {
    const [, seq, at, call, subject, client, how, code, ms, sent] = numbers;
    const begun = this.#calls.get(Number(call));
    this.#calls.delete(Number(call));
    const outcome = outcomeOf(String(how), sent === 1);
    return this.#body(Number(at), {
      ...this.#whose(subject, client),
      status: statusOf(String(how), code === null ? null : String(code)),
      duration_ms: typeof ms === 'number' ? Math.round(ms * 100) / 100 : null,
      error: code === null ? undefined : String(code),
      request: begun?.request,
      rule: ruleOfCode(code === null ? null : String(code)),
      outcome,
      metadata: { event: 'end', call, seq, how, ...this.#method(subject) },
    });
  }

  refused(item: RefusedItem, at: number): AuditBody {
    const { server, tool, method, client, code, seq } = item;
    return this.#body(at, {
      server_name: server,
      tool_name: tool === null ? null : this.#clean(tool, MAX_NAME),
      client: this.#clients.get(client),
      status: statusOf('refused', code),
      error: code,
      rule: ruleOfCode(code),
      outcome: 'not_sent',
      metadata: { event: 'refused', seq, method: this.#clean(method, MAX_NAME) },
    });
  }

  /** @param seq null: the writer's own. */
  event(
    { event, server, tool, tier, status, error, request, facts = {} }: AuditEvent,
    at: number,
    { seq, client = null }: { readonly seq: number | null; readonly client?: number | null },
  ): AuditBody {
    const clean = (text: string, max: number) => this.#clean(text, max);
    return this.#body(at, {
      tool_name: tool === undefined ? null : clean(tool, MAX_NAME),
      server_name: server === undefined ? null : clean(server, MAX_NAME),
      tier: tier ?? null,
      status: status ?? 'allowed',
      error: error === undefined ? undefined : clean(error, MAX_TEXT),
      request,
      client: client === null ? undefined : this.#clients.get(client),
      metadata: { event, ...(seq === null ? {} : { seq }), ...boundedFacts(facts, clean) },
    });
  }

  /** An event of the writer's own whose facts are bounded already: names and hashes, which verification needs as they are. */
  exact({ event, facts }: AuditEvent, at: number): AuditBody {
    return this.#body(at, { metadata: { event, ...facts } });
  }

  #body(at: number, fields: Partial<AuditBody> & Pick<AuditBody, 'metadata'>): AuditBody {
    return {
      timestamp: new Date(at).toISOString(),
      session_id: this.#session,
      tool_name: null,
      server_name: null,
      tier: null,
      status: 'allowed',
      autonomy_level: this.level,
      duration_ms: null,
      ...fields,
    };
  }

  #whose(subject: unknown, client: unknown): Partial<AuditBody> {
    const of = this.#subjects.get(Number(subject));
    return {
      tool_name: of?.tool ?? null,
      server_name: of?.server ?? null,
      tier: of?.tier ?? null,
      client: this.#clients.get(Number(client)),
    };
  }

  #method(subject: unknown): { method?: string } {
    const method = this.#subjects.get(Number(subject))?.method;
    return method === undefined || method === 'tools/call' ? {} : { method };
  }

  #clean(text: string, max: number): string {
    // Cut twice: redaction looks at a bounded text, and its marks may be longer than what they replace.
    return clip(this.#redactor.redact(clip(text, 4 * max)), max);
  }
}

/** sha256 of the bytes of the arguments in the line of a request; undefined: it has none. */
function hashOf(line: Uint8Array): string | undefined {
  const params = member(line, [0, line.length], 'params');
  if (params === null) return undefined;
  for (const name of ARGUMENTS) {
    const at = member(line, params, name);
    if (at === null) continue;
    return createHash('sha256').update(line.subarray(at[0], at[1])).digest('hex');
  }
  return undefined;
}

/** The one place that says which ends of calls are denials. */
function statusOf(how: string, code: string | null): AuditStatus {
  if (how === 'ok') return 'allowed';
  return how === 'refused' && ruleOfCode(code) !== undefined ? 'denied' : 'error';
}

/** What is known of the effect: the words of errors that clients see. */
function outcomeOf(how: string, sent: boolean): 'not_sent' | 'unknown' | 'answered' {
  if (how === 'ok' || how === 'error' || how === 'undeliverable') return 'answered';
  return how === 'refused' || !sent ? 'not_sent' : 'unknown';
}
