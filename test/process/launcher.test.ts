/** A gateway with many servers has them started by a process of its own, which may die and is never left. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { Hold } from '../support/hold.ts';
import { isAlive, livingProcesses } from '../support/processes.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const NAMES = Array.from({ length: 8 }, (_, at) => `echo-${at}`);
const LIMIT_MS = 45_000;

test('loses no call when the launcher is killed, and has another start the next server', async () => {
  const { rea } = await start(NAMES);
  const first = await launcherOf(rea, 0);
  await rea.waitForLog('the launcher is up');
  const [pid = 0] = await restart(rea, 'echo-0');
  expect(parentOf(pid)).toBe(first);
  const held = NAMES.map(() => new Hold());
  const calls = NAMES.map((name, at) => rea.begin(`${name}__hold`, held[at]?.args));
  for (const hold of held) await hold.begun();
  killOne(first);
  await rea.waitForLog('the launcher ended; starting another');
  for (const hold of held) hold.end();
  for (const { answer } of calls) expect((await answer).failure).toBeNull();
  // What dies now is started by whoever is there.
  const [byGateway = 0] = await restart(rea, 'echo-0', 'echo-1');
  expect(isAlive(byGateway)).toBe(true);
  await until(
    async () => {
      const [again = 0] = await restart(rea, 'echo-2');
      return parentOf(again) === (await launcherOf(rea, first));
    },
    { limitMs: LIMIT_MS, what: 'a server of the next launcher' },
  );
});

test.each(['end of stdin', 'SIGKILL'] as const)('leaves no launcher after %s', async (how) => {
  const { rea, temporary } = await start(NAMES);
  const launcher = await launcherOf(rea, 0);
  expect(readdirSync(temporary)).toHaveLength(1);
  if (how === 'SIGKILL') rea.kill(how);
  else await rea.stop();
  await rea.exited;
  if (how !== 'SIGKILL') expect(isAlive(launcher)).toBe(false);
  await until(() => !isAlive(launcher), { limitMs: LIMIT_MS, what: 'its end' });
  expect(readdirSync(temporary)).toEqual([]);
});

test('few servers need none, and where there can be none servers start all the same', async () => {
  const few = await start(NAMES.slice(1));
  const { rea } = await start(NAMES, 'no/such/directory');
  await rea.waitForLog('no launcher: servers are forked from the gateway');
  const [pid = 0] = await restart(rea, 'echo-0');
  expect(parentOf(pid)).toBe(rea.pid);
  expect(readdirSync(few.temporary)).toEqual([]);
});

async function start(names: readonly string[], tmpdir = 'tmp') {
  const cwd = makeDirectory();
  const temporary = join(cwd, 'tmp');
  mkdirSync(temporary);
  const rea = await startRea({
    cwd,
    env: { TMPDIR: join(cwd, tmpdir), REA_LOG_LEVEL: 'debug' },
    config: registry(Object.fromEntries(names.map((name) => [name, fixture('echo')]))),
  });
  const calls = names.map((name) => rea.call(`${name}__echo`, { text: name }));
  expect((await Promise.all(calls)).map(({ text }) => text)).toEqual(names);
  return { rea, temporary };
}

/** Kills servers. @returns the pids of those that follow them. */
async function restart(rea: Rea, ...names: readonly string[]): Promise<number[]> {
  const pidOf = async (name: string) => Number((await rea.call(`${name}__pid`)).text);
  const before = await Promise.all(names.map(pidOf));
  for (const pid of before) killOne(pid);
  return Promise.all(
    names.map((name, at) =>
      until(
        async () => {
          const pid = await pidOf(name);
          return pid > 0 && pid !== before[at] ? pid : null;
        },
        { limitMs: LIMIT_MS, what: `the next ${name}` },
      ),
    ),
  );
}

/** @param not the one before. */
function launcherOf(rea: Rea, not: number): Promise<number> {
  return until(
    () =>
      livingProcesses().find(
        ({ pid, ppid, command }) =>
          ppid === rea.pid && pid !== not && command.startsWith('rea-launcher'),
      )?.pid,
    { limitMs: LIMIT_MS, what: 'the launcher' },
  );
}

function parentOf(pid: number): number | undefined {
  return livingProcesses().find((one) => one.pid === pid)?.ppid;
}
