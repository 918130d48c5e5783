/** Servers over HTTP that lose a session and do not say so with 404, and those that only seem to. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { type Fronted, frontOfCases } from '../support/http-front.ts';
import { startFixture, stopHttpServers } from '../support/http-server.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { QUICK, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(async () => {
  await tidy();
  await stopHttpServers();
});

/** Far longer than any test: silence must not be what ends a session here. */
const PATIENT = {
  liveness: { idle_ms: 600_000, timeout_ms: 600_000, misses: 2 },
  restart: { ...QUICK.restart, stable_ms: 600_000 },
};

/** Each case with its place among them. */
const numbered = <T extends readonly unknown[]>(cases: readonly T[]) =>
  cases.map((one, at) => [...one, at] as const);

const TOLD: readonly (readonly [how: string, more: readonly string[]])[] = [
  ['400', []],
  ['401', []],
  ['403', []],
  ['410', []],
  ['422', []],
  ['500', []],
  ['503', []],
  ['400', ['--ping', 'unknown']],
  ['400', ['--ping', '405']],
  ['json', []],
  ['events', []],
  ['json', ['--ping', 'unknown']],
  ['json', ['--ping', '405']],
];
const SILENT = [['400'], ['403'], ['410'], ['500'], ['503']] as const;

const FAILING: readonly (readonly [tool: string, args: object])[] = [
  ['rpc-error', { code: -32000, message: 'no such file' }],
  ['rpc-error', { code: -32600, message: 'Session not found' }],
  ['rpc-error', { code: -32603, message: 'it broke', events: true }],
  ['status', { code: 400, body: 'bad arguments' }],
  ['status', { code: 403, body: 'not for you' }],
  ['status', { code: 500, body: 'the tool crashed' }],
  ['status', { code: 429, body: 'slower' }],
  ['status-with-error', {}],
];
const NO_PING = [['unknown'], ['405']] as const;

/** The options of the server of every case, by its name. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = Object.fromEntries([
  ...TOLD.map(([how, more], at) => [`told${at}`, ['--no-get', '--lost', how, ...more]]),
  ...SILENT.map(([how], at) => [`silent${at}`, ['--lost', how]]),
  ...FAILING.map((_, at) => [`failing${at}`, ['--no-get']]),
  ...NO_PING.map(([ping], at) => [`noping${at}`, ['--no-get', '--ping', ping]]),
  ['together', ['--no-get', '--lost', '400']],
  ['sessionless', ['--no-get', '--no-session']],
]);
const fronted = frontOfCases(Object.values(OPTIONS), PATIENT);
const of = (name: string) => fronted(Object.keys(OPTIONS).indexOf(name));

test.concurrent.each(numbered(TOLD))(
  'a lost session that is told by %s is begun again at once %j',
  async (_how, _more, at) => {
    const { rea, server, name } = await of(`told${at}`);
    await server.written({ method: 'ping' });
    const effects = join(rea.dir, `effects-${at}`);
    expect((await rea.call(`${name}__effect`, { file: effects })).text).toBe('done');
    await rea.call(`${name}__forget-quietly`);
    // What is refused was answered: it keeps its answer, and nobody sends it again.
    const failed: string[] = [];
    for (;;) {
      const { text, failure, message } = await rea.call(`${name}__effect`, { file: effects });
      if (text === 'done') break;
      expect(String(failure?.code ?? message.error?.code)).toMatch(/^(ERR_HTTP_STATUS|-32000)$/);
      failed.push(text);
      expect(failed.length).toBeLessThan(5);
    }
    expect(lines(effects)).toHaveLength(2);
    const web = await rea.waitForServer(name, ({ restarts }) => restarts === 1, { what: 'anew' });
    expect(web.circuit_state).toBe('closed');
    expect(await server.written({ method: 'initialize' }, 2)).toHaveLength(2);
  },
);

test.concurrent.each(numbered(SILENT))(
  'a session that is lost while nobody calls, and told by %s, is begun again',
  async (_how, at) => {
    const { rea, server, name } = await of(`silent${at}`);
    await server.written({ http: 'GET' });
    await server.written({ method: 'ping' });
    await rea.call(`${name}__forget`);
    await rea.waitForServer(name, ({ restarts, phase }) => restarts === 1 && phase === 'ready', {
      what: 'in a new session',
    });
    expect((await rea.call(`${name}__echo`, { text: 'again' })).text).toBe('again');
  },
);

test.concurrent('calls that fail together keep their answers, one each', async () => {
  const { rea, server, name } = await of('together');
  await server.written({ method: 'ping' });
  await rea.call(`${name}__forget-quietly`);
  const effects = join(rea.dir, 'effects-together');
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => rea.call(`${name}__effect`, { file: effects })),
  );
  // None is unknown, because each was either refused or made in the new session.
  const done = answers.filter(({ text }) => text === 'done').length;
  expect(new Set(answers.map(({ failure }) => failure?.outcome))).toEqual(
    done > 0 ? new Set(['answered', undefined]) : new Set(['answered']),
  );
  expect(lines(effects)).toHaveLength(done);
});

test.concurrent.each(numbered(FAILING))(
  'a tool of a live session that fails by %s %j begins no new one',
  async (tool, args, at) => {
    const one = await of(`failing${at}`);
    const { rea, server, name } = one;
    await server.written({ method: 'ping' });
    for (let call = 0; call < 8; call += 1) await rea.call(`${name}__${tool}`, args);
    await alive(one);
    expect(await server.written({ method: 'initialize' })).toHaveLength(1);
  },
);

test.concurrent.each(numbered(NO_PING))(
  'a server that knows no ping (%s) may fail as it likes',
  async (_ping, at) => {
    const one = await of(`noping${at}`);
    const { rea, server, name } = one;
    await server.written({ method: 'ping' });
    const error = { code: -32601, message: 'Method not found' };
    for (let call = 0; call < 8; call += 1) await rea.call(`${name}__rpc-error`, error);
    for (let call = 0; call < 8; call += 1)
      await rea.call(`${name}__status`, { code: 405, body: 'pings are not served' });
    await alive(one);
    expect(await server.written({ method: 'initialize' })).toHaveLength(1);
  },
);

test.concurrent('a server without session ids that starts anew is served on', async () => {
  const { rea, server, name } = await of('sessionless');
  await server.kill();
  const call = rea.call(`${name}__echo`, { text: 'still here' });
  await startFixture('--no-get', '--no-session', '--port', server.port);
  expect((await call).text).toBe('still here');
});

test.concurrent('a session keeps the cookies of its balancer, and a new one begins without', async () => {
  const server = await startFixture('--no-get', '--cookie', 'node=a1; Path=/; HttpOnly');
  const web = { url: server.url, headers: { Cookie: 'mine=1' } };
  const rea = await startRea({ config: registry({ web }) });
  await rea.waitForPhase('web', 'ready');
  expect(await sent(rea)).toBe('mine=1; node=a1');
  const lines = [
    'node=a1; Max-Age=600',
    'other=2; Path=/mcp',
    'elsewhere=3; Path=/admin',
    'tls=4; Secure',
    'foreign=5; Domain=elsewhere.example',
    'gone=6; Max-Age=0',
    'mine=7',
  ];
  await rea.call('web__set-cookies', { lines });
  expect(await sent(rea)).toBe('mine=1; node=a1; other=2');
  await rea.call('web__set-cookies', { lines: ['other=; Expires=Thu, 01 Jan 1970 00:00:00 GMT'] });
  expect(await sent(rea)).toBe('mine=1; node=a1');
  await rea.call('web__set-cookies', { lines: ['other=of the old session'] });
  await rea.call('web__forget-quietly');
  expect(await sent(rea)).toBe('mine=1; node=a1');
});

/** The cookies that a call comes with. */
async function sent(rea: Rea): Promise<string> {
  return JSON.parse((await rea.call('web__headers')).text).cookie;
}

async function alive({ rea, name }: Fronted): Promise<void> {
  expect((await rea.call(`${name}__echo`, { text: 'alive' })).text).toBe('alive');
  expect(rea.state()?.downstreams.find((one) => one.name === name)).toMatchObject({
    phase: 'ready',
    restarts: 0,
    incarnation: 1,
  });
}

function lines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
