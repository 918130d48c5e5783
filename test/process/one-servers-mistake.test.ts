/**
 * A value that a variable fills in and that cannot be used costs the server that it is for, and no other:
 * at a start and when the configuration changes. The reason is told, the value is not.
 */
import { readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { type EndpointSpec, fixture, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

/** Stands in every value that must not be seen. */
const CANARY = 'Zq7canary9Kd0vPw';

interface Mistake {
  readonly server: ServerSpec | EndpointSpec;
  readonly value: string;
  readonly why: RegExp;
}

const web = (more: object): EndpointSpec => ({ url: 'https://example.invalid/mcp', ...more });
const bearer = web({ headers: { Authorization: 'Bearer ${V}' } });
const CANNOT_BE_SENT = /^headers\.Authorization \(with \$\{V\}\) cannot be sent: use one line/;

const MISTAKES: Readonly<Record<string, Mistake>> = {
  'line-end': { server: bearer, value: `${CANARY}\n`, why: CANNOT_BE_SENT },
  'inner-line': { server: bearer, value: `${CANARY}\r\nX-Admin: 1`, why: CANNOT_BE_SENT },
  space: { server: bearer, value: `${CANARY} `, why: CANNOT_BE_SENT },
  control: { server: bearer, value: `${CANARY}\u0007`, why: CANNOT_BE_SENT },
  'not-latin': { server: bearer, value: `${CANARY}€`, why: CANNOT_BE_SENT },
  'empty-token': {
    server: bearer,
    value: '',
    why: /^headers\.Authorization \(with \$\{V\}, which is empty\) cannot be sent/,
  },
  'no-address': {
    server: { url: '${V}' },
    value: CANARY,
    why: /^url \(with \$\{V\}\) is no address: write https:\/\/host\/path$/,
  },
  'empty-address': {
    server: { url: '${V}' },
    value: '',
    why: /^url \(with \$\{V\}, which is empty\) is no address/,
  },
  'other-scheme': {
    server: { url: '${V}' },
    value: `${CANARY}:secret`,
    why: /^url \(with \$\{V\}\) is not an address of the web/,
  },
  'other-host': {
    server: { url: 'http://${V}/mcp' },
    value: `${CANARY}.example.com`,
    why: /^url \(with \$\{V\}\) would send everything to another machine unencrypted/,
  },
  credentials: {
    server: { url: 'https://${V}@example.com/mcp' },
    value: `me:${CANARY}`,
    why: /^url \(with \$\{V\}\) holds credentials: move them to headers or token_file$/,
  },
  'bad-port': { server: { url: 'https://x:${V}/' }, value: CANARY, why: /^url .* is no address/ },
  'empty-file': {
    server: web({ token_file: '${V}' }),
    value: '',
    why: /^token_file \(with \$\{V\}, which is empty\) is empty: give it a value$/,
  },
  'token-directory': {
    server: web({ token_file: '${V}' }),
    value: '.',
    why: /token_file .* is not a regular file/,
  },
  'token-unreadable': {
    server: web({ token_file: '${V}' }),
    value: '/proc/self/mem',
    why: /token_file .* cannot be read \(E[A-Z]+\)/,
  },
  'empty-command': {
    server: { command: '${V}' },
    value: '',
    why: /^command \(with \$\{V\}, which is empty\) is empty: give it a value$/,
  },
  'no-command': { server: { command: '${V}' }, value: ' ', why: /command not found/ },
  'empty-cwd': {
    server: { ...fixture('echo'), cwd: '${V}' },
    value: '',
    why: /^cwd \(with \$\{V\}, which is empty\) is empty/,
  },
  'no-cwd': {
    server: { ...fixture('echo'), cwd: '${V}' },
    value: 'nowhere',
    why: /working directory not found/,
  },
  'long-argument': {
    server: { command: process.execPath, args: ['${V}${V}'] },
    value: CANARY.repeat(6_000),
    why: /cannot start .*: E2BIG/,
  },
};

/** Servers with one mistake each, every one with a variable of its own, beside one that is right. */
function mistaken(): { config: ReturnType<typeof registry>; env: Record<string, string> } {
  const servers: Record<string, ServerSpec | EndpointSpec> = {};
  const env: Record<string, string> = {};
  for (const [name, { server, value }] of Object.entries(MISTAKES)) {
    const variable = `V_${name.replaceAll('-', '_')}`;
    servers[name] = JSON.parse(JSON.stringify(server).replaceAll('${V}', `\${${variable}}`));
    env[variable] = value;
  }
  return { config: registry({ ...servers, right: fixture('echo') }), env };
}

async function expectReasons(rea: Rea): Promise<void> {
  for (const [name, { why }] of Object.entries(MISTAKES)) {
    const isDown = { what: 'down' };
    const { last_error } = await rea.waitForServer(name, (one) => one.last_error !== null, isDown);
    const variable = `V_${name.replaceAll('-', '_')}`;
    expect(last_error?.replaceAll(variable, 'V'), name).toMatch(why);
  }
}

test('values that cannot be used keep their servers down with the reason, and the others are served', async () => {
  const { config, env } = mistaken();
  const rea = await startRea({ config, env: { ...env, REA_LOG_LEVEL: 'debug' } });
  await rea.waitForPhase('right', 'ready');
  expect((await rea.call('right__echo', { text: 'served' })).text).toBe('served');
  await expectReasons(rea);
  const check = await runRea(['check', '--cwd', rea.dir], { env });
  expect(check.code).toBe(0);
  expect(check.stdout).toMatch(/"line-end" stays down: headers\.Authorization \(with /);
  const { text } = await rea.status();
  const calls = await rea.call('no-address__x');
  for (const seen of [rea.stderr, text, check.stdout, JSON.stringify(rea.state()), calls.raw]) {
    expect(seen).not.toContain(CANARY);
    expect(seen).not.toContain(CANARY.toLowerCase());
  }
});

test('the same when they come with a change of the configuration, and until they are put right', async () => {
  const { config, env } = mistaken();
  const rea = await startRea({
    config: registry({ right: fixture('echo'), 'line-end': fixture('echo') }),
    env,
    args: ['--reload', 'auto'],
  });
  const before = await rea.waitForPhase('right', 'ready');
  await rea.waitForPhase('line-end', 'ready');
  writeRegistry(rea.dir, config);
  rea.kill('SIGHUP');
  await expectReasons(rea);
  writeRegistry(rea.dir, registry({ right: fixture('echo'), 'line-end': fixture('echo') }));
  rea.kill('SIGHUP');
  const isRight = { what: 'right again' };
  await rea.waitForServer('line-end', ({ phase }) => phase === 'ready', isRight);
  const after = await rea.waitForPhase('right', 'ready');
  expect(after.pid).toBe(before.pid);
  expect(rea.stderr).not.toContain('stays in force');
});

test('a value as large as the system takes is one that its server can have', async () => {
  const value = 'Zq7'.repeat(40_000);
  const rea = await startRea({
    config: registry({ large: { ...fixture('echo'), env: { LARGE: '${V}' } } }),
    env: { V: value },
  });
  expect((await rea.call('large__stderr', { text: `it is ${value}` })).text).toBe('said');
  expect((await rea.call('large__stderr', { text: 'and still here' })).text).toBe('said');
  await rea.waitForLog('and still here');
  expect(rea.stderr).not.toContain('Zq7Zq7');
  const { thread } = await rea.waitForPhase('large', 'ready');
  expect(thread.restarts).toBe(0);
});

test('a mistake in an entry of the file keeps its server down, is told, and costs no other server', async () => {
  const rea = await startRea({
    config: registry({ web: web({ headers: { A: 'b\nc' } }), right: fixture('echo') }),
  });
  await rea.waitForPhase('right', 'ready');
  expect((await rea.call('right__echo', { text: 'served' })).text).toBe('served');
  const reason = /registry\.yaml:\d+: servers\[0\]\.headers\.A: cannot be sent; use one line/;
  const { last_error } = await rea.waitForServer('web', ({ phase }) => phase === 'failed', {
    what: 'down',
  });
  expect(last_error).toMatch(reason);
  expect(rea.stderr).toMatch(reason);
  const status = await rea.status();
  expect(status.exit).toBe(1);
  expect(status.json.serve.reload.problems).toMatchObject({
    refused: false,
    lines: [expect.stringMatching(reason)],
    more: 0,
  });
  expect((await runRea(['check', '--cwd', rea.dir])).code).toBe(1);
});

test('a mistake in a changed entry changes nothing for its server, and all else of the file holds', async () => {
  const rea = await startRea({
    config: registry({ one: fixture('echo'), two: fixture('echo'), gone: fixture('echo') }),
    args: ['--reload', 'auto'],
  });
  const before = await rea.waitForPhase('one', 'ready');
  await rea.waitForPhase('two', 'ready');
  const mistaken = { ...fixture('echo'), colour: 'red', tools: { deny: ['*'] } };
  writeRegistry(rea.dir, registry({ one: mistaken, two: fixture('echo'), more: fixture('echo') }));
  await rea.waitForPhase('more', 'ready');
  // A server that is taken out is there until its process has ended.
  const names = await rea.waitForState(
    ({ downstreams }) =>
      downstreams.every(({ name }) => name !== 'gone') && downstreams.map(({ name }) => name),
    { what: 'without the server that is gone' },
  );
  expect(names).toEqual(['one', 'two', 'more']);
  expect((await rea.waitForPhase('one', 'ready')).pid).toBe(before.pid);
  expect((await rea.call('one__echo', { text: 'as before' })).text).toBe('as before');
  const page = await runRea(['status', '--cwd', rea.dir]);
  expect(page.code).toBe(1);
  expect(page.stdout).toMatch(/entries with mistakes, their servers are not changed/);
  expect(page.stdout).toMatch(/servers\[0\]\.colour: unknown key/);

  // A file that is wrong as a whole changes nothing at all.
  writeRegistry(rea.dir, 'version: "1"\nservers: [');
  const refused = await rea.waitForState(
    ({ reload }) => reload.problems?.refused === true && reload,
    {
      what: 'the refusal',
    },
  );
  expect(refused.problems?.lines[0]).toMatch(/registry\.yaml:2: /);
  expect((await runRea(['status', '--cwd', rea.dir])).stdout).toMatch(
    /the changed file is refused, the one before stays in force/,
  );
  expect((await rea.call('more__echo', { text: 'still' })).text).toBe('still');

  writeRegistry(rea.dir, registry({ one: fixture('echo'), two: fixture('echo') }));
  await rea.waitForState(({ reload }) => reload.problems === null, { what: 'all well' });
  expect((await rea.waitForPhase('one', 'ready')).pid).toBe(before.pid);
  expect((await rea.status()).exit).toBe(0);
});

test('the example of the README is served, whether its variables are set or not', async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const example = /```yaml\n(version: [\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const variables = [...example.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name);
  expect(variables.length).toBeGreaterThan(1);
  const rea = await startRea({ cwd: makeDirectory(), config: example });
  expect((await rea.tools()).map(({ name }) => name)).toEqual(['__rea__health']);
  const { downstreams } = await rea.waitForState(
    (state) => state.downstreams.every(({ last_error }) => last_error !== null) && state,
    { what: 'a reason for each server' },
  );
  const reasons = downstreams.map(({ last_error }) => last_error);
  expect(reasons).toEqual(variables.map((name) => `missing env: ${name}`));
  await until(
    async () => (await rea.status()).json?.serve?.downstreams.length === variables.length,
    {
      what: 'rea status to show them',
    },
  );
});
