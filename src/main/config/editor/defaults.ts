/**
 * The value that holds where a key is not written, by the names of the files. Keys without one (what counts then
 * is no single value) are left out.
 */

import { isObject } from '../../../shared/model/is-object.ts';
import { UNSAID } from '../../push/rules.ts';
import { BUILT_IN_POLICY } from '../policy.ts';
import {
  DEFAULT_IDLE_EXIT_MS,
  DEFAULT_LIST_WAIT_MS,
  settle,
  settleHttp,
  settleLimits,
  settleThreads,
} from '../settings.ts';

/** A mapping by the names of its keys; other values are defaults. */
export interface Defaults {
  readonly [key: string]: unknown;
}

const MIB = 1024 * 1024;

export function serverDefaults(): Defaults {
  return {
    ...(inSnakeCase(settle()) as Defaults),
    args: [],
    headers: {},
    insecure_http: false,
    resources: { owner: [] },
    env: {},
    env_passthrough: [],
    enabled: true,
  };
}

/** Of the keys of `defaults` that are about the gateway. */
export function gatewayDefaults(): Defaults {
  const { byteCreditBytes, slowClientMs } = settleLimits({}, settle().maxMessageBytes);
  return {
    threads: inSnakeCase(settleThreads({})),
    list_wait_ms: DEFAULT_LIST_WAIT_MS,
    idle_exit_ms: DEFAULT_IDLE_EXIT_MS,
    byte_credit_mb: byteCreditBytes / MIB,
    slow_client_ms: slowClientMs,
    http: inSnakeCase(settleHttp({})),
  };
}

export function policyDefaults(): Defaults {
  const { autonomyLevel, askTimeoutMs, cancelInFlight, pins, redact, injection, audit, ...policy } =
    BUILT_IN_POLICY;
  return {
    autonomy_level: autonomyLevel,
    max_autonomy_level: autonomyLevel,
    ask_timeout_ms: askTimeoutMs,
    blocked_paths: [],
    tools: { allow: ['*'], deny: [] },
    halt: { cancel_in_flight: cancelInFlight },
    pins: { programs: pins.programs, definitions: pins.definitions },
    redact: { results: redact.results, arguments: redact.arguments, patterns: [] },
    injection_detection: injection,
    audit: {
      enabled: audit.enabled,
      on_failure: audit.onFailure,
      keep_mb: audit.keepMb,
      rotation: { max_bytes: audit.maxBytes },
    },
    push_gate: UNSAID.mode,
    gateway: { health: { expose_diagnostics: policy.exposeDiagnostics } },
    ui: { show_arguments: policy.showArguments },
  };
}

/** `maxRssMb` → `max_rss_mb`, in mappings within, too. */
function inSnakeCase(value: unknown): unknown {
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, one]) => [
    key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    inSnakeCase(one),
  ]);
  return Object.fromEntries(entries) as Defaults;
}
