/**
 * The audit log as calls and servers see it: what is told where it happens. Calls that change something
 * wait until it is on the disk that they begin.
 */
import type { AuditEvent } from '../../shared/model/audit.ts';
import type { ErrorCode } from '../../shared/model/errors.ts';
import type { Call, CallOwner } from './call.ts';
import type { CallOutcome } from './observer.ts';
import type { Refusal } from './refusals.ts';

/** Whose request something is. */
export interface Asker {
  readonly client: CallOwner;
  /** As it has introduced itself, bounded; null: it has not. */
  readonly clientName: string | null;
}

/** A request that was refused before it was a call. */
export interface RefusedRequest extends Asker {
  readonly server: string;
  readonly method: string;
  /** As its client wrote it, bounded; null: it names none. */
  readonly tool: string | null;
  readonly code: ErrorCode;
}

export interface Audit {
  /**
   * The call is about to be made, or to wait for its turn. Told once.
   *
   * @returns true when it has to wait: `call.record` changes, and `recordsKept` of its target is called.
   */
  begins(call: Call, server: string): boolean;
  /** Told once for each call, at its end. @param ms since it was handed to its server. */
  ended(
    call: Call,
    server: string,
    outcome: CallOutcome,
    code: ErrorCode | null,
    ms: number | null,
  ): void;
  refused(request: RefusedRequest): void;
  /** @param by whose it is; without it no client's. */
  event(event: AuditEvent, by?: Asker): void;
}

export const AUDIT_UNAVAILABLE: Refusal = {
  kind: 'refuse',
  code: 'ERR_AUDIT_UNAVAILABLE',
  why: 'the audit log cannot be written, and calls that change something are refused then (audit.on_failure: deny); rea status says why',
  retryAt: null,
};
