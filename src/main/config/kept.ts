/**
 * A changed file in which entries have mistakes: their servers go on as they are, and all else of the file holds.
 * A mistake can hide which server an entry is about; then no server is taken for removed. Pure.
 */
import type { GatewayConfig, ServerConfig } from '../../shared/model/config.ts';
import type { Mistakes } from './load.ts';

/** @param wanted the file as it was read. */
export function keepRunning(
  running: GatewayConfig,
  wanted: GatewayConfig,
  mistakes: Mistakes,
): GatewayConfig {
  if (mistakes.servers.size === 0 && mistakes.nameless === 0) return wanted;
  const present = new Map(running.servers.map((server) => [server.name, server]));
  const inFile = new Set(wanted.servers.map(({ name }) => name));
  const missing =
    mistakes.nameless === 0 ? [] : running.servers.filter(({ name }) => !inFile.has(name));
  const kept = new Map<string, ServerConfig>(missing.map((server) => [server.name, server]));
  for (const name of mistakes.servers) {
    const server = present.get(name);
    if (server !== undefined) kept.set(name, server);
  }
  const keepers = new Map(
    [...kept.values()]
      .filter(({ prefix }) => prefix !== '')
      .map(({ name, prefix }) => [prefix, name]),
  );
  const servers = wanted.servers.map((server) => {
    const own = kept.get(server.name);
    if (own !== undefined) return own;
    const keeper = keepers.get(server.prefix);
    if (keeper === undefined) return server;
    const reason = `server "${keeper}" keeps the prefix "${server.prefix}" until its entry is mended`;
    return { ...server, unavailable: server.unavailable ?? reason };
  });
  const reservedBefore = new Map(running.reserved.map((one) => [one.server, one]));
  const reserved = wanted.reserved
    .filter(({ server }) => !kept.has(server))
    .concat([...kept.keys()].flatMap((name) => reservedBefore.get(name) ?? []));
  return { ...wanted, servers: [...servers, ...missing], reserved };
}
