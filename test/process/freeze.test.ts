/** The kill switch as people use it: `rea freeze` and `rea unfreeze`, with gateways and without. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { policyHouse } from '../support/policy-house.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const freeze = (dir: string, reason = 'too many charges') =>
  runRea(['freeze', '--reason', reason, '--cwd', dir]);
const unfreeze = (dir: string) => runRea(['unfreeze', '--yes', '--cwd', dir]);

test('freeze holds for every gateway of the directory when it returns, and unfreeze ends it', async () => {
  const one = await startRea({ config: registry({ echo: fixture('echo') }) });
  const other = await startRea({ cwd: one.dir });
  for (const rea of [one, other]) expect((await rea.call('echo__pid')).failure).toBeNull();
  // From below: the nearest directory above with a `.rea` is meant.
  const below = join(one.dir, 'src', 'deep');
  mkdirSync(below, { recursive: true });
  const frozen = await freeze(below);
  expect(frozen.stderr).toBe('');
  expect(frozen.stdout).toMatch(/^2 gateways frozen in \d+ ms\n$/);
  expect(frozen.code).toBe(0);
  for (const rea of [one, other]) {
    const { failure, text } = await rea.call('echo__pid');
    expect(failure).toMatchObject({ code: 'ERR_HALTED', outcome: 'not_sent' });
    expect(text).toContain('too many charges');
    expect((await rea.tools()).map(({ name }) => name)).toContain('echo__pid');
  }
  expect((await one.status()).json.policy).toMatchObject({ halt_active: true });
  // A gateway that starts meanwhile is frozen from its first moment on.
  const third = await startRea({ cwd: one.dir });
  expect((await third.call('echo__pid')).failure).toMatchObject({ code: 'ERR_HALTED' });
  const again = await freeze(one.dir, 'another');
  expect(again.stdout).toMatch(/^HALT was set already: too many charges\n3 gateways frozen in/);
  expect(again.code).toBe(0);
  const thawed = await unfreeze(one.dir);
  expect(thawed.stdout).toMatch(/^3 gateways unfrozen in \d+ ms\n$/);
  for (const rea of [one, other, third]) {
    expect((await rea.call('echo__pid')).failure).toBeNull();
  }
});

test('calls that wait are refused when it is set, and those in flight are answered', async () => {
  const echo = { ...fixture('echo'), max_concurrency: 1 };
  const rea = await startRea({ config: registry({ echo }) });
  await rea.waitForPhase('echo', 'ready');
  await rea.tools();
  const gate = join(rea.dir, 'gate');
  const held = rea.begin('echo__hold', { file: gate });
  const waiting = rea.begin('echo__pid');
  await rea.waitForServer('echo', (one) => one.in_flight === 1 && one.queued === 1, {
    what: 'holding one call and keeping one waiting',
  });
  expect((await freeze(rea.dir)).code).toBe(0);
  // Whatever the gateway has said before this one has come.
  expect((await rea.call('echo__pid')).failure).toMatchObject({ code: 'ERR_HALTED' });
  expect(waiting.answered()).toBe(true);
  expect((await waiting.answer).failure).toMatchObject({ code: 'ERR_HALTED', outcome: 'not_sent' });
  writeFileSync(gate, '');
  expect((await held.answer).failure).toBeNull();
});

test('while it is set no server hears a notification that may be a request in disguise', async () => {
  const { rea, dir, journal } = await policyHouse({});
  rea.wire.notify('notifications/demo/before');
  await until(() => journal().includes('demo/before'), { what: 'the server to hear of it' });
  expect((await freeze(dir)).code).toBe(0);
  rea.wire.notify('notifications/demo/meanwhile', {});
  // What tells a server how its client is now has no effect, and nobody would say it again.
  rea.wire.notify('notifications/roots/list_changed');
  expect((await rea.call('tiers__get_thing')).failure).toMatchObject({ code: 'ERR_HALTED' });
  expect((await unfreeze(dir)).code).toBe(0);
  expect((await rea.call('tiers__get_thing')).failure).toBeNull();
  expect(journal()).toContain('roots/list_changed');
  expect(journal()).not.toContain('demo/meanwhile');
});

test('without a .rea there and above nothing is made', async () => {
  const dir = makeDirectory();
  const { code, stderr } = await freeze(dir);
  expect(code).toBe(1);
  expect(stderr).toContain(`there is no .rea in ${dir} or above it`);
  expect(existsSync(join(dir, '.rea'))).toBe(false);
  expect((await unfreeze(dir)).code).toBe(1);
});

test.skipIf(process.getuid?.() !== 0)('a .rea of somebody else above is passed over', async () => {
  const dir = makeDirectory();
  writeRegistry(dir, registry({}));
  mkdirSync(join(dir, 'below'));
  chownSync(join(dir, '.rea'), 65_534, 65_534);
  const { code, stderr } = await freeze(join(dir, 'below'));
  expect([code, stderr]).toEqual([1, expect.stringContaining('there is no .rea in')]);
  expect(existsSync(join(dir, '.rea', 'HALT'))).toBe(false);
});

test('with no gateway it is set all the same; no reason, no freeze', async () => {
  const dir = makeDirectory();
  writeRegistry(dir, registry({}));
  for (const args of [['freeze'], ['freeze', '--reason', ' \n ']]) {
    const refused = await runRea([...args, '--cwd', dir]);
    expect(refused.code).toBe(2);
    expect(refused.stderr.split('\n')).toHaveLength(2);
  }
  expect(existsSync(join(dir, '.rea', 'HALT'))).toBe(false);
  const { code, stdout } = await freeze(dir, 'stop\u202e it\u001b[31m');
  expect([code, stdout]).toEqual([0, 'HALT is set; no gateway is running here\n']);
  const text = readFileSync(join(dir, '.rea', 'HALT'), 'utf8');
  expect(text).toMatch(/^stop[ -~\ufffd]* it[ -~\ufffd]*\n$/);
  const unasked = await runRea(['unfreeze', '--cwd', dir]);
  expect([unasked.code, unasked.stderr]).toEqual([
    2,
    'nobody can be asked here: rea unfreeze --yes\n',
  ]);
  expect((await unfreeze(dir)).stdout).toBe('HALT is cleared; no gateway is running here\n');
  expect((await unfreeze(dir)).stdout).toContain('HALT is not set');
});

test('whatever entry has set it, unfreeze removes it or says why it cannot', async () => {
  const dir = makeDirectory();
  writeRegistry(dir, registry({}));
  const halt = join(dir, '.rea', 'HALT');
  symlinkSync(join(dir, 'nowhere'), halt);
  mkdirSync(join(dir, '.rea', 'halt'));
  writeFileSync(join(dir, '.rea', 'Halt'), '');
  chmodSync(join(dir, '.rea', 'Halt'), 0);
  expect((await unfreeze(dir)).code).toBe(0);
  mkdirSync(halt);
  writeFileSync(join(halt, 'mine'), '');
  const { code, stderr } = await unfreeze(dir);
  expect(code).toBe(1);
  expect(stderr).toContain(`${halt} cannot be removed: `);
});

test('a gateway that does not say that it is frozen is named', async () => {
  const rea = await startRea({ config: registry({ echo: fixture('echo') }) });
  expect((await rea.call('echo__pid')).failure).toBeNull();
  rea.kill('SIGSTOP');
  const { code, stderr } = await freeze(rea.dir);
  rea.kill('SIGCONT');
  expect(code).toBe(1);
  expect(stderr).toContain(`pid ${rea.pid} `);
  await rea.waitForLog('HALT is set');
});
