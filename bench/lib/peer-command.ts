/** How gateways from npm are started with the servers that rea has, as their own documentation says. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from './peers.ts';
import type { Server } from './servers.ts';

export function peerCommand(
  peer: Peer,
  port: number,
  dir: string,
  servers: readonly Server[],
): { args: string[]; path: string; kind: 'sse' | 'streamable' } {
  const [server] = servers as [Server];
  const command = [server.command, ...server.args];
  switch (peer) {
    case 'mcp-hub':
      return {
        args: ['--port', String(port), '--config', mcpServers(dir, servers)],
        path: '/mcp',
        kind: 'sse',
      };
    case 'mcp-proxy':
      return {
        args: ['--host', '127.0.0.1', '--port', String(port), '--', ...command],
        path: '/mcp',
        kind: 'streamable',
      };
    case 'supergateway':
      return {
        args: ['--stdio', command.join(' '), '--port', String(port)],
        path: '/sse',
        kind: 'sse',
      };
  }
}

/** Writes the servers as a client's file. @returns its path. */
export function mcpServers(dir: string, servers: readonly Server[]): string {
  const file = join(dir, 'servers.json');
  const entries = servers.map(({ name, command, args }) => [name, { command, args }]);
  writeFileSync(file, JSON.stringify({ mcpServers: Object.fromEntries(entries) }));
  return file;
}
