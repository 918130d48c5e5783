/** Calls as they end, for whoever looks at them; told beside the audit log. Costs a look at a variable while nobody does. */
import type { AuditEvent } from '../../shared/model/audit.ts';
import type { ErrorCode } from '../../shared/model/errors.ts';
import type { Asker, Audit, RefusedRequest } from './audit.ts';
import type { Call } from './call.ts';
import type { CallOutcome } from './observer.ts';

/** A request that has its answer, or will get none. */
export interface EndedCall {
  /** Unix time in milliseconds. */
  readonly at: number;
  /** As it has introduced itself; null: it has not. */
  readonly client: string | null;
  readonly server: string;
  readonly method: string;
  /** The tool or prompt as its server calls it; null: it names none. */
  readonly name: string | null;
  /** Since it was handed to its server; null when it never was, or may take any time. */
  readonly ms: number | null;
  readonly outcome: CallOutcome;
  readonly code: ErrorCode | null;
  /** Of the request and its answer. */
  readonly bytes: number;
  /** The request as its server got it, not to be kept; null: it was refused before there was one. */
  readonly line: Uint8Array | null;
}

export class SeenCalls implements Audit {
  readonly #audit: Audit;
  #take: ((call: EndedCall) => void) | null = null;

  /** @param audit is told everything. */
  constructor(audit: Audit) {
    this.#audit = audit;
  }

  /** @returns what ends it. There is one who looks at a time. */
  watch(take: (call: EndedCall) => void): () => void {
    this.#take = take;
    return () => {
      if (this.#take === take) this.#take = null;
    };
  }

  begins(call: Call, server: string): boolean {
    return this.#audit.begins(call, server);
  }

  ended(
    call: Call,
    server: string,
    outcome: CallOutcome,
    code: ErrorCode | null,
    ms: number | null,
  ): void {
    this.#audit.ended(call, server, outcome, code, ms);
    // The gateway's own are nobody's.
    if (this.#take === null || call.subject === null) return;
    const { clientName: client, method, subject, line, answerBytes } = call;
    const bytes = line.length + answerBytes;
    const { name } = subject;
    this.#take({ at: Date.now(), client, server, method, name, ms, outcome, code, bytes, line });
  }

  refused(request: RefusedRequest): void {
    this.#audit.refused(request);
    if (this.#take === null) return;
    const { clientName: client, server, method, tool: name, code } = request;
    const rest = { ms: null, outcome: 'refused', bytes: 0, line: null } as const;
    this.#take({ at: Date.now(), client, server, method, name, code, ...rest });
  }

  event(event: AuditEvent, by?: Asker): void {
    this.#audit.event(event, by);
  }
}
