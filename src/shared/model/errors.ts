/**
 * The catalogue of errors that a client can see. Codes are stable: documented in docs/errors.md,
 * never renamed, never told apart by their text.
 */
export type ErrorCode =
  | 'ERR_BREAKER_OPEN'
  | 'ERR_BACKOFF'
  | 'ERR_HALTED'
  | 'ERR_QUEUE_FULL'
  | 'ERR_TIMEOUT'
  | 'ERR_OUTCOME_UNKNOWN'
  | 'ERR_MESSAGE_TOO_LARGE'
  | 'ERR_MALFORMED_MESSAGE'
  | 'ERR_HTTP_STATUS'
  | 'ERR_RESULT_TOO_LARGE'
  | 'ERR_DENIED_CONTENT'
  | 'ERR_DENIED_PATH'
  | 'ERR_PIN_DRIFT'
  | 'ERR_DENIED_MASK'
  | 'ERR_DENIED_SECRET'
  | 'ERR_AUDIT_UNAVAILABLE'
  | 'ERR_DENIED_TIER'
  | 'ERR_DENIED_TOOL'
  | 'ERR_RATE_LIMITED'
  | 'ERR_DOWNSTREAM_DOWN';

/** The rules that a person has made, by the code of their refusals; as metrics and the audit log name them. */
export const RULES = {
  ERR_HALTED: 'halt',
  ERR_PIN_DRIFT: 'pin',
  ERR_DENIED_TOOL: 'tools',
  ERR_DENIED_TIER: 'tier',
  ERR_RATE_LIMITED: 'rate',
  ERR_DENIED_PATH: 'path',
  ERR_DENIED_MASK: 'mask',
  ERR_DENIED_SECRET: 'secret',
  ERR_DENIED_CONTENT: 'content',
  ERR_AUDIT_UNAVAILABLE: 'audit',
} as const satisfies Partial<Record<ErrorCode, string>>;

/** @returns undefined: it is no refusal by a rule. */
export function ruleOfCode(code: string | null): string | undefined {
  return code !== null && Object.hasOwn(RULES, code)
    ? RULES[code as keyof typeof RULES]
    : undefined;
}

/**
 * The known effect of a failed call. `not_sent`: it never left the gateway. `unknown`: it may have been
 * executed. `answered`: the server answered, but the answer cannot be delivered.
 */
export type Outcome = 'not_sent' | 'unknown' | 'answered';

export type Phase =
  | 'idle'
  | 'starting'
  | 'ready'
  | 'backoff'
  | 'draining'
  | 'stopped'
  | 'failed'
  /** Its program is not pinned: it is not started until a person has accepted it. */
  | 'blocked';

/** The object under `_meta["rea/error"]` (tools/call) or `data["rea/error"]` (other requests). */
export interface ReaError {
  readonly code: ErrorCode;
  readonly server: string | null;
  readonly phase: Phase | null;
  readonly outcome: Outcome;
  /** True when the same call may be sent again without risk of a double effect. */
  readonly retryable: boolean;
  /** ISO time from which a retry makes sense. */
  readonly retry_at?: string;
}

/** JSON-RPC codes the gateway itself uses. */
export const JSON_RPC = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  gatewayError: -32000,
  timeout: -32001,
} as const;

/** Codes by which revisions without a handshake tell a client to speak differently. */
export const HEADER_MISMATCH = -32_020;
export const MISSING_CAPABILITY = -32_021;
export const UNSUPPORTED_VERSION = -32_022;
