/** Servers over HTTP that are away for a while: not up yet, restarted, behind a proxy, behind a gateway that stops. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { Hold } from '../support/hold.ts';
import { initialize } from '../support/http-door.ts';
import { HEADERS } from '../support/http-edge.ts';
import { front } from '../support/http-front.ts';
import { freePort, startFixture, stopHttpServers } from '../support/http-server.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, QUICK, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const doors: Server[] = [];

afterAll(async () => {
  await tidy();
  await stopHttpServers();
  for (const door of doors) door.close();
});

/** Few deaths make a crash loop, and a crash loop would take longer than the test may. */
const STRICT = {
  restart: { ...QUICK.restart, intensity: 2, backoff_ms: 600_000, backoff_max_ms: 600_000 },
  breaker: { failures: 2, cooldown_ms: 600_000 },
};

test.concurrent('a server that is away for a moment loses no call, and is not taken for one that crashes', async () => {
  const server = await startFixture('--no-get');
  const rea = await front(server, STRICT);
  const effects = join(rea.dir, 'effects');
  for (let round = 1; round <= 4; round += 1) {
    await server.kill();
    const calls = [1, 2, 3].map(() => rea.call('web__effect', { file: effects }));
    await rea.waitForServer('web', isAway, { what: `away for the ${round}. time` });
    await startFixture('--no-get', '--port', server.port).then((next) => {
      server.kill = () => next.kill();
    });
    const answers = await Promise.all(calls);
    expect(answers.map(({ text, failure }) => [text, failure])).toEqual(
      Array(3).fill(['done', null]),
    );
    expect(lines(effects)).toHaveLength(3 * round);
    // A restart is one for each absence, however often it was tried.
    await rea.waitForServer(
      'web',
      ({ phase, restarts }) => phase === 'ready' && restarts === round,
      {
        what: 'back',
      },
    );
  }
  const [web] = rea.state()?.downstreams ?? [];
  expect(web).toMatchObject({ circuit_state: 'closed', open_transitions: 0 });
  expect(rea.stderr.match(/"msg":"unreachable"/g)).toHaveLength(4);
  expect(rea.stderr.match(/ECONNREFUSED/g)).toHaveLength(4);
});

test.concurrent('connections that end before a byte is said are an absence, and calls are told so in time', async () => {
  const door = await resetting();
  const rea = await startRea({
    config: registry({ web: { url: door.url }, echo: fixture('echo') }, STRICT),
  });
  const waiting = rea.call('web__echo', { text: 'too early' });
  // More often than any crash loop allows, and quicker than any back-off.
  await until(() => door.connections() > 6, { what: 'many tries' });
  expect(rea.state()?.downstreams[0]).toMatchObject({ phase: 'backoff', restarts: 0 });
  expect((await rea.call('echo__echo', { text: 'meanwhile' })).text).toBe('meanwhile');
  const early = await waiting;
  expect(early.failure).toMatchObject({ outcome: 'not_sent' });
  await rea.waitForLog('"msg":"unreachable"');
  door.close();
  await startFixture('--port', door.port);
  await rea.waitForPhase('web', 'ready');
  expect((await rea.call('web__echo', { text: 'here' })).text).toBe('here');
  expect(rea.stderr.match(/"msg":"unreachable"/g)).toHaveLength(1);
  expect(rea.stderr).not.toContain('"msg":"child_died_unexpectedly"');
});

test.concurrent('a server whose port goes on taking connections while it is away is found out at the first call', async () => {
  const server = await startFixture('--no-get');
  const rea = await front(server, {
    ...STRICT,
    liveness: { idle_ms: 600_000, timeout_ms: 600_000, misses: 2 },
  });
  await server.written({ method: 'ping' });
  await rea.call('web__echo', { text: 'a' });
  await server.kill();
  const door = await resetting(server.port);
  // It may have been carried out, for all that anybody knows.
  expect((await rea.call('web__echo', { text: 'b' })).failure?.outcome).toBe('unknown');
  await rea.waitForServer('web', isAway, { what: 'away' });
  const effects = join(rea.dir, 'effects');
  const waiting = rea.call('web__effect', { file: effects });
  const before = door.connections();
  await until(() => door.connections() > before, { what: 'one more try' });
  door.close();
  await startFixture('--no-get', '--port', server.port);
  expect((await waiting).text).toBe('done');
  expect(lines(effects)).toHaveLength(1);
});

test.concurrent('a proxy that says HTTP 502, 503 or 504 has no server behind it yet', async () => {
  const cases = await Promise.all(
    [502, 503, 504].map(async (status) => ({ status, proxy: await answering(status) })),
  );
  const servers = cases.map(({ status, proxy }) => [`web${status}`, { url: proxy.url }] as const);
  const rea = await startRea({ config: registry(Object.fromEntries(servers), STRICT) });
  for (const { status, proxy } of cases) {
    await until(() => proxy.requests() > 4, { what: `many tries to a proxy that says ${status}` });
    const away = await rea.waitForServer(`web${status}`, isAway, { what: 'away' });
    expect(away.last_error).toContain(`HTTP ${status}; nobody home`);
    proxy.close();
    await startFixture('--port', proxy.port);
    await rea.waitForPhase(`web${status}`, 'ready');
  }
});

test.concurrent('a name that means nothing yet is waited for', async () => {
  const rea = await startRea({
    config: registry({ web: { url: 'https://not-up-yet.invalid/mcp' } }, STRICT),
  });
  const away = await rea.waitForServer('web', isAway, { what: 'away' });
  expect(away.last_error).toMatch(
    /cannot connect to not-up-yet\.invalid(:443)? \((ENOTFOUND|EAI_AGAIN)\)/,
  );
  expect(
    (await rea.waitForServer('web', ({ incarnation }) => incarnation > 3, { what: 'tried' })).phase,
  ).toBe('backoff');
});

test.concurrent('a handshake that is refused counts, as before', async () => {
  const proxy = await answering(418);
  const rea = await startRea({ config: registry({ web: { url: proxy.url } }, STRICT) });
  const web = await rea.waitForPhase('web', 'failed');
  expect(web.last_error).toContain('HTTP 418');
});

test.concurrent('a call to a port that takes connections and says nothing was not sent, and says so', async () => {
  const dir = certificate();
  const server = await startFixture('--tls', dir);
  const rea = await startRea({
    env: { NODE_EXTRA_CA_CERTS: join(dir, 'cert.pem') },
    config: registry({
      web: { url: `https://localhost:${server.port}/mcp` },
      hurried: { url: `https://localhost:${server.port}/mcp`, call_timeout_ms: 300 },
    }),
  });
  await rea.waitForPhase('web', 'ready');
  await rea.waitForPhase('hurried', 'ready');
  await rea.tools();
  await server.kill();
  const mute = await listening(server.port);
  const [slow, hurried] = await Promise.all([
    rea.call('web__echo', { text: 'a' }),
    rea.call('hurried__echo', { text: 'b' }),
  ]);
  expect(hurried.failure).toMatchObject({
    code: 'ERR_TIMEOUT',
    outcome: 'not_sent',
    retryable: true,
  });
  // Its own time is a minute, but a connection has to stand sooner.
  expect(slow.failure).toMatchObject({ code: 'ERR_BACKOFF', outcome: 'not_sent', retryable: true });
  expect(slow.text).toContain('ETIMEDOUT');
  mute.close();
});

test.concurrent('a gateway that stops takes nothing new, ends what it has, and the one before it waits for the next', async () => {
  const dir = makeDirectory();
  const port = await freePort();
  const behind = await startBehind(port, dir);
  const between = await passing(port);
  const before = await startRea({ config: registry({ web: { url: between.url } }, STRICT) });
  await before.waitForPhase('web', 'ready');
  const held = new Hold();
  const open = before.begin('web__echo__hold', held.args);
  await held.begun();
  const url = `http://127.0.0.1:${port}/mcp`;
  const session = (await initialize(url)).headers.get('mcp-session-id') ?? '';
  behind.kill('SIGTERM');
  await until(async () => (await fetch(new URL('/readyz', url))).status === 503, {
    what: 'a stop',
  });
  const refused = await fetch(url, {
    method: 'POST',
    headers: { ...HEADERS, 'mcp-session-id': session },
    body: '{"jsonrpc":"2.0","id":"mine","method":"tools/list"}',
  });
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(refused.headers.get('rea-outcome')).toBe('not_sent');
  expect(await refused.json()).toMatchObject({ id: 'mine', error: { code: -32000 } });

  const file = join(dir, 'effects');
  const late = before.call('web__echo__side-effect', { file, text: 'once' });
  await until(() => between.seen().includes('rea-outcome: not_sent'), { what: 'a refusal' });
  expect(open.answered()).toBe(false);
  held.end();
  expect((await open.answer).text).toBe('held');
  await behind.exited;
  await startBehind(port, dir);
  expect((await late).failure).toBeNull();
  expect(readFileSync(file, 'utf8')).toBe('once\n');
});

function startBehind(port: number, cwd: string): Promise<Rea> {
  return startRea({
    cwd,
    args: ['--http', `127.0.0.1:${port}`, '--no-token', '--grace', '60s'],
    config: registry({ echo: fixture('echo') }),
    initialize: false,
  });
}

function isAway({ phase, last_error }: { phase: string; last_error: string | null }): boolean {
  return phase === 'backoff' && last_error !== null;
}

/** A port that takes requests and ends their connections, as a container's does before its program listens. */
async function resetting(port?: number) {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    // By then the request has certainly left.
    socket.once('data', () => socket.resetAndDestroy());
  });
  return { ...(await open(server, port)), connections: () => connections };
}

/** A proxy that has no server. */
async function answering(status: number) {
  let requests = 0;
  const server = createHttpServer((_, response) => {
    requests += 1;
    response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' });
    response.end('nobody home');
  });
  return { ...(await open(server)), requests: () => requests };
}

/** Passes everything on to another port, and knows what came back. */
async function passing(to: number) {
  let seen = '';
  const server = createServer((socket) => {
    const other = connect(to, '127.0.0.1');
    socket.on('error', () => other.destroy());
    other.on('error', () => socket.destroy());
    other.on('data', (chunk) => {
      seen += chunk.toString('latin1');
    });
    socket.pipe(other).pipe(socket);
  });
  return { ...(await open(server)), seen: () => seen };
}

async function open(server: Server, on?: number) {
  const port = on ?? (await freePort());
  await listenOn(server, port);
  return { port, url: `http://127.0.0.1:${port}/mcp`, close: () => server.close() };
}

/** A port that takes connections and says nothing. */
async function listening(port: number): Promise<Server> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await listenOn(server, port);
  const close = server.close.bind(server);
  server.close = (done) => {
    for (const socket of sockets) socket.destroy();
    return close(done);
  };
  return server;
}

function listenOn(server: Server, port: number): Promise<void> {
  doors.push(server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

function certificate(): string {
  const dir = makeDirectory();
  const subject = '-subj /CN=localhost -addext subjectAltName=DNS:localhost';
  execFileSync(
    'openssl',
    `req -x509 -newkey rsa:2048 -nodes -days 2 ${subject} -keyout key.pem -out cert.pem`.split(' '),
    { cwd: dir, stdio: 'ignore' },
  );
  return dir;
}

function lines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
