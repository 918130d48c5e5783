/**
 * A change of the file alone starts no program and reaches no address that nobody has accepted:
 * it waits for a person, is shown as waiting, and everything else of the change is put in force.
 */
import { existsSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { accept } from '../support/pins.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import {
  asks,
  evidencePath,
  executed,
  identity,
  names,
  waitFor,
  writes,
} from '../support/reload-waiting.ts';
import { after, LIMIT_MS, rewrite } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

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
  expect(rea.state()?.downstreams.map(({ name, phase }) => [name, phase])).toEqual([
    ['evil', 'blocked'],
    ['one', 'ready'],
  ]);
  expect(await identity(rea, 'one')).toEqual(one);

  const [told, ...others] = asks(rea);
  expect(others).toEqual([]);
  expect(told).toContain('.rea/registry.yaml: server "evil" is not started');
  expect(told).toContain(`/bin/sh -c 'echo ran >> ${evidence}; sleep 60'`);
  expect(told).toContain('to take it: rea pins accept evil');
  expect(waiting?.what).toContain(`/bin/sh -c 'echo ran >> ${evidence}; sleep 60'`);
  const { exit, json } = await rea.status();
  expect(exit).toBe(1);
  expect(json.serve.reload.waiting).toEqual([waiting]);
  const { stdout } = await runRea(['status', '--cwd', rea.dir]);
  expect(stdout).toContain('→ to take them: rea pins accept --all');
  expect(stdout).toContain('evil');
  expect(existsSync(evidence)).toBe(false);

  await after(rea, () => rea.kill('SIGHUP'));
  await waitFor(rea, ['evil']);
  expect(existsSync(evidence)).toBe(false);
  await accept(rea.dir, 'evil');
  await executed(evidence);
  await waitFor(rea, []);
  expect(rea.stderr).toContain('pinned from now on: evil');

  // From then on it may go and come back.
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
  await accept(rea.dir, 'one');
  await executed(evidence);
  expect((await rea.call('uno__echo', { text: 'taken' })).text).toBe('taken');
  await waitFor(rea, []);
  await rea.stop();
});

test.concurrent('accepted programs come and go without being asked for; a name that is new to one is not', async () => {
  const first = fixture('echo', 'first');
  const second = fixture('echo', 'second');
  const rea = await startRea({ config: registry({ first, second }) });
  await identity(rea, 'second');
  await rewrite(rea, registry({ first }));
  await rea.waitForState(({ downstreams }) => downstreams.length === 1, { what: 'one server' });
  await rewrite(rea, registry({ second, first }));
  await rea.waitForPhase('second', 'ready');
  expect(rea.state()?.reload).toMatchObject({ problems: null, waiting: [], more: 0 });
  expect(asks(rea)).toEqual([]);
  await rewrite(rea, registry({ first: second, renamed: first }));
  await waitFor(rea, ['first', 'renamed']);
  await accept(rea.dir, '--all');
  const argumentOf = async (name: string) => {
    const pid = Number((await rea.call(`${name}__pid`)).text);
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').at(2);
  };
  expect(await argumentOf('renamed')).toBe('first');
  expect(await argumentOf('first')).toBe('second');
  await rea.stop();
});

test.concurrent('what was not there at the first start waits, also a new combination of what was', async () => {
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
  await accept(rea.dir, '--all');
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
    expect(asks(rea)[0]).toContain('its address is not pinned');
    expect(requests).toBe(0);
    await accept(rea.dir, 'remote');
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
  expect(asks(rea)[0]).toContain('.mcp.json: server "evil" is not started');
  expect(await identity(rea, 'one')).toEqual(one);
  expect(existsSync(evidence)).toBe(false);
  await accept(dir, 'evil', '--config', link);
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
  await accept(rea.dir, '--all');
  await waitFor(rea, []);
  const pid = Number((await rea.call('b__pid')).text);
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')).toContain('other');
  await rea.stop();
});
