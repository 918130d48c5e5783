/**
 * A change of the file alone starts no program and reaches no address that this run did not start with:
 * it waits for a person, is shown as waiting, and everything else of the change is put in force.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import type { StateSnapshot } from '#src/shared/model/snapshot.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, type Registry, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const LIMIT_MS = 60_000;
const IN_FORCE = '"msg":"the configuration is in force"';
const STAYS = '"msg":"the earlier configuration stays in force"';

type Waiting = StateSnapshot['reload']['waiting'];

function count(rea: Rea, text: string): number {
  return rea.stderr.split(text).length - 1;
}

/** Does something, and waits until the gateway has judged what is in the file then. */
async function after(rea: Rea, change: () => void, verdict = IN_FORCE): Promise<void> {
  const before = count(rea, verdict);
  change();
  await until(() => count(rea, verdict) > before, { limitMs: LIMIT_MS, what: verdict });
}

const rewrite = (rea: Rea, config: Registry | string) =>
  after(rea, () => writeRegistry(rea.dir, config));

/** Waits until just these servers are shown as waiting. */
function waitFor(rea: Rea, names: readonly string[]): Promise<Waiting> {
  return rea.waitForState(
    ({ reload }) =>
      reload.waiting.map(({ name }) => name).join() === names.join() && reload.waiting,
    { what: `waiting: ${names.join()}`, limitMs: LIMIT_MS },
  );
}

/** Warnings of the log, as text. */
function warnings(rea: Rea): string[] {
  return rea.stderr
    .split('\n')
    .filter((line) => line.includes('"level":"warn"'))
    .map((line) => JSON.parse(line).msg);
}

const asks = (rea: Rea) => warnings(rea).filter((line) => line.includes('kill -HUP'));

/** A program that leaves a file when it is executed; it is no server, and what becomes of it does not matter. */
function writes(file: string): ServerSpec {
  return {
    command: '/bin/sh',
    args: ['-c', `echo ran >> ${file}; sleep 60`],
    // A list waits for it until it is given up.
    start_timeout_ms: 1_000,
    restart: { intensity: 1, backoff_ms: 60_000, backoff_max_ms: 60_000 },
  };
}

/** A path where nothing is yet. */
function evidencePath(): string {
  return join(makeDirectory(), 'executed');
}

function executed(file: string): Promise<true> {
  return until(() => existsSync(file), { limitMs: LIMIT_MS, what: `${file} to be written` });
}

async function identity(rea: Rea, name: string) {
  const { pid, incarnation, since, restarts } = await rea.waitForPhase(name, 'ready');
  return { pid, incarnation, since, restarts };
}

async function names(rea: Rea): Promise<string[]> {
  return (await rea.tools()).map(({ name }) => name);
}

test.concurrent('a new program waits, is told with its command line, and runs once a person says so', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  const one = await identity(rea, 'one');
  const evidence = evidencePath();
  const config = registry({ evil: writes(evidence), one: { ...fixture('echo'), prefix: 'uno' } });
  await rewrite(rea, config);
  const [waiting] = await waitFor(rea, ['evil']);
  expect(waiting).toMatchObject({ name: 'evil', change: 'new' });
  expect(Date.parse(waiting?.since ?? '')).toBeGreaterThan(Date.parse(one.since));
  // What else there was in the change is in force.
  const listed = await names(rea);
  expect(listed).toContain('uno__echo');
  expect(listed.filter((name) => name.includes('evil'))).toEqual([]);
  const unknown = await rea.call('evil__echo', { text: 'x' });
  expect(unknown.message.error).toMatchObject({ code: -32602 });
  expect(rea.state()?.downstreams.map(({ name }) => name)).toEqual(['one']);
  expect(await identity(rea, 'one')).toEqual(one);

  const [told, ...others] = asks(rea);
  expect(others).toEqual([]);
  expect(told).toContain('.rea/registry.yaml: server "evil" waits');
  expect(told).toContain(`/bin/sh -c 'echo ran >> ${evidence}; sleep 60'`);
  expect(told).toContain(`kill -HUP ${rea.pid}, or restart rea serve`);
  expect(waiting?.what).toContain(`/bin/sh -c 'echo ran >> ${evidence}; sleep 60'`);
  const { exit, json } = await rea.status();
  expect(exit).toBe(1);
  expect(json.serve.reload.waiting).toEqual([waiting]);
  const { stdout } = await runRea(['status', '--cwd', rea.dir]);
  expect(stdout).toContain(`kill -HUP ${rea.pid}`);
  expect(stdout).toContain('evil');
  expect(existsSync(evidence)).toBe(false);

  await after(rea, () => rea.kill('SIGHUP'));
  await executed(evidence);
  await waitFor(rea, []);
  expect(rea.stderr).toContain('server \\"evil\\" is taken at SIGHUP: ');

  // From then on it is a program of this run: it may go and come back.
  await rewrite(rea, registry({ one: fixture('echo') }));
  await rea.waitForState(({ downstreams }) => downstreams.length === 1, { what: 'one server' });
  await rewrite(rea, config);
  const runs = () => readFileSync(evidence, 'utf8').split('ran').length - 1;
  await until(() => runs() === 2, { limitMs: LIMIT_MS, what: 'the program to run again' });
  expect(asks(rea)).toHaveLength(1);
  await rea.stop();
});

test.concurrent('a server whose program changes goes on with its old entry as a whole', async () => {
  const dir = makeDirectory();
  const evidence = join(dir, 'executed');
  const required = join(dir, 'required.cjs');
  writeFileSync(required, `require('node:fs').appendFileSync('${evidence}', 'ran');`);
  const one = { ...fixture('echo'), tools: { deny: ['big'] } };
  const other = { ...fixture('echo'), call_timeout_ms: 20_000 };
  const rea = await startRea({ config: registry({ one, other }) });
  const before = [await identity(rea, 'one'), await identity(rea, 'other')];
  const changed = {
    ...fixture('echo'),
    env: { NODE_OPTIONS: `--require ${required}` },
    prefix: 'uno',
  };
  await rewrite(rea, registry({ one: changed, other: { ...other, prefix: 'dos' } }));
  const [waiting] = await waitFor(rea, ['one']);
  expect(waiting?.change).toBe('changed');
  expect(waiting?.what).toContain(`NODE_OPTIONS=--require ${required}`);
  expect(asks(rea)[0]).toContain('server "one" stays as it was');
  expect(asks(rea)[0]).toContain("changed: 'env NODE_OPTIONS'");
  const listed = await names(rea);
  expect(listed).toContain('one__echo');
  expect(listed).toContain('dos__echo');
  // What its old entry refuses is refused; what the new one would have is not there.
  expect(listed.filter((name) => name === 'one__big' || name.startsWith('uno'))).toEqual([]);
  expect([await identity(rea, 'one'), await identity(rea, 'other')]).toEqual(before);

  // Back to what runs: nothing is left to decide.
  await rewrite(rea, registry({ one, other }));
  await waitFor(rea, []);
  expect(rea.stderr).toContain('server \\"one\\" does not wait any longer');
  expect((await rea.status()).exit).toBe(0);
  expect(existsSync(evidence)).toBe(false);

  await rewrite(rea, registry({ one: changed, other }));
  await waitFor(rea, ['one']);
  expect(existsSync(evidence)).toBe(false);
  await after(rea, () => rea.kill('SIGHUP'));
  await executed(evidence);
  expect((await rea.call('uno__echo', { text: 'taken' })).text).toBe('taken');
  await waitFor(rea, []);
  await rea.stop();
});

test.concurrent('programs of this run come, go, are renamed and change places without being asked for', async () => {
  const first = fixture('echo', 'first');
  const second = fixture('echo', 'second');
  const rea = await startRea({ config: registry({ first, second }) });
  await identity(rea, 'second');
  await rewrite(rea, registry({ first }));
  await rea.waitForState(({ downstreams }) => downstreams.length === 1, { what: 'one server' });
  await rewrite(rea, registry({ first: second, renamed: first }));
  const argumentOf = async (name: string) => {
    const pid = Number((await rea.call(`${name}__pid`)).text);
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').at(2);
  };
  expect(await argumentOf('renamed')).toBe('first');
  expect(await argumentOf('first')).toBe('second');
  expect(rea.state()?.reload).toEqual({ waiting: [], more: 0 });
  expect(asks(rea)).toEqual([]);
  await rea.stop();
});

test.concurrent('what did not start with this run waits, also a new combination of what did', async () => {
  const evidence = evidencePath();
  const off = { ...writes(evidence), enabled: false };
  const unset = { ...writes(evidence), env: { TOKEN: '${NOT_SET_ANYWHERE}' } };
  const withEnv = { ...fixture('echo', 'a'), env: { SETTING: 'of-a' } };
  const plain = fixture('echo', 'b');
  const rea = await startRea({ config: registry({ off, unset, a: withEnv, b: plain }) });
  const before = [await identity(rea, 'a'), await identity(rea, 'b')];
  const config = registry({
    off: writes(evidence),
    unset: { ...writes(evidence), env: { TOKEN: '' } },
    a: withEnv,
    b: { ...plain, env: { SETTING: 'of-a' } },
  });
  await rewrite(rea, config);
  const waiting = await waitFor(rea, ['off', 'unset', 'b']);
  expect(waiting.map(({ change }) => change)).toEqual(['new', 'changed', 'changed']);
  expect([await identity(rea, 'a'), await identity(rea, 'b')]).toEqual(before);
  expect(existsSync(evidence)).toBe(false);
  await after(rea, () => rea.kill('SIGHUP'));
  await executed(evidence);
  await rea.stop();
});

test.concurrent('an address waits like a program, and so does another value of a header', async () => {
  let requests = 0;
  const authorized: (string | undefined)[] = [];
  const web = createServer((request, response) => {
    requests += 1;
    authorized.push(request.headers.authorization);
    response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/mcp`;
    const one = fixture('echo');
    const remote = (token: string) => ({ url, headers: { Authorization: `Bearer ${token}` } });
    const rea = await startRea({ config: registry({ one }) });
    await identity(rea, 'one');
    await rewrite(rea, registry({ one, remote: remote('first-secret-9f2c') }));
    const [waiting] = await waitFor(rea, ['remote']);
    expect(waiting?.what).toContain(`${url} (headers Authorization)`);
    expect(asks(rea)[0]).toContain('its address is new to this run');
    expect(requests).toBe(0);
    await after(rea, () => rea.kill('SIGHUP'));
    await until(() => requests > 0, { limitMs: LIMIT_MS, what: 'a request' });
    await rewrite(rea, registry({ one, remote: remote('second-secret-7d1e') }));
    const [again] = await waitFor(rea, ['remote']);
    expect(again?.what).toContain("changed: 'header authorization'");
    expect(authorized).not.toContain('Bearer second-secret-7d1e');
    expect(rea.stderr + JSON.stringify(rea.state())).not.toContain('secret-');
    await rea.stop();
  } finally {
    web.closeAllConnections();
    web.close();
  }
});

test.concurrent("a client's file is asked for too, also when a link leads to another one", async () => {
  const dir = makeDirectory();
  const evidence = evidencePath();
  const write = (name: string, mcpServers: object) =>
    writeFileSync(join(dir, name), JSON.stringify({ mcpServers }), { mode: 0o600 });
  const { command, args } = fixture('echo');
  const { command: sh, args: script } = writes(evidence);
  write('good.json', { one: { command, args } });
  write('bad.json', { one: { command, args }, evil: { command: sh, args: script } });
  const link = join(dir, '.mcp.json');
  symlinkSync('good.json', link);
  const rea = await startRea({ cwd: dir, args: ['--config', link] });
  const one = await identity(rea, 'one');
  await after(rea, () => {
    symlinkSync('bad.json', join(dir, 'next'));
    renameSync(join(dir, 'next'), link);
  });
  await waitFor(rea, ['evil']);
  expect(asks(rea)[0]).toContain('.mcp.json: server "evil" waits');
  expect(await identity(rea, 'one')).toEqual(one);
  expect(existsSync(evidence)).toBe(false);
  await after(rea, () => rea.kill('SIGHUP'));
  await executed(evidence);
  await rea.stop();
});

test.concurrent('whoever is given the prefix of a server that stays as it was waits with it', async () => {
  const first = { ...fixture('echo', 'first'), prefix: 'a' };
  const second = { ...fixture('echo', 'second'), prefix: 'b' };
  const rea = await startRea({ config: registry({ first, second }) });
  await identity(rea, 'first');
  const changed = { ...fixture('echo', 'other'), prefix: 'b' };
  await rewrite(rea, registry({ first: changed, second: { ...second, prefix: 'a' } }));
  const waiting = await waitFor(rea, ['first', 'second']);
  expect(waiting[1]?.what).toContain('server "first" keeps the prefix "a"');
  const listed = (await names(rea)).filter((name) => name.endsWith('__pid'));
  expect(listed).toEqual(['a__pid', 'b__pid']);
  await after(rea, () => rea.kill('SIGHUP'));
  await waitFor(rea, []);
  const pid = Number((await rea.call('b__pid')).text);
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')).toContain('other');
  await rea.stop();
});

test.concurrent('of seventy new servers none is executed; each is told, or counted where there are too many', async () => {
  const evidence = evidencePath();
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  const one = await identity(rea, 'one');
  const many = Object.fromEntries(
    Array.from({ length: 70 }, (_, at) => [`n${at}`, writes(`${evidence}-${at}`)]),
  );
  await rewrite(rea, registry({ ...many, one: fixture('echo') }));
  const { waiting, more } = await rea.waitForState(
    ({ reload }) => reload.waiting.length > 0 && reload,
    { what: 'waiting servers', limitMs: LIMIT_MS },
  );
  expect(waiting.map(({ name }) => name)).toEqual(Object.keys(many).slice(0, 64));
  expect(more).toBe(6);
  const all = Object.keys(many);
  expect(asks(rea)).toHaveLength(21);
  for (const [at, line] of asks(rea).slice(0, 20).entries()) {
    expect(line).toContain(`server "n${at}" waits: its program is new to this run: `);
  }
  expect(asks(rea).at(-1)).toContain(`50 more servers wait: ${all.slice(20).join(' ')}`);
  expect(await identity(rea, 'one')).toEqual(one);
  for (const at of Object.keys(many).keys()) expect(existsSync(`${evidence}-${at}`)).toBe(false);
  await rewrite(rea, registry({ one: fixture('echo') }));
  await waitFor(rea, []);
  expect(rea.state()?.reload.more).toBe(0);
  await rea.stop();
});

test.concurrent('a file that flaps executes nothing, and the last of it is what waits', async () => {
  const evidence = evidencePath();
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  const one = await identity(rea, 'one');
  for (let at = 0; at < 12; at += 1) {
    const evil = writes(`${evidence}-${at}`);
    const flap = { [`evil-${at}`]: evil, ...(at % 2 === 0 ? { one: evil } : {}) };
    const config = registry({ one: fixture('echo'), ...flap });
    // Some are seen by the gateway and some are gone before it looks.
    if (at % 3 === 0) await rewrite(rea, config);
    else writeRegistry(rea.dir, config);
  }
  const [waiting] = await waitFor(rea, ['evil-11']);
  expect(waiting?.what).toContain(`${evidence}-11`);
  for (let at = 0; at < 12; at += 1) expect(existsSync(`${evidence}-${at}`)).toBe(false);
  expect(await identity(rea, 'one')).toEqual(one);
  await rea.stop();
});

test.concurrent('what waits is told again only when it differs', async () => {
  const evidence = evidencePath();
  const one = fixture('echo');
  const evil = writes(evidence);
  const rea = await startRea({ config: registry({ one }) });
  await identity(rea, 'one');
  await rewrite(rea, registry({ one, evil }));
  const [first] = await waitFor(rea, ['evil']);
  await rewrite(rea, registry({ evil: { ...evil, call_timeout_ms: 5_000 }, one }));
  await rewrite(rea, `# the same\n${JSON.stringify(registry({ one, evil }))}`);
  expect(await waitFor(rea, ['evil'])).toEqual([first]);
  expect(asks(rea)).toHaveLength(1);
  const other = { ...evil, args: [...(evil.args ?? []), 'other'] };
  await rewrite(rea, registry({ one, evil: other }));
  await until(() => asks(rea).length === 2, { limitMs: LIMIT_MS, what: 'another question' });
  expect(asks(rea)[1]).toMatch(/sleep 60' other \(/);
  expect(existsSync(evidence)).toBe(false);
  await rea.stop();
});

test.concurrent('SIGHUP takes nothing of a file that is refused, and what waits is still shown', async () => {
  const evidence = evidencePath();
  const one = fixture('echo');
  const rea = await startRea({ config: registry({ one }) });
  await identity(rea, 'one');
  const config = registry({ one, evil: writes(evidence) });
  await rewrite(rea, config);
  const waiting = await waitFor(rea, ['evil']);
  const text = JSON.stringify(config);
  // Found by the gateway itself, and then asked for.
  await after(rea, () => writeRegistry(rea.dir, text.slice(0, -10)), STAYS);
  await after(rea, () => rea.kill('SIGHUP'), STAYS);
  const many = { ...fixture('echo'), instances: 'session', max_instances: 256 };
  const tooMany = registry({ one, many, evil: writes(evidence) });
  await after(rea, () => writeRegistry(rea.dir, tooMany), STAYS);
  await after(rea, () => rea.kill('SIGHUP'), STAYS);
  expect(rea.stderr).not.toContain('is taken at SIGHUP');
  await rewrite(rea, text);
  expect(await waitFor(rea, ['evil'])).toEqual(waiting);
  expect(existsSync(evidence)).toBe(false);
  await rea.stop();
});

test.concurrent('SIGHUP takes what was in the file then, not what is written while it is put off', async () => {
  const evidence = evidencePath();
  const gates = makeDirectory();
  const open = (version: number) => writeFileSync(join(gates, String(version)), '');
  const slow = (version: number) => fixture('start-on-demand', join(gates, String(version)));
  open(0);
  open(2);
  const rea = await startRea({ config: registry({ one: slow(0) }) });
  await rea.waitForPhase('one', 'ready');
  const [tool = ''] = (await names(rea)).filter((name) => name.startsWith('one__'));
  await after(rea, () => {
    writeRegistry(rea.dir, registry({ one: slow(1) }));
    rea.kill('SIGHUP');
  });
  // A call waits for the server that is starting: what would replace it is put off.
  const call = rea.begin(tool);
  await rea.waitForServer('one', ({ queued, phase }) => queued === 1 && phase === 'starting', {
    what: 'starting and waited for',
  });
  const inForce = count(rea, IN_FORCE);
  await after(
    rea,
    () => {
      writeRegistry(rea.dir, registry({ one: slow(2) }));
      rea.kill('SIGHUP');
    },
    // Told when the file has been read: what is written from here on is another change.
    'is taken at SIGHUP',
  );
  await after(
    rea,
    () => writeRegistry(rea.dir, registry({ one: slow(2), evil: writes(evidence) })),
    '"why":"a file has changed"',
  );
  expect(count(rea, IN_FORCE)).toBe(inForce);
  open(1);
  expect((await call.answer).failure).toBeNull();
  await waitFor(rea, ['evil']);
  const pid = Number((await rea.call(tool)).text);
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')).toContain(join(gates, '2'));
  expect(existsSync(evidence)).toBe(false);
  await rea.stop();
});

test.concurrent('a change while the gateway starts is measured by what it starts with', async () => {
  const evidence = evidencePath();
  const dir = makeDirectory();
  const one = { ...fixture('echo'), trusted: true };
  writeRegistry(dir, registry({ one }));
  const rea = await startRea({ cwd: dir, initialize: false });
  // Told between the reading of the file and the first start of a server.
  await rea.waitForLog('trusted: has no effect in this version');
  writeRegistry(dir, registry({ one, evil: writes(evidence) }));
  await rea.initialize();
  await waitFor(rea, ['evil']);
  expect(existsSync(evidence)).toBe(false);
  await rea.stop();
});

test.concurrent('a directory that is put in the place of theirs is not read before a person says so', async () => {
  const dir = makeDirectory();
  const [place, other] = [join(dir, 'settings'), join(dir, 'other')];
  const write = (directory: string, prefix: string) => {
    const config = registry({ one: { ...fixture('echo'), prefix } });
    writeFileSync(join(directory, 'servers.yaml'), JSON.stringify(config), { mode: 0o600 });
  };
  for (const directory of [place, other]) mkdirSync(directory);
  write(place, 'uno');
  write(other, 'evil');
  const rea = await startRea({ cwd: dir, args: ['--config', join(place, 'servers.yaml')] });
  const one = await identity(rea, 'one');
  const swap = () => {
    renameSync(place, join(dir, 'away'));
    renameSync(other, place);
  };
  await after(rea, swap, STAYS);
  expect(rea.stderr).toContain('settings: is another directory than it was');
  expect(await names(rea)).toContain('uno__echo');
  // Whatever is then written there.
  await after(rea, () => write(place, 'worse'), STAYS);
  // Where it was it is read again.
  renameSync(place, other);
  await after(rea, () => renameSync(join(dir, 'away'), place));
  await after(rea, () => write(place, 'dos'));
  expect(await names(rea)).toContain('dos__echo');
  await after(rea, swap, STAYS);
  await after(rea, () => rea.kill('SIGHUP'));
  expect(await names(rea)).toContain('worse__echo');
  await after(rea, () => write(place, 'tres'));
  expect(await names(rea)).toContain('tres__echo');
  expect(await identity(rea, 'one')).toEqual(one);
  await rea.stop();
});

test.concurrent('with --reload off nothing is read before SIGHUP, which takes it all', async () => {
  const dir = makeDirectory();
  const evidence = evidencePath();
  const one = fixture('echo');
  writeRegistry(dir, registry({ one }));
  const rea = await startRea({ cwd: dir, args: ['--reload', 'off'] });
  await identity(rea, 'one');
  // Another gateway on the same files shows when a change could have been seen.
  const watching = await startRea({ cwd: dir });
  const policy = join(dir, '.rea', 'policy.yaml');
  for (const prefix of ['uno', 'ein']) {
    await rewrite(watching, registry({ one: { ...one, prefix } }));
    await after(watching, () => writeFileSync(policy, `version: "1" # ${prefix}\n`));
  }
  await rewrite(watching, registry({ one: { ...one, prefix: 'un' }, evil: writes(evidence) }));
  expect(rea.stderr).not.toContain('reading the configuration again');
  expect(await names(rea)).toContain('one__echo');
  expect(existsSync(evidence)).toBe(false);
  await after(rea, () => rea.kill('SIGHUP'));
  expect(await names(rea)).toContain('un__echo');
  await executed(evidence);
  rmSync(policy);
  await watching.stop();
  await rea.stop();
});

test.concurrent('with --reload auto a changed file is enough', async () => {
  const evidence = evidencePath();
  const one = fixture('echo');
  const rea = await startRea({ config: registry({ one }), args: ['--reload', 'auto'] });
  await identity(rea, 'one');
  await rewrite(rea, registry({ one, two: writes(evidence) }));
  await executed(evidence);
  expect(asks(rea)).toEqual([]);
  await rea.stop();
});

test.concurrent('secrets are in no warning and in no state file, and nothing in them is disguised', async () => {
  const one = { ...fixture('echo'), env: { OF_ONE: 'canary-of-one-4711' } };
  const rea = await startRea({
    config: registry({ one }),
    env: { GATEWAY_SECRET: 'canary-of-the-gateway' },
  });
  await identity(rea, 'one');
  const evil = {
    command: '/bin/echo',
    args: [
      'canary-of-one-4711',
      '${GATEWAY_SECRET}',
      '--token',
      'canary-argument-77',
      'a\u202e\nb',
    ],
    env: { OWN: 'canary-of-its-own', PLAIN: '/some/path' },
  };
  await rewrite(rea, registry({ one, evil }));
  const [waiting] = await waitFor(rea, ['evil']);
  const shown = [
    "/bin/echo '[REDACTED:secret]' '${GATEWAY_SECRET}' --token '[REDACTED:secret]' $'a\\u202e\\nb'",
    `(in ${rea.dir}; env 'OWN=[REDACTED:secret]' PLAIN=/some/path)`,
  ].join(' ');
  expect(waiting?.what).toBe(shown);
  expect(asks(rea)[0]).toContain(shown);
  const { text } = await rea.status();
  const page = await runRea(['status', '--verbose', '--cwd', rea.dir]);
  expect(page.stdout).toContain(shown);
  expect(rea.stderr + text + page.stdout + JSON.stringify(rea.state())).not.toContain('canary');
  expect(rea.stderr).not.toContain('\u202e');
  await rea.stop();
});
