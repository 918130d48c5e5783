/** Faults that people meet: the status names the cause of each, and the table of causes what to do. */
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Cause, causeOf } from '#src/main/causes/causes.ts';
import { startFixture, stopHttpServers } from '../support/http-server.ts';
import { FAULTY_ENV, type PlantedFault, plantedFaults } from '../support/planted-faults.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, QUICK, registry } from '../support/servers.ts';
import { onTerminal } from '../support/terminal.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const edge = createServer((request, response) => {
  const status = Number(request.url?.slice(1));
  if (request.url === '/moved') {
    response.writeHead(307, { location: 'https://user:pw@elsewhere.invalid/v2/mcp#top' });
  } else response.writeHead(status);
  response.end();
});
const taken = createServer();

let rea: Rea;
let faults: Readonly<Record<string, PlantedFault>>;
/** By server, as the status tells them at the end. */
let servers: readonly any[];

beforeAll(async () => {
  const dir = makeDirectory();
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
  for (const server of [edge, taken]) {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  }
  const portOf = (server: typeof edge) => (server.address() as AddressInfo).port;
  faults = plantedFaults({
    file,
    script,
    port: portOf(taken),
    http: `http://127.0.0.1:${portOf(edge)}`,
    https: `https://localhost:${secure.port}/mcp`,
  });
  const specs = Object.fromEntries(
    Object.entries(faults).map(([name, { server }]) => [name, server]),
  );
  // Those that are restarted keep their trouble meanwhile: none is stable before the end.
  const restart = { ...QUICK.restart, stable_ms: 600_000 };
  rea = await startRea({
    cwd: dir,
    config: registry({ good: fixture('echo'), ...specs }, { list_wait_ms: 200, restart }),
    env: FAULTY_ENV,
  });
  for (const name of Object.keys(faults)) {
    await rea.waitForServer(name, ({ last_error }) => last_error !== null, { what: 'failing' });
  }
  const { json } = await rea.status();
  servers = json.serve.downstreams;
});
afterAll(async () => {
  edge.close();
  taken.close();
  await stopHttpServers();
  await tidy();
});

function causeNamed(name: string): Cause | null {
  return causeOf(servers.find((one) => one.name === name));
}

test('each cause is known, with what to do about it', () => {
  for (const [name, { why, action, reason = 'handshake' }] of Object.entries(faults)) {
    const cause = causeNamed(name);
    expect(cause?.why, name).toMatch(why);
    expect(cause?.action, name).toMatch(action);
    // Two rows at eighty columns.
    expect(cause?.action?.length, name).toBeLessThanOrEqual(100);
    const { last_exit } = servers.find((one) => one.name === name);
    expect(last_exit?.reason ?? null, name).toBe(reason);
  }
  expect(causeNamed('good')).toBeNull();
  expect(Object.keys(faults).length).toBeGreaterThanOrEqual(20);
});

test.each([40, 80, 160])(
  'the status names each cause and what to do on %i columns',
  async (columns) => {
    const args = ['status', '--verbose', '--cwd', rea.dir];
    const page = (await onTerminal(args, { columns }).ended).replaceAll(/\s+/g, '');
    for (const name of Object.keys(faults)) {
      const { why = 'none', action = null } = causeNamed(name) ?? {};
      // The rest of a long one may be cut.
      const [first = ''] = why.slice(0, 120).split('; ');
      expect(page, name).toContain(first.replaceAll(/\s+/g, ''));
      expect(page, name).toContain(`→${action}`.replaceAll(/\s+/g, ''));
    }
  },
);

test('a refused call says what helps', async () => {
  const { message, failure } = await rea.call('no-variable__anything');
  expect(JSON.stringify([message, failure])).toMatch(
    /last error: missing env: PLANTED_NOWHERE; what helps: set PLANTED_NOWHERE where rea serve/,
  );
});

test('a file that cannot be read at a reload is named, with its line', async () => {
  writeRegistry(rea.dir, 'version: "1"\nservers: [\n');
  await rea.waitForState(({ reload }) => reload.problems?.refused === true, { what: 'refused' });
  for (const columns of [40, 80, 160]) {
    const page = await onTerminal(['status', '--cwd', rea.dir], { columns }).ended;
    expect(page.replaceAll(/\s+/g, '')).toMatch(/registry\.yaml:\d+:/);
  }
});
