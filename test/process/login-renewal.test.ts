/** Gateways that share a login: tokens that end all the time are renewed once each, and no call is lost or made twice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { stopHttpServers } from '../support/http-server.ts';
import { logIn, type Protected, startProtected } from '../support/login-world.ts';
import { FAST_CLOCKS, runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { QUICK, registry } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';
import { expectNowhere } from '../support/token-sinks.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: SOAKS ? 3_600_000 : 180_000, hookTimeout: 60_000 });
afterAll(async () => {
  await tidy();
  await stopHttpServers();
});

/** In all; each server has a login of its own. */
const RENEWALS = SOAKS ? 1000 : 8;
const SERVERS = SOAKS ? ['web', 'two', 'three', 'four', 'five'] : ['web', 'two'];
const LIFETIME_S = SOAKS ? 1 : 2;
/** Of one renewal. */
const MOST_MS = 15_000;
/** Renewals are what there is to be much of, not calls: some dozens of each caller while a token lives. */
const PAUSE_MS = SOAKS ? 10 : 50;

test('three gateways with one rotating login: nobody is logged out, and no call is made twice', async () => {
  const server = await startProtected();
  await server.control({ lifetime: LIFETIME_S });
  const dir = makeDirectory();
  const { url } = server;
  writeRegistry(dir, registry(Object.fromEntries(SERVERS.map((name) => [name, { url }]))));
  for (const name of SERVERS) await logIn(dir, name);
  const start = () => startRea({ cwd: dir });
  const gateways = await Promise.all([start(), start(), start()] as const);
  for (const rea of gateways) {
    const count = async () =>
      (await rea.tools()).filter(({ name }) => name.endsWith('__echo')).length;
    await until(async () => (await count()) === SERVERS.length, { what: 'the tools of all' });
  }
  let isEnough = false;
  let made = 0;
  const callFor = async (rea: Rea, name: string) => {
    for (let round = 0; !isEnough; round += 1) {
      const text = `${rea.pid}-${name}-${round}`;
      const answer = await rea.call(`${name}__echo`, { text });
      expect([answer.text, answer.failure]).toEqual([text, null]);
      // The server says the token that it gets, as some do in their errors.
      const { text: said } = await rea.call(`${name}__headers`, { text: `headers ${text}` });
      expect(said).toMatch(/"authorization":"Bearer \[REDACTED/);
      made += 2;
      await sleep(PAUSE_MS);
    }
  };
  const watch = () =>
    until(async () => (await server.control()).refreshes >= RENEWALS, {
      what: `${RENEWALS} renewals`,
      limitMs: RENEWALS * MOST_MS,
      everyMs: 100,
    });
  const calls = Promise.all(gateways.flatMap((rea) => SERVERS.map((name) => callFor(rea, name))));
  await Promise.race([watch(), calls]).finally(() => {
    isEnough = true;
  });
  await calls;
  const happened = await server.control();
  const { reused, executed, refreshes } = happened;
  expect(reused).toBe(0);
  expect(refreshes).toBeGreaterThanOrEqual(RENEWALS);
  const times = Object.values(executed);
  expect(times).toHaveLength(made);
  expect(new Set(times)).toEqual(new Set([1]));
  for (const rea of gateways) expect(rea.stderr).not.toContain('login is over');
  await expectNowhere(gateways, happened);
  for (const rea of gateways) await rea.stop();
});

/** The status page, as if it had room. */
async function shownOf(dir: string): Promise<string> {
  return (await runRea(['status', '--cwd', dir])).stdout.replaceAll(/\s+/g, ' ');
}

test('a gateway that is stopped while it renews holds nobody up for long, and its turn is not taken away', async () => {
  const server = await startProtected();
  const dir = makeDirectory();
  const web = { url: server.url, call_timeout_ms: 8000 };
  writeRegistry(dir, registry({ web }, { restart: QUICK.restart }));
  await logIn(dir, 'web');
  // This one has time.
  const mcpServers = { web: { url: server.url } };
  const stopped = await startRea({ cwd: dir, config: { mcpServers } });
  await stopped.waitForPhase('web', 'ready');
  const other = await startRea({ cwd: dir, env: FAST_CLOCKS });
  expect((await other.call('web__echo', { text: 'before' })).text).toBe('before');
  await server.control({ refresh: 'hold' });
  await server.end('end-access');
  const first = stopped.begin('web__echo', { text: 'first' });
  await until(async () => (await server.control()).refreshes === 1, { what: 'a renewal' });
  stopped.kill('SIGSTOP');
  const second = other.begin('web__echo', { text: 'second' });
  const why = `its token cannot be renewed: process ${stopped.pid} is stopped or hangs while it changes the login of web`;
  const action = `if it is stopped: kill -CONT ${stopped.pid};`;
  await until(async () => (await shownOf(dir)).includes(why), { what: 'who is waited for' });
  expect(await shownOf(dir)).toContain(`→ ${action}`);
  // The token is in the mail: nobody else uses the old one.
  const { refreshes, reused } = await server.control();
  expect({ refreshes, reused }).toEqual({ refreshes: 1, reused: 0 });
  // A call whose time is over says the same.
  const said = (await second.answer).text;
  for (const part of [why, action]) expect(said).toContain(part);
  await server.control({ refresh: 'good' });
  stopped.kill('SIGCONT');
  expect((await first.answer).text).toBe('first');
  await until(async () => !(await shownOf(dir)).includes(why), { what: 'both serve' });
  expect((await other.call('web__echo', { text: 'third' })).text).toBe('third');
  const after = await server.control();
  expect(after).toMatchObject({ refreshes: 1, reused: 0 });
  expect(after.executed).toEqual({ before: 1, first: 1, third: 1 });
});

test('a renewal that is lost on its way ends in a login, and is not tried for ever', async () => {
  const server = await startProtected();
  const dir = makeDirectory();
  writeRegistry(dir, registry({ web: { url: server.url } }, { restart: QUICK.restart }));
  await logIn(dir, 'web');
  const first = await startRea({ cwd: dir });
  await first.waitForPhase('web', 'ready');
  // The authorization server has rotated the token, and the gateway dies before it has heard so.
  await server.control({ refresh: 'lose' });
  await server.end('end-access');
  const call = first.begin('web__echo', { text: 'lost' });
  call.answer.catch(() => undefined);
  await until(async () => (await server.control()).refreshes === 1, { what: 'a lost renewal' });
  first.kill('SIGKILL');
  await first.exited;
  await server.control({ refresh: 'good' });
  const second = await startRea({ cwd: dir });
  const waits = await second.waitForServer('web', (web) => web.incarnation > 3, {
    what: 'tried again and again',
  });
  expect(waits.last_error).toBe('it wants a login (HTTP 401); to log in: rea login web');
  const { reused, refreshes, executed } = await server.control();
  expect({ reused, refreshes, executed }).toEqual({ reused: 1, refreshes: 1, executed: {} });
  await logIn(dir, 'web');
  expect((await second.call('web__echo', { text: 'found' })).text).toBe('found');
});

/** One of several protected servers, logged in to, behind the gateway of all of them. */
interface LoggedIn {
  readonly rea: Rea;
  readonly server: Protected;
  readonly name: string;
}

/**
 * One gateway for servers that differ in what their authorization servers do; the first case that asks starts it.
 *
 * @param settings of each server, by its name.
 */
function loggedIn(settings: Readonly<Record<string, object>>): (name: string) => Promise<LoggedIn> {
  let started: Promise<{ rea: Rea; servers: ReadonlyMap<string, Protected> }> | null = null;
  const start = async () => {
    const dir = makeDirectory();
    const servers = new Map<string, Protected>();
    for (const [name, own] of Object.entries(settings)) {
      const server = await startProtected();
      await server.control(own);
      servers.set(name, server);
    }
    const entries = [...servers].map(([name, { url }]) => [name, { url }] as const);
    writeRegistry(dir, registry(Object.fromEntries(entries)));
    for (const name of servers.keys()) await logIn(dir, name);
    return { rea: await startRea({ cwd: dir }), servers };
  };
  return async (name) => {
    started ??= start();
    const { rea, servers } = await started;
    const server = servers.get(name);
    if (server === undefined) throw new RangeError(`no server ${name}`);
    await rea.waitForPhase(name, 'ready');
    return { rea, server, name };
  };
}

/** Nobody's login ends at this gateway. */
const kept = loggedIn({ refused: {}, broken: {}, json: {} });

test('a tool that passes on the 401 of another server ends no login, and costs one renewal', async () => {
  const { rea, server, name } = await kept('refused');
  const before = await rea.waitForPhase(name, 'ready');
  for (let time = 0; time < 4; time += 1) {
    const { failure } = await rea.call(`${name}__refused`);
    expect(failure).toMatchObject({ code: 'ERR_HTTP_STATUS', outcome: 'answered' });
  }
  expect((await rea.call(`${name}__echo`, { text: 'goes on' })).text).toBe('goes on');
  const after = await rea.waitForPhase(name, 'ready');
  expect([after.incarnation, after.last_exit]).toEqual([before.incarnation, null]);
  // Not one for each time that it is sent: one in ten seconds.
  const { refreshes, reused } = await server.control();
  expect(refreshes).toBeLessThanOrEqual(4);
  expect(reused).toBe(0);
  expect(rea.stderr).not.toContain('login is over');
});

test.each(['broken', 'json'])(
  'an authorization server that is %s is no logout',
  async (refresh) => {
    const { rea, server, name } = await kept(refresh);
    await server.control({ refresh });
    await server.end('end-access');
    const pending = rea.begin(`${name}__echo`, { text: 'patient' });
    const web = await rea.waitForServer(name, ({ phase }) => phase === 'backoff', {
      what: 'down',
    });
    expect(web.last_error).toMatch(/its token cannot be renewed: the authorization server/);
    // No crash, and nobody has to log in.
    expect([web.last_exit?.reason, web.circuit_state]).toEqual(['connect', 'closed']);
    expect(JSON.stringify(web)).not.toContain('canary');
    await server.control({ refresh: 'good' });
    await rea.waitForPhase(name, 'ready');
    expect((await pending.answer).text).toBe('patient');
  },
);

const OPENING = ['initialize', 'notifications/initialized', 'server/discover'];
const UNGUARDED: readonly (readonly [what: string, name: string, unguarded: readonly string[]])[] =
  [
    ['all requests', 'all', []],
    ['all but a handshake', 'opening', OPENING],
    ['all but handshakes and pings', 'pings', [...OPENING, 'ping']],
  ];
const ended = loggedIn(
  Object.fromEntries(
    UNGUARDED.map(([, name, unguarded]) => [name, { renewable: false, unguarded }]),
  ),
);

test.each(UNGUARDED)(
  'a token that nothing can renew is refused for %s: a login is wanted',
  async (_, of) => {
    const { rea, server, name } = await ended(of);
    // A tool that passes on a refusal asks for the tools once more, and nothing ends.
    const lists = async () => (await server.control()).methods['tools/list'] ?? 0;
    const before = await lists();
    const { failure } = await rea.call(`${name}__refused`);
    expect(failure).toMatchObject({ code: 'ERR_HTTP_STATUS', outcome: 'answered' });
    await until(async () => (await lists()) > before, { what: 'the tools were asked for' });
    expect((await rea.call(`${name}__echo`, { text: 'good' })).text).toBe('good');
    expect((await rea.waitForPhase(name, 'ready')).incarnation).toBe(1);

    await server.end('end-access');
    const refused = await rea.call(`${name}__echo`, { text: 'one' });
    expect(refused.failure).toMatchObject({ outcome: 'answered' });
    expect(refused.text).toContain(
      'HTTP 401; {"error":401}; it refuses this with the token of its',
    );
    const web = await rea.waitForPhase(name, 'failed');
    expect([web.last_exit?.reason, web.circuit_state]).toEqual(['login', 'closed']);
    expect(web.last_error).toBe(`its login is over (HTTP 401); to log in: rea login ${name}`);
    await logIn(rea.dir, name);
    expect((await rea.call(`${name}__echo`, { text: 'two' })).text).toBe('two');
    expect((await server.control()).executed).toMatchObject({ good: 1, two: 1 });
  },
);
