/**
 * How the gateway says that a call failed on its way: for tools/call an `isError` result that a model
 * can read, for every other request a JSON-RPC error; both carry the same machine-readable object.
 */

import { errorParts, resultParts, toolErrorResult } from '../../shared/json/json-rpc.ts';
import {
  type ErrorCode,
  JSON_RPC,
  type Outcome,
  type Phase,
  type ReaError,
} from '../../shared/model/errors.ts';

export interface Failure {
  readonly code: ErrorCode;
  readonly server: string | null;
  readonly phase: Phase | null;
  readonly outcome: Outcome;
  readonly message: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly retryAt: number | null;
  /** A person has to do something first. @default false */
  readonly isFinal?: true;
}

/** The one answer of a failed request, as parts of a JSON text. */
export function failureParts(method: string, idRaw: Uint8Array, failure: Failure): Uint8Array[] {
  const error = reaError(failure);
  if (method === 'tools/call') {
    return resultParts(idRaw, toolErrorResult(failure.message, error));
  }
  const code = failure.code === 'ERR_TIMEOUT' ? JSON_RPC.timeout : JSON_RPC.gatewayError;
  return errorParts(idRaw, code, failure.message, { 'rea/error': error });
}

/** What programs read of it. */
export function reaError(failure: Omit<Failure, 'message'>): ReaError {
  return {
    code: failure.code,
    server: failure.server,
    phase: failure.phase,
    outcome: failure.outcome,
    // What is denied is denied again on a retry.
    retryable:
      failure.outcome === 'not_sent' && !isDenied(failure.code) && failure.isFinal !== true,
    ...(failure.retryAt === null ? {} : { retry_at: new Date(failure.retryAt).toISOString() }),
  };
}

const DENIALS: ReadonlySet<ErrorCode> = new Set([
  'ERR_DENIED_PATH',
  'ERR_DENIED_MASK',
  'ERR_DENIED_SECRET',
  'ERR_DENIED_TIER',
  'ERR_DENIED_TOOL',
  'ERR_PIN_DRIFT',
]);

/** By a rule, which holds until a person changes it. */
export function isDenied(code: ErrorCode): boolean {
  return DENIALS.has(code);
}
