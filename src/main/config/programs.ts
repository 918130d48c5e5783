/**
 * What a configuration starts and reaches, by program and not by name of server: so that of a change of
 * the file only what is new in this sense can be held back until a person takes it. Pure.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { GatewayConfig, ServerConfig } from '../../shared/model/config.ts';
import { leastCredit } from './settings.ts';

/** An entry of the wanted configuration that is not put in force. */
export interface Withheld {
  readonly wanted: ServerConfig;
  /** The entry of this name that goes on as it is; null: there is none, and nothing is started. */
  readonly running: ServerConfig | null;
  /** The server that keeps the prefix this one is to have; null: its program is new. */
  readonly prefixOf: string | null;
}

export interface Split {
  /** What may be put in force. */
  readonly config: GatewayConfig;
  /** In the order of the file. */
  readonly withheld: readonly Withheld[];
}

/**
 * Equal for two servers that run the same or reach the same, whatever their names and settings; null for
 * one that can do neither.
 */
export function programKey(server: ServerConfig): string | null {
  // Which part of it could not be filled in is not to be seen any more: it is no program to compare with.
  if (server.unavailable !== null) return null;
  const hash = createHash('sha256');
  for (const [name, value] of partsOf(server)) {
    const pieces = typeof value === 'string' ? [value] : value;
    for (const piece of [name, ...pieces]) hash.update(`${JSON.stringify(piece)},`);
    hash.update(';');
  }
  return hash.digest('base64');
}

/** The parts of a program that differ, in the words of the file; values are not among them. */
export function changedParts(before: ServerConfig, after: ServerConfig): string[] {
  const [old, now] = [partsOf(before), partsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((part) => {
    return !isDeepStrictEqual(old.get(part), now.get(part));
  });
}

/**
 * Parts what may be put in force at once from what is to wait. A server whose program is new keeps its
 * present entry as a whole, or is left out where it has none.
 */
export function splitByProgram(
  running: GatewayConfig,
  wanted: GatewayConfig,
  isKnown: (programKey: string) => boolean,
): Split {
  const old = new Map(running.servers.map((server) => [server.name, server]));
  const withheld = new Map<string, Withheld>();
  const keepers = new Map<string, string>();
  const withhold = (server: ServerConfig, prefixOf: string | null) => {
    const present = old.get(server.name) ?? null;
    withheld.set(server.name, { wanted: server, running: present, prefixOf });
    if (present !== null && present.prefix !== '') keepers.set(present.prefix, server.name);
  };
  for (const server of wanted.servers) {
    const key = programKey(server);
    if (key !== null && !isKnown(key)) withhold(server, null);
  }
  // Whoever stays as it is keeps its prefix, which the file may have given to another.
  const clashes = (server: ServerConfig) =>
    !withheld.has(server.name) && keepers.has(server.prefix);
  for (let one = wanted.servers.find(clashes); one !== undefined; ) {
    withhold(one, keepers.get(one.prefix) ?? null);
    one = wanted.servers.find(clashes);
  }
  const servers = wanted.servers.flatMap((server) => {
    const held = withheld.get(server.name);
    if (held === undefined) return [server];
    return held.running === null ? [] : [held.running];
  });
  return {
    config: {
      ...wanted,
      servers,
      reserved: reservedFor(running, wanted, (name) => withheld.has(name)),
      limits: limitsFor(servers, wanted),
    },
    withheld: wanted.servers.flatMap(({ name }) => withheld.get(name) ?? []),
  };
}

/** Of one that waits what is reserved for it now, if anything is: its prefix and its URIs wait with it. */
function reservedFor(
  running: GatewayConfig,
  wanted: GatewayConfig,
  waits: (name: string) => boolean,
): GatewayConfig['reserved'] {
  return wanted.reserved.flatMap((entry) => {
    if (!waits(entry.server)) return [entry];
    return running.reserved.find(({ server }) => server === entry.server) ?? [];
  });
}

/** A server that stays as it is may have larger messages than the wanted credit is made for. */
function limitsFor(
  servers: readonly ServerConfig[],
  { limits }: GatewayConfig,
): GatewayConfig['limits'] {
  const largest = Math.max(0, ...servers.map(({ maxMessageBytes }) => maxMessageBytes));
  return { ...limits, byteCreditBytes: Math.max(limits.byteCreditBytes, leastCredit(largest)) };
}

/** Everything that decides what runs or is reached, by its name in the file, in a fixed order. */
function partsOf(server: ServerConfig): Map<string, string | readonly string[]> {
  const { endpoint } = server;
  if (endpoint !== null) {
    const headers = Object.entries(endpoint.headers).map(([name, value]) => {
      return [`header ${name.toLowerCase()}`, value] as const;
    });
    return new Map<string, string | readonly string[]>([
      ['url', endpoint.url],
      ['token_file', endpoint.tokenFile === null ? [] : [endpoint.tokenFile]],
      ...headers.sort(byName),
    ]);
  }
  const variables = Object.entries(server.env).map(([name, value]) => {
    return [`env ${name}`, value] as const;
  });
  return new Map<string, string | readonly string[]>([
    ['command', server.command],
    ['args', server.args],
    ['cwd', server.cwd],
    ['env_passthrough', [...new Set(server.envPassthrough)].sort()],
    ...variables.sort(byName),
  ]);
}

function byName([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : 1;
}
