/**
 * What waits for a person is shown with its command line, and no secret of any server is in it: of those that
 * run, of those that have run, and of those that wait, in no form and under no other name.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { StateSnapshot } from '#src/shared/model/snapshot.ts';
import { auditRecords } from '../support/audit.ts';
import { accept } from '../support/pins.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { AUTO, after } from '../support/reloading.ts';
import { expectNone, FORMS } from '../support/secret-forms.ts';
import { fixture, type Registry, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const LIMIT_MS = 60_000;
const HIDDEN = '[REDACTED:secret]';
/** Long enough that nothing else is it by chance; with what every form has to write differently. */
const secret = (kind: string) => `Zq7 ${kind}/"x9\\Kd0vé+Pw3`;
const plain = (kind: string) => `Zq7${kind}x9Kd0vPw3Lm5Rt`;

type Waiting = StateSnapshot['reload']['waiting'];

/** Writes the file and waits until just these servers are in the state file as waiting, in this order. */
async function rewrite(
  rea: Rea,
  config: Registry,
  names: readonly string[],
  look: (waiting: Waiting) => boolean = () => true,
): Promise<Waiting> {
  writeRegistry(rea.dir, config);
  return rea.waitForState(
    ({ reload: { waiting } }) => {
      return waiting.map(({ name }) => name).join() === names.join() && look(waiting) && waiting;
    },
    { what: `waiting: ${names.join()}`, limitMs: LIMIT_MS },
  );
}

/** Where what waits is shown: to be looked at once it is known to be in the state file. */
async function sinks(rea: Rea): Promise<Record<string, string>> {
  const show = async (...args: string[]) => {
    const { stdout, stderr } = await runRea(['status', ...args, '--cwd', rea.dir]);
    return stdout + stderr;
  };
  return {
    state: readFileSync(join(rea.dir, '.rea', 'serve.state.json'), 'utf8'),
    log: rea.stderr,
    status: await show(),
    'status --verbose': await show('--verbose'),
    'status --json': await show('--json'),
    health: (await rea.call('__rea__health')).raw,
  };
}

/** A program that is never run. */
function program(...args: string[]): ServerSpec {
  return { command: '/bin/echo', args };
}

const ENV = {
  HANDED: secret('handed'),
  PUT_IN: secret('put-in'),
  OF_WAITING: secret('of-waiting'),
  HTTPS_PROXY: `http://me:${plain('proxy')}@proxy.example.com:3128`,
};

const RUNNING = {
  variable: secret('variable'),
  argument: plain('argument'),
  assigned: secret('assigned'),
  header: secret('header').replace('é', 'e'),
  query: plain('query'),
  file: plain('file'),
};

function running(dir: string): Record<string, ServerSpec | { url: string }> {
  const { command, args = [] } = fixture('echo');
  writeFileSync(join(dir, 'token'), RUNNING.file, { mode: 0o600 });
  return {
    one: {
      command,
      args: [...args, '--api-key', RUNNING.argument, `--client.secret=${RUNNING.assigned}`],
      env: { VALUE: RUNNING.variable, REFERENCE: 'with ${PUT_IN}' },
      env_passthrough: ['HANDED'],
    },
    web: {
      // Nobody listens there.
      url: `http://127.0.0.1:9/mcp?key=${RUNNING.query}`,
      headers: { 'X-Other': RUNNING.header },
      token_file: join(dir, 'token'),
    },
  };
}

const WAITING = {
  variable: secret('waiting-variable'),
  phrase: 'correct horse battery staple',
  argument: 'Tr0ub4dor & 3',
  pair: plain('waiting-pair'),
  password: plain('waiting-password'),
};

const waits: ServerSpec = {
  command: '/bin/echo',
  args: [
    '--token',
    WAITING.argument,
    `A_TOKEN=${WAITING.pair}`,
    `postgres://me:${WAITING.password}@db/x`,
  ],
  env: { VALUE: WAITING.variable, PASSPHRASE: WAITING.phrase, REFERENCE: '${OF_WAITING}' },
};

test('secrets of servers that run and of others that wait are hidden in every form', async () => {
  const dir = makeDirectory();
  const rea = await startRea({ cwd: dir, env: ENV, config: registry(running(dir)) });
  await rea.waitForPhase('one', 'ready');
  // It has read its token by then.
  await rea.waitForServer('web', ({ last_error }) => last_error !== null, { what: 'down' });
  const { HTTPS_PROXY: _proxy, ...variables } = ENV;
  const secrets = [
    ...Object.values(variables),
    plain('proxy'),
    ...Object.values(RUNNING),
    ...Object.values(WAITING),
  ];
  const writes = Object.entries(FORMS);
  const copies = writes.map(([, write], at): [string, ServerSpec] => {
    return [`copy-${at}`, program('begins', ...secrets.map(write), 'ends')];
  });
  const config = registry({ ...running(dir), ...Object.fromEntries(copies), waits });
  const waiting = await rewrite(rea, config, [...copies.map(([name]) => name), 'waits']);
  for (const [at, { what }] of waiting.slice(0, -1).entries()) {
    // All of them were there to be hidden, and what stands around them is still to be read.
    const line = what ?? '';
    expect(line, writes[at]?.[0]).toMatch(/^\/bin\/echo begins .* ends \(in /);
    expect(line.split(HIDDEN).length - 1, line).toBeGreaterThanOrEqual(secrets.length);
    // Of many the first twenty are told one by one.
    if (at < 20) await rea.waitForLog(`server \\"copy-${at}\\" is not started`);
  }
  expect(waiting.at(-1)?.what).toContain(`'REFERENCE=\${OF_WAITING}'`);
  expectNone(await sinks(rea), secrets);
  await rea.stop();
});

test('what the running version keeps is hidden in the new one, wherever it stands there', async () => {
  const before = {
    command: process.execPath,
    args: [...(fixture('echo').args ?? []), '--password', 'production-1', '--pin', '${PUT_IN}'],
    env: { API_TOKEN: 'canary word', PLAIN: plain('moved') },
    env_passthrough: ['HANDED'],
  };
  const rea = await startRea({ env: ENV, config: registry({ one: before }) });
  await rea.waitForPhase('one', 'ready');
  const wanted = {
    command: `/opt/${plain('moved')}/run`,
    // In two arguments, too.
    args: ['production-1', 'canary', 'word', ENV.PUT_IN, `--message=${ENV.HANDED}`],
    cwd: `/srv/${plain('moved')}`,
    env: { NODE_OPTIONS: 'canary word', [`${plain('moved')}_MODE`]: '1' },
    env_passthrough: [plain('moved')],
  };
  const [waiting] = await rewrite(rea, registry({ one: wanted }), ['one']);
  expect(waiting?.what).toContain(`'NODE_OPTIONS=${HIDDEN}'`);
  expect(waiting?.what).toContain('; changed: ');
  await rea.waitForLog('stays as it was');
  const secrets = ['production-1', 'canary word', plain('moved'), ENV.PUT_IN, ENV.HANDED];
  expectNone(await sinks(rea), secrets);
  // Nor when it is taken, and of servers that are gone by then.
  await rewrite(rea, registry({ other: program('production-1', ENV.HANDED) }), ['other']);
  await accept(rea.dir, 'other');
  await rea.waitForLog('pinned from now on: other');
  expectNone(await sinks(rea), secrets);
  await rea.stop();
});

test('a secret of a server that came by a reload is in no record of a call', async () => {
  const dir = makeDirectory();
  const one = fixture('echo');
  const rea = await startRea({ ...AUTO, cwd: dir, config: registry({ one }) });
  await rea.waitForPhase('one', 'ready');
  // It tells its secret in the name of a tool.
  const definitions = join(dir, 'definitions.json');
  writeFileSync(
    definitions,
    JSON.stringify({ tools: [{ name: plain('later') }, { name: 'last' }] }),
  );
  const two = { ...fixture('drifts', '--definitions', definitions), env: { KEY: plain('later') } };
  await after(rea, () => writeRegistry(rea.dir, registry({ one, two })));
  await rea.waitForPhase('two', 'ready');
  await rea.call(`two__${plain('later')}`);
  await rea.call('two__last');
  const names = () => auditRecords(rea.dir).map((record) => record.tool_name);
  await until(() => names().includes('last'), { what: 'the record of the second call' });
  expectNone({ records: JSON.stringify(auditRecords(rea.dir)) }, [plain('later')]);
  expect(names()).toContainEqual(expect.stringContaining(HIDDEN));
  await rea.stop();
});

test('what becomes a secret later is hidden in what waits already', async () => {
  const dir = makeDirectory();
  const token = join(dir, 'token');
  writeFileSync(token, plain('first'), { mode: 0o600 });
  const web = { url: 'http://127.0.0.1:9/mcp', token_file: token };
  const rea = await startRea({ cwd: dir, config: registry({ web }) });
  await rea.waitForServer('web', ({ last_error }) => last_error !== null, { what: 'down' });
  const copy = program(plain('of-another'), plain('second'));
  const [shown] = await rewrite(rea, registry({ web, copy }), ['copy']);
  // Nobody could know.
  expect(shown?.what).toContain(`/bin/echo ${plain('of-another')} ${plain('second')} (in `);

  const another = { ...program(), env: { SOME: plain('of-another') } };
  const hasFirst = ([one]: Waiting) => one?.what?.includes(plain('of-another')) === false;
  const [hidden] = await rewrite(
    rea,
    registry({ web, copy, another }),
    ['copy', 'another'],
    hasFirst,
  );
  expect(hidden).toEqual({
    ...shown,
    what: shown?.what?.replace(plain('of-another'), `'${HIDDEN}'`),
  });

  // The server reads its token again at its next start.
  writeFileSync(token, plain('second'));
  await rea.waitForState(
    ({ reload }) => reload.waiting[0]?.what?.includes(plain('second')) === false,
    { what: 'the second hidden', limitMs: LIMIT_MS },
  );
  const { log: _log, ...seen } = await sinks(rea);
  expectNone(seen, [plain('of-another'), plain('second'), plain('first')]);
  expect(seen['status --verbose']).toContain(`/bin/echo '${HIDDEN}' ${HIDDEN} (in `);
  await rea.stop();
});
