/** Servers behind the gateway that are reached over Streamable HTTP: the same promises as for processes. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { front } from '../support/http-front.ts';
import {
  freePort,
  startEverything,
  startFixture,
  stopHttpServers,
} from '../support/http-server.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, QUICK, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(async () => {
  await tidy();
  await stopHttpServers();
});

test.concurrent('serves the reference server with its tools, prompts and resources, and ends its session', async () => {
  const rea = await front(await startEverything());
  const echo = await rea.call('web__echo', { message: 'over http' });
  expect(echo.text).toBe('Echo: over http');
  expect((await rea.request('prompts/list')).message.result.prompts).not.toEqual([]);
  expect((await rea.request('resources/list')).message.result.resources).not.toEqual([]);
  const progress = rea.begin(
    'web__trigger-long-running-operation',
    { duration: 1, steps: 4 },
    { progressToken: 'mine' },
  );
  await progress.answer;
  const seen = rea.wire.notifications('notifications/progress').map(({ params }) => params);
  expect(seen.map((params) => params.progress)).toEqual([1, 2, 3, 4]);
  expect(new Set(seen.map((params) => params.progressToken))).toEqual(new Set(['mine']));
  const [web] = rea.state()?.downstreams ?? [];
  expect(web).toMatchObject({
    phase: 'ready',
    pid: null,
    pgid: null,
    restarts: 0,
    last_error: null,
  });
});

test.concurrent('the reference server is killed while idle, and served again once it is back', async () => {
  const server = await startEverything();
  const rea = await front(server);
  await server.kill();
  // The dropped stream of notifications makes it look; nobody has to call.
  await rea.waitForServer(
    'web',
    ({ restarts, last_error }) => restarts >= 1 && (last_error?.includes('ECONNREFUSED') ?? false),
    { what: 'refused' },
  );
  await startEverything(server.port);
  await rea.waitForPhase('web', 'ready');
  expect((await rea.call('web__echo', { message: 'again' })).text).toBe('Echo: again');
});

test.concurrent('a server that comes up late is served as soon as it is there', async () => {
  const port = await freePort();
  const rea = await startRea({
    config: registry({ web: { url: `http://127.0.0.1:${port}/mcp` }, echo: fixture('echo') }),
  });
  const down = await rea.waitForServer('web', ({ last_exit }) => last_exit !== null, {
    what: 'refused',
  });
  expect(down.last_error).toMatch(/^cannot connect to 127\.0\.0\.1:\d+ \(ECONNREFUSED\) during/);
  expect((await rea.call('echo__echo', { text: 'meanwhile' })).text).toBe('meanwhile');
  await startFixture('--port', port);
  await rea.waitForPhase('web', 'ready');
  expect((await rea.call('web__echo', { text: 'late' })).text).toBe('late');
});

test.concurrent('a call in flight at a kill -9 is answered once, at once, and its effect happens once', async () => {
  const server = await startFixture();
  const rea = await front(server);
  const effects = join(rea.dir, 'effects');
  const { failure } = await rea.call('web__effect-then-die', { file: effects });
  expect(failure).toMatchObject({
    code: 'ERR_OUTCOME_UNKNOWN',
    outcome: 'unknown',
    retryable: false,
  });
  await startFixture('--port', server.port);
  await rea.waitForServer('web', ({ phase, restarts }) => phase === 'ready' && restarts > 0, {
    what: 'ready again',
  });
  expect((await rea.call('web__echo', { text: 'alive' })).text).toBe('alive');
  expect(lines(effects)).toEqual(['effect']);
});

test.concurrent('calls that a lost session turned away are carried out, once each, in the new session', async () => {
  const server = await startFixture('--no-get');
  // What it died of is told for as long as it is not stable.
  const rea = await front(server, { restart: { ...QUICK.restart, stable_ms: 600_000 } });
  await rea.call('web__forget-quietly');
  const effects = join(rea.dir, 'effects');
  const answers = await Promise.all(
    [1, 2, 3, 4, 5].map(() => rea.call('web__effect', { file: effects })),
  );
  expect(answers.map(({ text, failure }) => [text, failure])).toEqual(
    Array(5).fill(['done', null]),
  );
  expect(lines(effects)).toHaveLength(5);
  const web = await rea.waitForServer(
    'web',
    ({ restarts, phase }) => restarts === 1 && phase === 'ready',
    {
      what: 'restarted',
    },
  );
  expect(web).toMatchObject({ circuit_state: 'closed', phase: 'ready' });
  expect(web.last_error).toContain('does not know the session any more (HTTP 404)');
  expect(await server.written({ method: 'initialize' })).toHaveLength(2);
});

test.concurrent('a session that ends while nobody calls is begun again', async () => {
  const server = await startFixture();
  const rea = await front(server);
  await server.written({ http: 'GET' });
  await rea.call('web__forget');
  await rea.waitForServer('web', ({ restarts, phase }) => restarts === 1 && phase === 'ready', {
    what: 'in a new session',
  });
  expect((await rea.call('web__echo', { text: 'again' })).text).toBe('again');
});

test.concurrent('a server that does not answer initialize is given up in time', async () => {
  const server = await startFixture('--hang', 'initialize');
  const rea = await startRea({
    config: registry({ web: { url: server.url, start_timeout_ms: 200 } }),
  });
  const web = await rea.waitForServer('web', ({ last_exit }) => last_exit !== null, {
    what: 'given up',
  });
  expect(web.last_error).toBe(
    'no answer to initialize within 200 ms; if it needs longer, raise its start_timeout_ms',
  );
});

test.concurrent('a server that does not answer the end of its session does not hold up the stop', async () => {
  const server = await startFixture('--hang', 'DELETE');
  const rea = await front(server);
  expect(await rea.stop()).toEqual({ code: 0, signal: null });
  expect(await server.written({ http: 'DELETE' })).toHaveLength(1);
});

test.concurrent('a certificate that nobody vouches for is refused, and one of NODE_EXTRA_CA_CERTS is not', async () => {
  const dir = makeDirectory();
  execFileSync(
    'openssl',
    'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem'.split(
      ' ',
    ),
    { cwd: dir, stdio: 'ignore' },
  );
  const server = await startFixture('--tls', dir);
  const url = `https://localhost:${server.port}/mcp`;
  const wary = await startRea({ config: registry({ web: { url } }) });
  const web = await wary.waitForServer('web', ({ last_exit }) => last_exit !== null, {
    what: 'refused',
  });
  expect(web.last_error).toMatch(
    /^cannot connect to localhost:\d+ \(DEPTH_ZERO_SELF_SIGNED_CERT\).*; .*NODE_EXTRA_CA_CERTS/,
  );
  const rea = await startRea({
    env: { NODE_EXTRA_CA_CERTS: join(dir, 'cert.pem') },
    config: registry({ web: { url } }),
  });
  await rea.waitForPhase('web', 'ready');
  expect((await rea.call('web__echo', { text: 'encrypted' })).text).toBe('encrypted');
  await server.kill();
});

test.concurrent('at a stop the session is ended at the server', async () => {
  const server = await startFixture();
  const rea = await front(server);
  expect(await rea.stop()).toEqual({ code: 0, signal: null });
  expect(server.journal().at(-1)).toMatchObject({ http: 'DELETE', version: '2025-11-25' });
});

test.concurrent('a server that does not answer any more is taken for hung, and connected to again', async () => {
  const server = await startFixture();
  const rea = await front(server, { liveness: { idle_ms: 300, timeout_ms: 200, misses: 2 } });
  await rea.call('web__refuse-all', { code: 503 });
  const web = await rea.waitForServer('web', ({ last_exit }) => last_exit !== null, {
    what: 'given up',
  });
  expect(web.last_error).toMatch(/pings in a row unanswered|HTTP 503/);
});

function lines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
