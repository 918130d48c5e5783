/**
 * Compares configurations by the programs and addresses that they use, not by names of servers. When the
 * file changes, new programs are held back until a person accepts them; all else applies at once. Pure.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { GatewayConfig, ServerConfig } from '../../shared/model/config.ts';
import { leastCredit } from './settings.ts';

/** An entry of the wanted configuration that is not put in force. */
export interface Withheld {
  readonly wanted: ServerConfig;
  /** The present entry of this name, which stays in force; null: a new name, and nothing is started. */
  readonly running: ServerConfig | null;
  /** The server that still has the prefix wanted for this one; null: held back since its program is new. */
  readonly prefixOf: string | null;
}

export interface Split {
  /** The configuration that may be put in force now. */
  readonly config: GatewayConfig;
  /** In the order of the file. */
  readonly withheld: readonly Withheld[];
}

/**
 * Equal for two servers with the same program or address, whatever their names and settings; null for an
 * unavailable server.
 */
export function programKey(server: ServerConfig): string | null {
  // The parts that could not be filled in are not known any more, so there is nothing to compare.
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
 * Separates entries that may be put in force at once from those that wait. A server whose program is new
 * keeps its present entry as a whole; if it has none, it is left out or shown as blocked.
 *
 * @param blocked the entry of a server that is not started; null: it is left out.
 */
export function splitByProgram(
  running: GatewayConfig,
  wanted: GatewayConfig,
  isKnown: (server: ServerConfig) => boolean,
  blocked: (server: ServerConfig) => ServerConfig | null = () => null,
): Split {
  const old = new Map(
    running.servers
      // Nothing of them runs, so there is no entry to go on with.
      .filter((server) => server.blocked === null)
      .map((server) => [server.name, server]),
  );
  const withheld = new Map<string, Withheld>();
  const keepers = new Map<string, string>();
  const withhold = (server: ServerConfig, prefixOf: string | null) => {
    const present = old.get(server.name) ?? null;
    withheld.set(server.name, { wanted: server, running: present, prefixOf });
    if (present !== null && present.prefix !== '') keepers.set(present.prefix, server.name);
  };
  for (const server of wanted.servers) {
    if (server.unavailable === null && !isKnown(server)) withhold(server, null);
  }
  // A server that keeps its entry keeps its prefix, too; the file may give that prefix to another one.
  const clashes = (server: ServerConfig) =>
    !withheld.has(server.name) && keepers.has(server.prefix);
  for (let one = wanted.servers.find(clashes); one !== undefined; ) {
    withhold(one, keepers.get(one.prefix) ?? null);
    one = wanted.servers.find(clashes);
  }
  const servers = wanted.servers.flatMap((server) => {
    const held = withheld.get(server.name);
    if (held === undefined) return [server];
    if (held.running !== null) return [held.running];
    return held.prefixOf !== null || keepers.has(server.prefix) ? [] : (blocked(server) ?? []);
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

/** For a server that waits the present reservations stay, if any: its new prefix and URIs wait with it. */
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

/** A server that keeps its entry may have larger messages than the wanted byte credit allows. */
function limitsFor(
  servers: readonly ServerConfig[],
  { limits }: GatewayConfig,
): GatewayConfig['limits'] {
  const largest = Math.max(0, ...servers.map(({ maxMessageBytes }) => maxMessageBytes));
  return { ...limits, byteCreditBytes: Math.max(limits.byteCreditBytes, leastCredit(largest)) };
}

/** Everything that identifies a program or address, by its key in the file, in a fixed order. */
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
