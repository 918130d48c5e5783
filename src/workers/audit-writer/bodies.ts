/**
 * Makes records of what main tells, but for calls: refusals and events. Every text is cut and redacted here.
 */
import type { AuditBody, AuditEvent } from '../../shared/model/audit.ts';
import { ruleOfCode } from '../../shared/model/errors.ts';
import type { ClientItem, RefusedItem } from '../../shared/protocol/audit.ts';
import { clip } from '../../shared/text/clean-text.ts';
import { boundedFacts } from '../../shared/text/facts.ts';
import { ChangingRedactor } from '../../shared/text/redact.ts';
import { keep, MAX_CLIENT, MAX_NAME, statusOf } from './call-records.ts';

const MAX_TEXT = 300;
export class Bodies {
  readonly #session: string;
  readonly #clients = new Map<number, string>();
  readonly #redactor = new ChangingRedactor();
  /** The autonomy level that is in force. */
  level: string | null = null;

  constructor(session: string, secrets: readonly string[]) {
    this.#session = session;
    this.hide(secrets);
  }

  /** These, and no others, may occur in no record from now on. */
  hide(secrets: readonly string[]): void {
    this.#redactor.hide(secrets);
  }

  know({ id, name }: ClientItem): void {
    keep(this.#clients, id, this.clean(name, MAX_CLIENT));
  }

  refused(item: RefusedItem, at: number): AuditBody {
    const { server, tool, method, client, code, seq } = item;
    return this.#body(at, {
      server_name: server,
      tool_name: tool === null ? null : this.clean(tool, MAX_NAME),
      client: this.#clients.get(client),
      status: statusOf('refused', code),
      error: code,
      rule: ruleOfCode(code),
      outcome: 'not_sent',
      metadata: { event: 'refused', seq, method: this.clean(method, MAX_NAME) },
    });
  }

  /** @param seq null: the writer's own. */
  event(
    { event, server, tool, tier, status, error, request, facts = {} }: AuditEvent,
    at: number,
    { seq, client = null }: { readonly seq: number | null; readonly client?: number | null },
  ): AuditBody {
    const clean = (text: string, max: number) => this.clean(text, max);
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

  /** Cuts a text, and takes secrets out. */
  clean(text: string, max: number): string {
    // Cut twice: redaction looks at a bounded text, and its marks may be longer than what they replace.
    return clip(this.#redactor.redact(clip(text, 4 * max)), max);
  }
}
