/** Servers behind the gateway that are reached over Streamable HTTP: the same promises as for processes. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import {
  freePort,
  type HttpServer,
  startEverything,
  startFixture,
  stopHttpServers,
} from '../support/http-server.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, QUICK, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(async () => {
  await tidy();
  await stopHttpServers();
});

/** One gateway for all that go their own ways behind it; the first test that asks starts it. */
let started: Promise<House> | null = null;
interface House {
  readonly rea: Rea;
  readonly servers: Readonly<Record<'reference' | 'dies' | 'lost' | 'ended', HttpServer>>;
  /** Where nobody listens yet. */
  readonly latePort: number;
}

function house(): Promise<House> {
  started ??= start();
  return started;
}

async function start(): Promise<House> {
  const servers = {
    reference: await startEverything(),
    dies: await startFixture(),
    lost: await startFixture('--no-get'),
    ended: await startFixture(),
    mute: await startFixture('--hang', 'initialize'),
    hangs: await startFixture(),
  };
  const latePort = await freePort();
  const at = (port: number) => ({ url: `http://127.0.0.1:${port}/mcp` });
  const rea = await startRea({
    config: registry({
      reference: at(servers.reference.port),
      late: at(latePort),
      dies: at(servers.dies.port),
      // What it died of is told for as long as it is not stable.
      lost: { ...at(servers.lost.port), restart: { ...QUICK.restart, stable_ms: 600_000 } },
      ended: at(servers.ended.port),
      mute: { ...at(servers.mute.port), start_timeout_ms: 200 },
      hangs: {
        ...at(servers.hangs.port),
        liveness: { idle_ms: 300, timeout_ms: 200, misses: 2 },
      },
      echo: fixture('echo'),
    }),
  });
  return { rea, servers, latePort };
}

test.concurrent('serves the reference server with its tools, prompts and resources, and again once it is back after a kill while idle', async () => {
  const {
    rea,
    servers: { reference },
  } = await house();
  await rea.waitForPhase('reference', 'ready');
  const echo = await rea.call('reference__echo', { message: 'over http' });
  expect(echo.text).toBe('Echo: over http');
  const offered = async (list: string, server: string) => {
    const entries: object[] = (await rea.request(`${list}/list`)).message.result[list];
    return entries.filter((entry) => JSON.stringify(entry).includes(server));
  };
  expect(await offered('prompts', '"reference__')).not.toEqual([]);
  // No other server here has any.
  expect((await rea.request('resources/list')).message.result.resources).not.toEqual([]);
  const progress = rea.begin(
    'reference__trigger-long-running-operation',
    { duration: 1, steps: 4 },
    { progressToken: 'mine' },
  );
  await progress.answer;
  const seen = rea.wire.notifications('notifications/progress').map(({ params }) => params);
  expect(seen.map((params) => params.progress)).toEqual([1, 2, 3, 4]);
  expect(new Set(seen.map((params) => params.progressToken))).toEqual(new Set(['mine']));
  expect(rea.state()?.downstreams.find(({ name }) => name === 'reference')).toMatchObject({
    phase: 'ready',
    pid: null,
    pgid: null,
    restarts: 0,
    last_error: null,
  });

  await reference.kill();
  // The dropped stream of notifications makes it look; nobody has to call.
  await rea.waitForServer(
    'reference',
    ({ restarts, last_error }) => restarts >= 1 && (last_error?.includes('ECONNREFUSED') ?? false),
    { what: 'refused' },
  );
  await startEverything(reference.port);
  await rea.waitForPhase('reference', 'ready');
  expect((await rea.call('reference__echo', { message: 'again' })).text).toBe('Echo: again');
});

test.concurrent('a server that comes up late is served as soon as it is there', async () => {
  const { rea, latePort } = await house();
  const down = await rea.waitForServer('late', ({ last_exit }) => last_exit !== null, {
    what: 'refused',
  });
  expect(down.last_error).toMatch(/^cannot connect to 127\.0\.0\.1:\d+ \(ECONNREFUSED\) during/);
  expect((await rea.call('echo__echo', { text: 'meanwhile' })).text).toBe('meanwhile');
  await startFixture('--port', latePort);
  await rea.waitForPhase('late', 'ready');
  expect((await rea.call('late__echo', { text: 'late' })).text).toBe('late');
});

test.concurrent('a call in flight at a kill -9 is answered once, at once, and its effect happens once', async () => {
  const {
    rea,
    servers: { dies },
  } = await house();
  await rea.waitForPhase('dies', 'ready');
  const effects = join(rea.dir, 'effects-dies');
  const { failure } = await rea.call('dies__effect-then-die', { file: effects });
  expect(failure).toMatchObject({
    code: 'ERR_OUTCOME_UNKNOWN',
    outcome: 'unknown',
    retryable: false,
  });
  await startFixture('--port', dies.port);
  await rea.waitForServer('dies', ({ phase, restarts }) => phase === 'ready' && restarts > 0, {
    what: 'ready again',
  });
  expect((await rea.call('dies__echo', { text: 'alive' })).text).toBe('alive');
  expect(lines(effects)).toEqual(['effect']);
});

test.concurrent('calls that a lost session turned away are carried out, once each, in the new session', async () => {
  const {
    rea,
    servers: { lost },
  } = await house();
  await rea.waitForPhase('lost', 'ready');
  await rea.call('lost__forget-quietly');
  const effects = join(rea.dir, 'effects-lost');
  const answers = await Promise.all(
    [1, 2, 3, 4, 5].map(() => rea.call('lost__effect', { file: effects })),
  );
  expect(answers.map(({ text, failure }) => [text, failure])).toEqual(
    Array(5).fill(['done', null]),
  );
  expect(lines(effects)).toHaveLength(5);
  const web = await rea.waitForServer(
    'lost',
    ({ restarts, phase }) => restarts === 1 && phase === 'ready',
    {
      what: 'restarted',
    },
  );
  expect(web).toMatchObject({ circuit_state: 'closed', phase: 'ready' });
  expect(web.last_error).toContain('does not know the session any more (HTTP 404)');
  expect(await lost.written({ method: 'initialize' })).toHaveLength(2);
});

test.concurrent('a session that ends while nobody calls is begun again', async () => {
  const {
    rea,
    servers: { ended },
  } = await house();
  await rea.waitForPhase('ended', 'ready');
  await ended.written({ http: 'GET' });
  await rea.call('ended__forget');
  await rea.waitForServer('ended', ({ restarts, phase }) => restarts === 1 && phase === 'ready', {
    what: 'in a new session',
  });
  expect((await rea.call('ended__echo', { text: 'again' })).text).toBe('again');
});

test.concurrent('a server that does not answer initialize is given up in time', async () => {
  const { rea } = await house();
  const web = await rea.waitForServer('mute', ({ last_exit }) => last_exit !== null, {
    what: 'given up',
  });
  expect(web.last_error).toBe(
    'no answer to initialize within 200 ms; if it needs longer, raise its start_timeout_ms',
  );
});

test.concurrent('at a stop each session is ended at its server, and one that does not answer that does not hold it up', async () => {
  const [plain, mute] = [await startFixture(), await startFixture('--hang', 'DELETE')];
  const rea = await startRea({
    config: registry({ plain: { url: plain.url }, mute: { url: mute.url } }),
  });
  await rea.waitForPhase('plain', 'ready');
  await rea.waitForPhase('mute', 'ready');
  expect(await rea.stop()).toEqual({ code: 0, signal: null });
  expect(await mute.written({ http: 'DELETE' })).toHaveLength(1);
  expect(plain.journal().at(-1)).toMatchObject({ http: 'DELETE', version: '2025-11-25' });
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

test.concurrent('a server that does not answer any more is taken for hung, and connected to again', async () => {
  const { rea } = await house();
  const before = await rea.waitForPhase('hangs', 'ready');
  await rea.call('hangs__refuse-all', { code: 503 });
  const web = await rea.waitForServer(
    'hangs',
    ({ last_exit, incarnation, phase }) =>
      last_exit !== null && (incarnation > before.incarnation || phase !== 'ready'),
    { what: 'given up' },
  );
  expect(web.last_error).toMatch(/pings in a row unanswered|HTTP 503/);
});

function lines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
