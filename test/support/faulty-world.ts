/** The servers of planted faults, and what these need: files, ports that are taken, addresses that answer badly. */
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startFixture, stopHttpServers } from './http-server.ts';
import { type PlantedFault, plantedFaults } from './planted-faults.ts';

export interface FaultyWorld {
  readonly faults: Readonly<Record<string, PlantedFault>>;
  close(): Promise<void>;
}

/** @param dir where files are made. */
export async function openFaultyWorld(dir: string): Promise<FaultyWorld> {
  const file = join(dir, 'plain');
  writeFileSync(file, 'text');
  const script = join(dir, 'script');
  writeFileSync(script, '#!/no/such/interpreter\n');
  chmodSync(script, 0o700);
  execFileSync(
    'openssl',
    'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem'.split(
      ' ',
    ),
    { cwd: dir, stdio: 'ignore' },
  );
  const secure = await startFixture('--tls', dir);
  const edge = createServer((request, response) => {
    const status = Number(request.url?.slice(1));
    if (request.url === '/moved') {
      response.writeHead(307, { location: 'https://user:pw@elsewhere.invalid/v2/mcp#top' });
    } else response.writeHead(status);
    response.end();
  });
  const taken = createServer();
  for (const server of [edge, taken]) {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  }
  const portOf = (server: typeof edge) => (server.address() as AddressInfo).port;
  const faults = plantedFaults({
    file,
    script,
    port: portOf(taken),
    http: `http://127.0.0.1:${portOf(edge)}`,
    https: `https://localhost:${secure.port}/mcp`,
  });
  return {
    faults,
    close: async () => {
      edge.close();
      taken.close();
      await stopHttpServers();
    },
  };
}
