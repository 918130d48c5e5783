/**
 * Options as written → complete settings: built-in defaults, then `defaults` of the file, then the
 * server's own. The one place where default values stand.
 */
import type { LimitsConfig, ServerConfig, ThreadsConfig } from '../../shared/model/config.ts';
import type { LimitOptions, ThreadOptions } from './draft.ts';
import type { ServerOptions } from './schema.ts';

/** Everything of a server that has a default. */
export type Settings = Pick<
  ServerConfig,
  | 'asks'
  | 'tools'
  | 'instructions'
  | 'startTimeoutMs'
  | 'callTimeoutMs'
  | 'callTotalTimeoutMs'
  | 'maxConcurrency'
  | 'maxQueue'
  | 'maxMessageBytes'
  | 'restart'
  | 'breaker'
  | 'liveness'
  | 'start'
  | 'idleStopMs'
  | 'maxRssMb'
  | 'instances'
  | 'maxInstances'
  | 'priority'
>;

const MIB = 1024 * 1024;
const DEFAULT_BYTE_CREDIT = 192 * MIB;
const DEFAULT_SLOW_CLIENT_MS = 60_000;
/** The credit holds at least so many of the largest message. */
const MESSAGES_IN_CREDIT = 3;

export const DEFAULT_LIST_WAIT_MS = 3000;
const DEFAULT_THREADS: ThreadsConfig = {
  mode: 'auto',
  dedicatedUpTo: 32,
  heapMb: 64,
  stallMs: 1500,
};

const DEFAULTS: Settings = {
  asks: { elicitation: 'allow', sampling: 'allow', unsolicited: 'deny' },
  tools: { allow: ['*'], deny: [] },
  instructions: 'on',
  startTimeoutMs: 30_000,
  callTimeoutMs: 60_000,
  callTotalTimeoutMs: 600_000,
  maxConcurrency: 64,
  maxQueue: 256,
  maxMessageBytes: 33_554_432,
  restart: {
    intensity: 5,
    periodMs: 30_000,
    backoffMs: 200,
    backoffMaxMs: 30_000,
    stableMs: 5000,
  },
  breaker: { failures: 5, cooldownMs: 30_000 },
  liveness: { idleMs: 30_000, timeoutMs: 5000, misses: 2 },
  start: 'eager',
  idleStopMs: 0,
  maxRssMb: 0,
  instances: 'shared',
  maxInstances: 8,
  priority: 'auto',
};

/** @param layers later ones win, key by key. */
export function settle(...layers: readonly ServerOptions[]): Settings {
  return layers.reduce<Settings>(overlay, DEFAULTS);
}

export function settleThreads(options: ThreadOptions): ThreadsConfig {
  return {
    mode: options.mode ?? DEFAULT_THREADS.mode,
    dedicatedUpTo: options.dedicated_up_to ?? DEFAULT_THREADS.dedicatedUpTo,
    heapMb: options.heap_mb ?? DEFAULT_THREADS.heapMb,
    stallMs: options.stall_ms ?? DEFAULT_THREADS.stallMs,
  };
}

/** @param largestMessage the largest `max_message_bytes` there is. */
export function settleLimits(options: LimitOptions, largestMessage: number): LimitsConfig {
  const { byte_credit_mb, slow_client_ms } = options;
  return {
    byteCreditBytes:
      byte_credit_mb === undefined
        ? Math.max(DEFAULT_BYTE_CREDIT, leastCredit(largestMessage))
        : byte_credit_mb * MIB,
    slowClientMs: slow_client_ms ?? DEFAULT_SLOW_CLIENT_MS,
  };
}

/** Bytes that the credit has to have at least. */
export function leastCredit(largestMessage: number): number {
  return MESSAGES_IN_CREDIT * largestMessage;
}

function overlay(base: Settings, options: ServerOptions): Settings {
  const { asks, tools, restart, breaker, liveness } = options;
  return {
    asks: {
      elicitation: asks?.elicitation ?? base.asks.elicitation,
      sampling: asks?.sampling ?? base.asks.sampling,
      unsolicited: asks?.unsolicited ?? base.asks.unsolicited,
    },
    tools: { allow: tools?.allow ?? base.tools.allow, deny: tools?.deny ?? base.tools.deny },
    instructions: options.instructions ?? base.instructions,
    startTimeoutMs: options.start_timeout_ms ?? base.startTimeoutMs,
    callTimeoutMs: options.call_timeout_ms ?? base.callTimeoutMs,
    callTotalTimeoutMs: options.call_total_timeout_ms ?? base.callTotalTimeoutMs,
    maxConcurrency: options.max_concurrency ?? base.maxConcurrency,
    maxQueue: options.max_queue ?? base.maxQueue,
    maxMessageBytes: options.max_message_bytes ?? base.maxMessageBytes,
    restart: {
      intensity: restart?.intensity ?? base.restart.intensity,
      periodMs: restart?.period_ms ?? base.restart.periodMs,
      backoffMs: restart?.backoff_ms ?? base.restart.backoffMs,
      backoffMaxMs: restart?.backoff_max_ms ?? base.restart.backoffMaxMs,
      stableMs: restart?.stable_ms ?? base.restart.stableMs,
    },
    breaker: {
      failures: breaker?.failures ?? base.breaker.failures,
      cooldownMs: breaker?.cooldown_ms ?? base.breaker.cooldownMs,
    },
    liveness: {
      idleMs: liveness?.idle_ms ?? base.liveness.idleMs,
      timeoutMs: liveness?.timeout_ms ?? base.liveness.timeoutMs,
      misses: liveness?.misses ?? base.liveness.misses,
    },
    start: options.start ?? base.start,
    idleStopMs: options.idle_stop_ms ?? base.idleStopMs,
    maxRssMb: options.max_rss_mb ?? base.maxRssMb,
    instances: options.instances ?? base.instances,
    maxInstances: options.max_instances ?? base.maxInstances,
    priority: options.priority ?? base.priority,
  };
}
