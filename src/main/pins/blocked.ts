/**
 * A configuration in which servers are blocked: they are shown, keep their names and prefixes, and are not
 * started. Pure.
 */
import type { GatewayConfig, ServerConfig } from '../../shared/model/config.ts';

/** More of them are left out: a file can have any number, and each costs a lane. */
const MOST_BLOCKED = 64;
/** So many more than at the start are shown as servers: there must be room for them beside all others. */
export const MOST_MORE_BLOCKED = 16;

/** The entry of a server that is not started. */
export function blockedServer(server: ServerConfig, why: string): ServerConfig {
  // One is shown for all clients.
  return { ...server, instances: 'shared', blocked: why };
}

/** @param why by the name of each server that is blocked. */
export function withBlocked(
  config: GatewayConfig,
  why: ReadonlyMap<string, string>,
): GatewayConfig {
  if (why.size === 0) return config;
  let left = MOST_BLOCKED;
  const servers = config.servers.flatMap((server) => {
    const reason = why.get(server.name);
    if (reason === undefined) return [server];
    left -= 1;
    return left < 0 ? [] : [blockedServer(server, reason)];
  });
  // What nobody has accepted owns no names and no URIs.
  const reserved = config.reserved.filter(({ server }) => !why.has(server));
  return { ...config, servers, reserved };
}
