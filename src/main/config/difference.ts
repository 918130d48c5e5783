/**
 * Compares two configurations: which servers are added, removed, replaced or adjusted, and which
 * settings of the gateway differ. Pure. Order, comments and formatting of a file make no difference.
 */
import { isDeepStrictEqual } from 'node:util';
import type { GatewayConfig, ServerConfig } from '../../shared/model/config.ts';

export interface Difference {
  readonly added: readonly ServerConfig[];
  readonly removed: readonly ServerConfig[];
  /** The same name, but another process is needed. */
  readonly replaced: readonly ServerConfig[];
  /** The process can stay; settings that only main uses differ. */
  readonly adjusted: readonly ServerConfig[];
}

/** Settings used by main, told to the supervisor, or used at the next start of a server: a running one can stay. */
const OF_MAIN = [
  'prefix',
  'asks',
  'tools',
  'tierOverrides',
  'trusted',
  'maxCallsPerMinute',
  'rules',
  'resources',
  'instructions',
  'pin',
  'callTimeoutMs',
  'callTotalTimeoutMs',
  'askTimeoutMs',
  'maxConcurrency',
  'maxQueue',
  'breaker',
  'start',
  'idleStopMs',
  'maxRssMb',
  'maxResultBytes',
  'maxInstances',
] as const satisfies readonly (keyof ServerConfig)[];

/** Each list is in the order of the configuration that its servers are from. */
export function difference(
  before: readonly ServerConfig[],
  after: readonly ServerConfig[],
): Difference {
  const old = new Map(before.map((config) => [config.name, config]));
  const names = new Set(after.map(({ name }) => name));
  const added: ServerConfig[] = [];
  const replaced: ServerConfig[] = [];
  const adjusted: ServerConfig[] = [];
  for (const config of after) {
    const known = old.get(config.name);
    if (known === undefined) added.push(config);
    else if (!isDeepStrictEqual(ofProcess(known), ofProcess(config))) replaced.push(config);
    else if (!isDeepStrictEqual(ofMain(known), ofMain(config))) adjusted.push(config);
  }
  return { added, removed: before.filter(({ name }) => !names.has(name)), replaced, adjusted };
}

/** Settings that differ and that the gateway reads only at its start, as written in the file. */
export function keysOfNextStart(running: GatewayConfig, wanted: GatewayConfig): string[] {
  const keys: [string, number | string, number | string][] = [
    ['threads.mode', running.threads.mode, wanted.threads.mode],
    ['threads.dedicated_up_to', running.threads.dedicatedUpTo, wanted.threads.dedicatedUpTo],
    ['threads.most_shared', running.threads.mostShared, wanted.threads.mostShared],
    ['threads.heap_mb', running.threads.heapMb, wanted.threads.heapMb],
    ['threads.stall_ms', running.threads.stallMs, wanted.threads.stallMs],
    ['list_wait_ms', running.listWaitMs, wanted.listWaitMs],
    ['idle_exit_ms', running.idleExitMs, wanted.idleExitMs],
    ['slow_client_ms', running.limits.slowClientMs, wanted.limits.slowClientMs],
    ['http.max_sessions', running.http.maxSessions, wanted.http.maxSessions],
    ['http.max_connections', running.http.maxConnections, wanted.http.maxConnections],
  ];
  return keys.filter(([, now, then]) => now !== then).map(([key]) => `defaults.${key}`);
}

function ofMain(config: ServerConfig): unknown[] {
  return OF_MAIN.map((key) => config[key]);
}

function ofProcess(config: ServerConfig): object {
  const rest: Partial<Record<keyof ServerConfig, unknown>> = { ...config };
  for (const key of OF_MAIN) delete rest[key];
  const { clientCapabilities, envPassthrough } = config;
  return {
    ...rest,
    // Parsed: the order of keys and of names makes no difference.
    clientCapabilities: clientCapabilities === null ? null : JSON.parse(clientCapabilities),
    envPassthrough: new Set(envPassthrough),
  };
}
