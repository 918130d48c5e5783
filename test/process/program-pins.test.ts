/**
 * A program that a person has not accepted is not started: not when the gateway starts again, not when the file
 * changes under it, whoever has written the file.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { accept, spawned, waitForBlocked } from '../support/pins.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea, writeRegistry } from '../support/rea-process.ts';
import { evidencePath, executed, identity, waitFor, writes } from '../support/reload-waiting.ts';
import { after, hold, rewrite } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

test.concurrent('the values of secrets, variables of the gateway and settings change freely', async () => {
  const dir = makeDirectory();
  const one = {
    ...fixture('echo', '${OF_GATEWAY}'),
    env: { API_TOKEN: 'first-value-of-it', DB_PASSWORD: '${OF_GATEWAY}' },
  };
  const first = await startRea({ cwd: dir, config: registry({ one }), env: { OF_GATEWAY: 'a' } });
  await identity(first, 'one');
  await first.stop();
  const changed = {
    ...one,
    env: { DB_PASSWORD: '${OF_GATEWAY}', API_TOKEN: 'second-value-of-it' },
    prefix: 'uno',
    tools: { deny: ['big'] },
    call_timeout_ms: 30_000,
  };
  const second = await startRea({
    cwd: dir,
    config: registry({ one: changed }),
    env: { OF_GATEWAY: 'b' },
  });
  await identity(second, 'one');
  expect((await second.status()).exit).toBe(0);
  await second.stop();
});

test.concurrent('what an agent writes into the settings of the project widens nothing', async () => {
  const dir = makeDirectory();
  const evidence = evidencePath();
  const one = fixture('echo');
  const policy = join(dir, '.rea', 'policy.yaml');
  const first = await startRea({ cwd: dir, config: registry({ one }) });
  await identity(first, 'one');
  // A policy that asks nobody, pins of its own, a server that is not to be pinned.
  await after(first, () => {
    writeFileSync(policy, 'version: "1"\npins: { programs: off }\n', { mode: 0o600 });
  });
  await first.waitForLog('pins.programs: off does not hold');
  for (const name of ['pins.json', 'fingerprints.json']) {
    const pins = { schema: 1, programs_action: 'off', programs: { evil: [{ pin: 'x', at: 'y' }] } };
    writeFileSync(join(dir, '.rea', name), JSON.stringify(pins), { mode: 0o600 });
  }
  const evil = { ...writes(evidence), pin: 'off' };
  await rewrite(first, registry({ one, evil }));
  await waitForBlocked(first, ['evil']);
  await after(first, () => first.kill('SIGHUP'));
  await first.stop();
  const second = await startRea({ cwd: dir });
  second.expectForeignFiles(['pins.json', 'fingerprints.json']);
  first.expectForeignFiles(['pins.json', 'fingerprints.json']);
  await waitForBlocked(second, ['evil']);
  await identity(second, 'one');
  expect(spawned(second)).toEqual(['one']);
  expect(existsSync(evidence)).toBe(false);
  await second.stop();

  // Accepted by a person, both hold: it may be any program then.
  expect(await accept(dir, '--all')).toContain('accepted: pins.programs: off (.rea/policy.yaml:2)');
  const other = evidencePath();
  const third = await startRea({
    cwd: dir,
    config: registry({ one, evil: { ...writes(other), pin: 'off' } }),
  });
  third.expectForeignFiles(['pins.json', 'fingerprints.json']);
  await executed(other);
  await third.stop();
});

test.concurrent('the floor of a person may say that nothing is pinned; a project may only be sterner', async () => {
  const [dir, settings] = [makeDirectory(), makeDirectory()];
  mkdirSync(join(settings, 'rea'));
  const floor = (text: string) =>
    writeFileSync(join(settings, 'rea', 'policy.yaml'), text, { mode: 0o600 });
  const env = { XDG_CONFIG_HOME: settings };
  const one = fixture('echo');
  const first = await startRea({ cwd: dir, config: registry({ one }), env });
  await identity(first, 'one');
  await first.stop();
  floor('pins: { programs: warn }\n');
  const warned = await startRea({ cwd: dir, config: registry({ one: fixture('echo', 'x') }), env });
  await identity(warned, 'one');
  expect(warned.stderr).toContain('is started all the same (pins.programs: warn)');
  await warned.stop();
  writeFileSync(join(dir, '.rea', 'policy.yaml'), 'pins: { programs: block }\n', { mode: 0o600 });
  const blocked = await startRea({ cwd: dir, env });
  await waitForBlocked(blocked, ['one']);
  await blocked.stop();
});

test.concurrent('accepting while calls run loses none, and the next ones go to the new program', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo', 'first') }) });
  await identity(rea, 'one');
  const held = await hold(rea, 'one');
  await rewrite(rea, registry({ one: fixture('echo', 'second') }));
  await waitFor(rea, ['one']);
  expect((await rea.call('one__echo', { text: 'before' })).text).toBe('before');
  await accept(rea.dir, 'one');
  const waits = rea.begin('one__pid');
  await held.end();
  const pid = Number((await waits.answer).text);
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')).toContain('second');
  await waitFor(rea, []);
  await rea.stop();
});

test.concurrent('accepted without a gateway, in force in every gateway, and recorded', async () => {
  const dir = makeDirectory();
  const first = await startRea({ cwd: dir, config: registry({ one: fixture('echo') }) });
  await identity(first, 'one');
  await first.stop();
  writeRegistry(dir, registry({ one: fixture('echo', 'other') }));
  expect((await runRea(['pins', 'list', '--cwd', dir])).code).toBe(1);
  expect(await accept(dir, 'one')).toContain('no gateway is running here');
  expect((await runRea(['pins', 'list', '--cwd', dir])).code).toBe(0);
  const gateways = [await startRea({ cwd: dir }), await startRea({ cwd: dir })];
  for (const rea of gateways) await rea.waitForLog('"msg":"ready"');

  const evidence = evidencePath();
  writeRegistry(dir, registry({ one: fixture('echo', 'other'), two: writes(evidence) }));
  for (const rea of gateways) await rea.waitForLog('server \\"two\\" is not started');
  expect(await accept(dir, 'two')).toContain('in force in 2 gateways');
  const runs = () => (existsSync(evidence) ? readFileSync(evidence, 'utf8').split('ran') : []);
  await until(() => runs().length > 2, { what: 'two runs' });
  for (const rea of gateways) await rea.stop();
  const audit = await runRea(['audit', 'verify', '--cwd', dir]);
  expect(audit).toMatchObject({ code: 0, stdout: expect.stringContaining('clean') });
  const records = (await runRea(['audit', 'tail', '--json', '--lines', '500', '--cwd', dir])).stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).metadata);
  const accepted = records.filter(({ event }) => event === 'accept');
  expect(accepted.map(({ by, servers }) => [typeof by, servers])).toEqual([
    ['string', ['one']],
    ['object', ['one']],
    ['object', ['two']],
  ]);
  const seen = records.filter(({ event, what }) => event === 'pinned' && what === 'program');
  expect(seen).toHaveLength(2);
});

test.concurrent("a client's file is pinned like any other, and the command to type names it", async () => {
  const dir = makeDirectory();
  const evidence = evidencePath();
  const file = join(dir, '.mcp.json');
  const { command, args } = fixture('echo');
  const { command: sh, args: script } = writes(evidence);
  const write = (mcpServers: object) =>
    writeFileSync(file, JSON.stringify({ mcpServers }), { mode: 0o600 });
  write({ one: { command, args } });
  const first = await startRea({ cwd: dir, args: ['--config', file] });
  await identity(first, 'one');
  await first.stop();
  write({ one: { command, args }, evil: { command: sh, args: script } });
  const second = await startRea({ cwd: dir, args: ['--config', file] });
  await waitForBlocked(second, ['evil']);
  const [waiting] = await waitFor(second, ['evil']);
  expect(waiting?.change).toBe('new');
  const toType = `rea pins accept evil --config ${file}`;
  expect(second.stderr).toContain(`to take it: ${toType}`);
  expect(existsSync(evidence)).toBe(false);
  const args_ = toType.split(' ').slice(1);
  expect((await runRea([...args_, '--cwd', dir])).code).toBe(0);
  await executed(evidence);
  await second.stop();
});

test.concurrent('who connects is told what is not started, and what a person types', async () => {
  const dir = makeDirectory();
  const first = await startRea({
    cwd: dir,
    config: registry({ one: fixture('echo'), two: fixture('echo') }),
  });
  await identity(first, 'one');
  await first.stop();
  const rea = await startRea({
    cwd: dir,
    config: registry({ one: fixture('echo', 'x'), two: fixture('echo') }),
    initialize: false,
  });
  await rea.waitForLog('server \\"one\\" is not started');
  const { message } = await rea.initialize();
  expect(message.result.instructions).toContain(
    'Not started, because nobody has accepted the program: one (changed)',
  );
  expect(message.result.instructions).toContain('rea pins accept one, in ');
  const health = JSON.parse((await rea.call('__rea__health')).text);
  expect(health.policy.blocked).toEqual([
    { server: 'one', change: 'changed', accept: 'rea pins accept one' },
  ]);
  const refused = await rea.call('one__echo', { text: 'x' });
  expect(refused.message.error).toMatchObject({
    code: -32602,
    message: expect.stringContaining('to accept it: rea pins accept one'),
  });
  await rea.stop();
});

test.concurrent('with a damaged file of pins nothing starts, and one command mends it', async () => {
  const dir = makeDirectory();
  const state = makeDirectory();
  const place = ['--state-dir', state];
  const first = await startRea({
    cwd: dir,
    config: registry({ one: fixture('echo') }),
    args: place,
  });
  await identity(first, 'one');
  await first.stop();
  const file = join(state, 'pins.json');
  const whole = readFileSync(file, 'utf8');
  for (const text of ['', whole.slice(0, -20), '{"schema":7}', whole.replace('"pin"', '"pim"')]) {
    writeFileSync(file, text);
    const { code, stderr } = await runRea(['serve', '--cwd', dir, ...place]);
    expect(code).toBe(1);
    const lines = stderr.trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`rea pins accept --all --state-dir ${state} (one: `);
    expect(lines[0]).toContain('fixtures/servers/echo.mjs');
    expect((await runRea(['pins', 'accept', 'one', '--cwd', dir, ...place])).code).toBe(1);
    expect((await runRea(['pins', 'accept', '--all', '--cwd', dir, ...place])).code).toBe(0);
    expect(readFileSync(`${file}.damaged`, 'utf8')).toBe(text);
  }
  const again = await startRea({ cwd: dir, args: place });
  await identity(again, 'one');
  // Damaged while it runs: what was accepted holds.
  const held = readFileSync(file, 'utf8');
  const damage = () => {
    // A write of definitions that has begun may still replace it.
    if (readFileSync(file, 'utf8') !== '{') writeFileSync(file, '{');
    return again.stderr.includes('what was pinned before holds until it is mended');
  };
  await until(damage, { what: 'the damaged file to be noticed', everyMs: 100 });
  await rewrite(again, registry({ one: fixture('echo', 'x') }));
  await waitFor(again, ['one']);
  writeFileSync(file, held);
  await again.stop();
  rmSync(file);
});

test.concurrent('names that nobody has are refused with the nearest one', async () => {
  const dir = makeDirectory();
  writeRegistry(dir, registry({ search: fixture('echo') }));
  const wrong = await runRea(['pins', 'accept', 'serch', '--cwd', dir]);
  expect(wrong).toMatchObject({
    code: 1,
    stderr: 'there is no enabled server "serch" in .rea/registry.yaml; did you mean "search"?\n',
  });
  expect((await runRea(['pins', 'accept', '--cwd', dir])).code).toBe(2);
  expect((await runRea(['tofu', '--cwd', dir])).code).toBe(0);
});
