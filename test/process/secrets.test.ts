/**
 * Secrets of the configuration, planted wherever one can stand, and a server that tells all it was given
 * wherever a server can say something: nothing that the gateway keeps, logs or shows holds one, in no form.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { filesBelow } from '../support/files-below.ts';
import { startFixture, stopHttpServers } from '../support/http-server.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { expectNone, FORMS, layers } from '../support/secret-forms.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(async () => {
  await tidy();
  await stopHttpServers();
});

/** Long enough that nothing else is it by chance; with what every form has to write differently. */
const secret = (kind: string) => `Zq7 ${kind}/"x9\\Kd0vé+Pw3`;
/** Those that are arguments or in an address, where quotes would only be in the way. */
const plain = (kind: string) => `Zq7${kind}x9Kd0vPw3Lm5Rt`;

const VALUES = {
  SET: secret('set'),
  HANDED: secret('handed'),
  IN_ENV: secret('in-env'),
  IN_ARGS: secret('in-args'),
  IN_ADDRESS: plain('in-address'),
  IN_CWD: plain('in-cwd'),
};
const PROXY = plain('proxy');
const ARGUMENT = plain('argument');
const ASSIGNED = secret('assigned');
const PAIR = plain('pair');
const PLANTED = [...Object.values(VALUES), PROXY, ARGUMENT, ASSIGNED, PAIR];

const ENV = {
  HANDED: VALUES.HANDED,
  IN_ENV: VALUES.IN_ENV,
  IN_ARGS: VALUES.IN_ARGS,
  IN_ADDRESS: VALUES.IN_ADDRESS,
  IN_CWD: VALUES.IN_CWD,
  HTTPS_PROXY: `http://me:${PROXY}@proxy.example.com:3128`,
  REA_METRICS_PORT: '0',
  REA_LOG_LEVEL: 'debug',
};

function planted(...more: string[]): ServerSpec {
  const { command, args = [] } = fixture('tells-all', ...more);
  const secrets = ['${IN_ARGS}', '--api-key', ARGUMENT, `--client.secret=${ASSIGNED}`];
  return {
    command,
    args: [...args, ...secrets, `A_TOKEN=${PAIR}`],
    cwd: '${IN_CWD}',
    env: { SET: VALUES.SET, IN_ENV: 'with ${IN_ENV}', IN_ADDRESS: '${IN_ADDRESS}' },
    env_passthrough: ['HANDED'],
  };
}

/** What can be seen of a gateway. @param but files that the test wrote itself. */
async function sinks(rea: Rea, ...but: string[]): Promise<Record<string, string>> {
  const show = async (...args: string[]) => {
    const { stdout, stderr } = await runRea([...args, '--cwd', rea.dir], { env: ENV });
    return stdout + stderr;
  };
  const seen: Record<string, string> = {
    log: rea.stderr,
    health: (await rea.call('__rea__health')).raw,
    'status --json': await show('status', '--json'),
    'status --verbose': await show('status', '--verbose'),
    status: await show('status'),
    check: await show('check'),
  };
  const port = rea.state()?.metrics_port;
  seen['metrics'] = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const own = join(rea.dir, '.rea');
  for (const [path, text] of filesBelow(own)) {
    const name = relative(own, path);
    if (!['registry.yaml', 'policy.yaml', ...but].includes(name)) seen[name] = text;
  }
  return seen;
}

function project(): string {
  const dir = makeDirectory();
  mkdirSync(join(dir, '.rea'), { mode: 0o700 });
  mkdirSync(join(dir, VALUES.IN_CWD));
  const policy = 'version: "1"\ngateway: {health: {expose_diagnostics: true}}\n';
  writeFileSync(join(dir, '.rea', 'policy.yaml'), policy, { mode: 0o600 });
  return dir;
}

const count = (text: string, part: string) => text.split(part).length - 1;

test('no secret is seen on any sink, in any form, whatever a server says and however it dies', async () => {
  const config = registry({
    tells: planted(),
    twin: planted(),
    refuses: planted('--refuse'),
    none: { ...planted(), command: '/nowhere/${IN_ARGS}' },
    lost: { ...planted(), cwd: '/nowhere/${IN_ARGS}' },
  });
  const rea = await startRea({ cwd: project(), config, env: ENV });
  await rea.waitForPhase('tells', 'ready');
  await rea.waitForPhase('twin', 'ready');
  // It is true what the secrets are, and clients are told what servers say.
  const { raw } = await rea.request('tools/list');
  for (const value of PLANTED.filter((one) => one !== PROXY)) {
    expect(
      layers(raw).some((layer) => layer.includes(value)),
      value,
    ).toBe(true);
  }
  await rea.waitForLog('is not listed, because server');
  await rea.waitForLog('introduced itself');

  for (const [at, write] of Object.values(FORMS).entries()) {
    const texts = PLANTED.map((value) => `${write(value)} in form ${at}.`);
    await rea.call('tells__say', {
      texts: [texts.slice(0, 5).join(' '), texts.slice(5).join(' ')],
    });
    await rea.call('twin__say', { texts: texts.slice(0, 1), stdout: true });
    // More lines than may be logged at once would not be looked at.
    await until(() => count(rea.stderr, `in form ${at}.`) >= PLANTED.length, {
      what: `form ${at} in the log`,
    });
  }
  await rea.call('tells__say', { texts: PLANTED.slice(0, 3), split: true });
  // Wherever a long line is cut, too.
  const cut = [4080, 8180].map((at) => `${'x'.repeat(at)}${PLANTED.join(' ')}${'y'.repeat(9000)}`);
  await rea.call('tells__say', { texts: cut });
  expect((await rea.call('tells__fail')).text).toContain('it failed');

  const last = PLANTED.flatMap((value) => Object.values(FORMS).map((write) => write(value)));
  for (let deaths = 1; last.length > 0; deaths += 1) {
    const dies = rea.begin('tells__die', { texts: last.splice(0, 60) });
    const { raw: told, failure } = await dies.answer;
    expect(failure?.code).toBe('ERR_OUTCOME_UNKNOWN');
    expectNone({ 'an answer': told }, PLANTED);
    const isBack = { what: 'back' };
    await rea.waitForServer('tells', ({ incarnation }) => incarnation > deaths, isBack);
    if (deaths === 1) expectNone(await sinks(rea), PLANTED);
    expectNone({ state: JSON.stringify(rea.state()) }, PLANTED);
    await rea.waitForPhase('tells', 'ready');
  }
  const refused = await rea.call('refuses__say');
  const none = await rea.call('none__say');
  for (const name of ['refuses', 'none', 'lost']) {
    await rea.waitForServer(name, ({ last_error }) => last_error !== null, { what: 'down' });
  }
  const seen: Record<string, string> = await sinks(rea);
  expectNone({ refused: refused.raw, none: none.raw }, PLANTED);
  expectNone(seen, PLANTED);
  // It is these secrets that were hidden, and the rest can be read.
  expect(seen['log']).toContain('[REDACTED:secret] in form 0.');
  expect(seen['status --json']).toContain('[REDACTED:secret]');
  expect(seen['catalog.json']).toContain('Says it: ');
  expect(seen['serve.state.json']).toContain('command not found: /nowhere/[REDACTED:secret]');
  expect(seen['serve.state.json']).toContain('working directory not found');
});

test('what a server over HTTP was sent is not seen either, nor a token that was replaced', async () => {
  const server = await startFixture();
  const dir = project();
  const tokens = [plain('first-token'), plain('second-token')];
  const values = { KEY: plain('header'), QUERY: plain('query'), PIECE: plain('piece') };
  const file = join(dir, 'token');
  writeFileSync(file, tokens[0] ?? '', { mode: 0o600 });
  const rea = await startRea({
    cwd: dir,
    env: { ...ENV, ...values, HOST: 'zq7hostx9kd0vpw3lm5rt' },
    config: registry({
      web: {
        url: `${server.url}?key=\${QUERY}&piece=a%2F\${PIECE}`,
        headers: { 'X-Other': 'with ${KEY}' },
        token_file: 'token',
      },
      nowhere: { url: 'https://${HOST}.invalid/mcp' },
    }),
  });
  const secrets = [...tokens, ...Object.values(values), 'zq7hostx9kd0vpw3lm5rt'];
  await rea.waitForPhase('web', 'ready');
  const body = [tokens[0] ?? '', ...Object.values(values)]
    .flatMap((value) => Object.values(FORMS).map((write) => write(value)))
    .join('\n');
  const said = await rea.call('web__status', { code: 500, body });
  expect(said.text).toContain('[REDACTED:secret]');
  await server.kill();
  await rea.waitForServer('web', ({ last_error }) => last_error !== null, { what: 'down' });
  writeFileSync(file, tokens[1] ?? '');
  const again = await startFixture('--port', server.port);
  await rea.waitForPhase('web', 'ready');
  const both = tokens.flatMap((value) => Object.values(FORMS).map((write) => write(value)));
  const later = await rea.call('web__status', { code: 502, body: both.join('\n') });
  await again.kill();
  await rea.waitForServer('nowhere', ({ last_error }) => last_error !== null, { what: 'down' });
  const down = await rea.call('nowhere__x');
  const seen = { ...(await sinks(rea)), said: said.raw, later: later.raw, down: down.raw };
  expectNone(seen, secrets);
});

test('settings that are no secrets can be read wherever a server tells them', async () => {
  const harmless: Record<string, string> = {
    NODE_ENV: 'production',
    LOG_LEVEL: 'verbose',
    DEBUG: 'true',
    PORT: '38080',
    REGION: 'us-east-1',
    ZONE: 'Europe/Berlin',
    DATA_DIR: '/srv/data/project_2024_frontend',
    ENDPOINT: 'https://api.example.com/v1/users',
    DATABASE_HOST: 'db.internal.example.com:5432',
    TOKEN_FILE: '/run/secrets/token',
    MAX_TOKENS: '409600',
    CACHE: 'memory',
    NODE_OPTIONS: '--max-old-space-size=4096',
  };
  const handed = { HTTP_PROXY: 'http://proxy.example.com:3128', LC_ALL: 'en_US.UTF-8' };
  const { command, args = [] } = fixture(
    'tells-all',
    '--workers',
    'seventeen',
    '--no-token',
    'seen',
  );
  const rea = await startRea({
    config: registry({
      tells: {
        command,
        args,
        env: { ...harmless, FROM: '${LC_ALL}' },
        env_passthrough: ['LC_ALL'],
      },
    }),
    env: { ...handed, REA_LOG_LEVEL: 'debug' },
  });
  const values = [...Object.values(harmless), ...Object.values(handed), 'seventeen', 'tells-all'];
  const text = values.join(' ');
  await rea.call('tells__say', { texts: [text] });
  await rea.waitForLog(text);
  await rea.begin('tells__die', { texts: [text] }).answer;
  const server = await rea.waitForServer('tells', ({ last_exit }) => last_exit !== null, {
    what: 'dead',
  });
  expect(server.last_exit?.stderr_tail).toContain(text);
  for (const name of ['HOME', 'PATH']) expect(rea.stderr).toContain(process.env[name]);
  const file = join(rea.dir, '.rea', 'catalog.json');
  const missing = () => {
    const catalog = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return values.filter((value) => !catalog.includes(value));
  };
  await until(() => missing().length === 0, { what: 'what is remembered' });
});
