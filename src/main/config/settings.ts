/**
 * Options as written → complete settings: the built-in defaults, over them `defaults` of the file, over them
 * the server's own. All default values are in this file.
 */
import type {
  HttpLimitsConfig,
  LimitsConfig,
  ServerConfig,
  ThreadsConfig,
} from '../../shared/model/config.ts';
import type { HttpLimitOptions, LimitOptions, ThreadOptions } from './draft.ts';
import type { ServerOptions } from './schema.ts';

/** The settings of a server that have a default. */
export type Settings = Pick<
  ServerConfig,
  | 'asks'
  | 'tools'
  | 'tierOverrides'
  | 'trusted'
  | 'maxCallsPerMinute'
  | 'instructions'
  | 'pin'
  | 'startTimeoutMs'
  | 'callTimeoutMs'
  | 'callTotalTimeoutMs'
  | 'askTimeoutMs'
  | 'maxConcurrency'
  | 'maxQueue'
  | 'maxMessageBytes'
  | 'maxResultBytes'
  | 'restart'
  | 'breaker'
  | 'liveness'
  | 'start'
  | 'idleStopMs'
  | 'maxRssMb'
  | 'detached'
  | 'instances'
  | 'maxInstances'
  | 'priority'
  | 'protocol'
>;

const MIB = 1024 * 1024;
const DEFAULT_BYTE_CREDIT = 192 * MIB;
const DEFAULT_SLOW_CLIENT_MS = 60_000;
/** The byte credit has room for at least this many messages of the largest size. */
const MESSAGES_IN_CREDIT = 3;

export const DEFAULT_LIST_WAIT_MS = 3000;
export const DEFAULT_IDLE_EXIT_MS = 60_000;
const DEFAULT_THREADS: ThreadsConfig = {
  mode: 'auto',
  dedicatedUpTo: 8,
  mostShared: 4,
  heapMb: 64,
  stallMs: 1500,
};

const DEFAULT_HTTP: HttpLimitsConfig = { maxSessions: 256, maxConnections: 1024 };

const DEFAULTS: Settings = {
  asks: { elicitation: 'allow', sampling: 'allow', unsolicited: 'deny' },
  tools: { allow: ['*'], deny: [] },
  tierOverrides: {},
  trusted: false,
  maxCallsPerMinute: 0,
  instructions: 'on',
  pin: 'on',
  startTimeoutMs: 30_000,
  callTimeoutMs: 60_000,
  callTotalTimeoutMs: 600_000,
  askTimeoutMs: 1_800_000,
  maxConcurrency: 64,
  maxQueue: 256,
  maxMessageBytes: 33_554_432,
  maxResultBytes: 33_554_432,
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
  detached: 'end',
  instances: 'shared',
  maxInstances: 8,
  priority: 'auto',
  protocol: 'auto',
};

/** @param layers later ones win, key by key. */
export function settle(...layers: readonly ServerOptions[]): Settings {
  return layers.reduce<Settings>(overlay, DEFAULTS);
}

export function settleThreads(options: ThreadOptions): ThreadsConfig {
  return {
    mode: options.mode ?? DEFAULT_THREADS.mode,
    dedicatedUpTo: options.dedicated_up_to ?? DEFAULT_THREADS.dedicatedUpTo,
    mostShared: options.most_shared ?? DEFAULT_THREADS.mostShared,
    heapMb: options.heap_mb ?? DEFAULT_THREADS.heapMb,
    stallMs: options.stall_ms ?? DEFAULT_THREADS.stallMs,
  };
}

/** @param largestMessage the largest `max_message_bytes` of all servers. */
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

export function settleHttp(options: HttpLimitOptions): HttpLimitsConfig {
  return {
    maxSessions: options.max_sessions ?? DEFAULT_HTTP.maxSessions,
    maxConnections: options.max_connections ?? DEFAULT_HTTP.maxConnections,
  };
}

/** The smallest byte credit that is allowed. */
export function leastCredit(largestMessage: number): number {
  return MESSAGES_IN_CREDIT * largestMessage;
}

function overlay(base: Settings, options: ServerOptions): Settings {
  return {
    asks: asksOver(base.asks, options.asks),
    tools: toolsOver(base.tools, options.tools),
    tierOverrides: { ...base.tierOverrides, ...options.tier_overrides },
    trusted: options.trusted ?? base.trusted,
    maxCallsPerMinute: options.max_calls_per_minute ?? base.maxCallsPerMinute,
    instructions: options.instructions ?? base.instructions,
    pin: options.pin ?? base.pin,
    startTimeoutMs: options.start_timeout_ms ?? base.startTimeoutMs,
    callTimeoutMs: options.call_timeout_ms ?? base.callTimeoutMs,
    callTotalTimeoutMs: options.call_total_timeout_ms ?? base.callTotalTimeoutMs,
    askTimeoutMs: options.ask_timeout_ms ?? base.askTimeoutMs,
    maxConcurrency: options.max_concurrency ?? base.maxConcurrency,
    maxQueue: options.max_queue ?? base.maxQueue,
    maxMessageBytes: options.max_message_bytes ?? base.maxMessageBytes,
    maxResultBytes: options.max_result_bytes ?? base.maxResultBytes,
    restart: restartOver(base.restart, options.restart),
    breaker: breakerOver(base.breaker, options.breaker),
    liveness: livenessOver(base.liveness, options.liveness),
    ...processesOver(base, options),
    protocol: options.protocol ?? base.protocol,
  };
}

function processesOver(base: Settings, options: ServerOptions) {
  return {
    start: options.start ?? base.start,
    idleStopMs: options.idle_stop_ms ?? base.idleStopMs,
    maxRssMb: options.max_rss_mb ?? base.maxRssMb,
    detached: options.detached ?? base.detached,
    instances: options.instances ?? base.instances,
    maxInstances: options.max_instances ?? base.maxInstances,
    priority: options.priority ?? base.priority,
  };
}

function asksOver(
  base: Settings['asks'],
  { elicitation, sampling, unsolicited }: ServerOptions['asks'] = {},
): Settings['asks'] {
  return {
    elicitation: elicitation ?? base.elicitation,
    sampling: sampling ?? base.sampling,
    unsolicited: unsolicited ?? base.unsolicited,
  };
}

function toolsOver(
  base: Settings['tools'],
  { allow, deny }: ServerOptions['tools'] = {},
): Settings['tools'] {
  return { allow: allow ?? base.allow, deny: deny ?? base.deny };
}

function restartOver(
  base: Settings['restart'],
  options: ServerOptions['restart'] = {},
): Settings['restart'] {
  return {
    intensity: options.intensity ?? base.intensity,
    periodMs: options.period_ms ?? base.periodMs,
    backoffMs: options.backoff_ms ?? base.backoffMs,
    backoffMaxMs: options.backoff_max_ms ?? base.backoffMaxMs,
    stableMs: options.stable_ms ?? base.stableMs,
  };
}

function breakerOver(
  base: Settings['breaker'],
  options: ServerOptions['breaker'] = {},
): Settings['breaker'] {
  return {
    failures: options.failures ?? base.failures,
    cooldownMs: options.cooldown_ms ?? base.cooldownMs,
  };
}

function livenessOver(
  base: Settings['liveness'],
  options: ServerOptions['liveness'] = {},
): Settings['liveness'] {
  return {
    idleMs: options.idle_ms ?? base.idleMs,
    timeoutMs: options.timeout_ms ?? base.timeoutMs,
    misses: options.misses ?? base.misses,
  };
}
