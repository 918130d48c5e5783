/** The gateway's end, by whatever cause: no server and no descendant of one outlives it. */
import { spawnSync } from 'node:child_process';
import { afterEach, expect, test, vi } from 'vitest';
import { Hold } from '../support/hold.ts';
import { isAlive, livingProcesses, processesOf } from '../support/processes.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { AUTO } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

/** Servers that do not go by themselves. */
const STUBBORN = {
  stubborn: fixture('ignore-sigterm'),
  npx: fixture('wrapper', 'ignore-sigterm.mjs'),
  family: fixture('grandchild-keeps-pipe'),
  polite: fixture('echo'),
};
const ORPHAN_LIMIT_MS = 5 * 500;
const STOP_LIMIT_MS = 5 * 1_800;

test('nothing lives on after SIGKILL of the gateway', async () => {
  const rea = await startWithStubborn();
  const time = stopwatch();
  rea.kill('SIGKILL');
  await rea.exited;
  expect(await gone(rea.dir, ORPHAN_LIMIT_MS)).toBe(true);
  report('SIGKILL of the gateway: all processes gone after', time.ms());
});

test('nothing lives on after the next start when gateway and guard were killed together', async () => {
  const rea = await startWithStubborn();
  const guard = await guardOf(rea, 0);
  rea.expectKill();
  spawnSync('/bin/sh', ['-c', `kill -s KILL ${guard} ${rea.pid}`]);
  await rea.exited;
  const orphans = processesOf(rea.dir);
  expect(orphans.length).toBeGreaterThan(0);

  const time = stopwatch();
  const next = await startRea({
    cwd: rea.dir,
    config: registry({ polite: fixture('echo') }),
    ...AUTO,
  });
  await until(() => orphans.every(({ pid }) => !isAlive(pid)), {
    what: 'the orphans of the last gateway to be gone',
  });
  report('next start: orphans of the last gateway gone after', time.ms());
  expect((await next.call('polite__echo', { text: 'hello' })).text).toBe('hello');
});

test('is gone with all its servers soon after the end of its stdin', async () => {
  const rea = await startWithStubborn();
  const time = stopwatch();
  expect(await rea.stop()).toEqual({ code: 0, signal: null });
  report('end of stdin: rea exited after', time.ms());
  expect(time.ms()).toBeLessThan(STOP_LIMIT_MS);
  expect(serversOf(rea.dir)).toEqual([]);
});

test('ends when its stdout breaks', async () => {
  const rea = await startWithStubborn();
  rea.breakStdout();
  rea.wire.request('tools/list').answer.catch(() => undefined);
  const exit = await until(() => rea.exit, { limitMs: STOP_LIMIT_MS, what: 'rea to exit' });
  expect(exit.signal).toBeNull();
  await gone(rea.dir, ORPHAN_LIMIT_MS);
});

test.each(['SIGTERM', 'SIGINT'] as const)('stops cleanly on %s', async (signal) => {
  const rea = await startWithStubborn();
  const time = stopwatch();
  rea.kill(signal);
  const exit = await until(() => rea.exit, { limitMs: 5 * 6_800, what: 'rea to exit' });
  report(`${signal}: rea exited after`, time.ms());
  expect(exit).toEqual({ code: 0, signal: null });
  expect(serversOf(rea.dir)).toEqual([]);
});

test('lets calls in flight finish on SIGTERM, and kills everything at once on a second one', async () => {
  const rea = await startRea({
    config: registry({ echo: fixture('echo'), stubborn: fixture('ignore-sigterm') }),
    args: ['--grace', '60s'],
  });
  await rea.tools();
  const held = new Hold();
  const inFlight = rea.begin('echo__hold', held.args);
  rea.begin('stubborn__wait');
  await held.begun();
  rea.kill('SIGTERM');
  await until(async () => (await rea.call('echo__echo', { text: 'late' })).failure, {
    what: 'new calls to be refused',
  });
  const time = stopwatch();
  held.end();
  expect((await inFlight.answer).text).toBe('held');
  expect(rea.exit).toBeNull();
  // Then it is a second signal, not a repeat of the first.
  await until(() => time.ms() > 1_100, { what: 'a second to pass' });
  rea.kill('SIGTERM');
  const exit = await until(() => rea.exit, { what: 'rea to exit' });
  expect(exit).toEqual({ code: 1, signal: null });
  await gone(rea.dir, ORPHAN_LIMIT_MS);
});

test('a guard that was killed is replaced', async () => {
  const rea = await startWithStubborn();
  const first = await guardOf(rea, 0);
  process.kill(first, 'SIGKILL');
  await guardOf(rea, first);
  rea.kill('SIGKILL');
  await rea.exited;
  expect(await gone(rea.dir, ORPHAN_LIMIT_MS)).toBe(true);
});

/** All four servers are up, and calls are in flight to two of them. */
async function startWithStubborn(): Promise<Rea> {
  const rea = await startRea({ config: registry(STUBBORN) });
  await rea.tools();
  for (const name of Object.keys(STUBBORN)) await rea.waitForPhase(name, 'ready');
  rea.begin('stubborn__wait');
  rea.begin('npx__wait');
  return rea;
}

/** Without the guard, which ends by itself as soon as it gets some CPU. */
function serversOf(dir: string) {
  return processesOf(dir).filter(({ command }) => !command.includes('rea-guard'));
}

function gone(dir: string, limitMs: number): Promise<true> {
  return until(() => processesOf(dir).length === 0, { limitMs, what: 'no process to be left' });
}

/** The pid of the gateway's guard, once it is another than `not`. */
function guardOf(rea: Rea, not: number): Promise<number> {
  return until(
    () =>
      livingProcesses().find(
        ({ pid, ppid, command }) =>
          ppid === rea.pid && pid !== not && command.startsWith('/bin/sh'),
      )?.pid,
    { what: 'a guard' },
  );
}
