/** A gateway with many servers has them started by a process of its own, which may die and is never left. */
import { mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { Hold } from '../support/hold.ts';
import { isAlive, livingProcesses } from '../support/processes.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const NAMES = Array.from({ length: 8 }, (_, at) => `echo-${at}`);
const LIMIT_MS = 45_000;

test.concurrent('loses no call when the launcher is killed, and has another start the next server', async () => {
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

test('strangers at its socket are sent away, and servers are started meanwhile', async () => {
  const { rea, temporary } = await start(NAMES);
  const launcher = await launcherOf(rea, 0);
  await rea.waitForLog('the launcher is up');
  const [directory = ''] = readdirSync(temporary);
  const path = join(temporary, directory, 'launcher');
  const startedByLauncher = async (name: string) => {
    const [pid = 0] = await restart(rea, name);
    expect(parentOf(pid)).toBe(launcher);
  };

  const silent = stranger(path);
  const endless = stranger(path);
  // As much as is taken: of what the system keeps for a reader no more than is in its buffers.
  let taken = 0;
  const write = () => {
    endless.socket.write(Buffer.alloc(64 * 1024 + 1, 'x'), (error) => {
      if (error !== null && error !== undefined) return;
      taken += 1;
      write();
    });
  };
  write();
  const guesses = stranger(path);
  guesses.socket.write(`${'0'.repeat(32)}\n{"kind":"start","id":"1","command":"true","args":[]}\n`);
  await startedByLauncher('echo-0');
  for (const one of [silent, endless, guesses]) expect(await one.closed).toBe(0);
  expect(taken).toBeLessThan(32);

  // Far more than may wait there, of which each says the beginning of something.
  const before = socketsOf(launcher);
  let most = 0;
  const crowd = Array.from({ length: 300 }, () => {
    const one = stranger(path);
    one.socket.on('connect', () => one.socket.write('{"kind":'));
    one.socket.once('close', () => {
      most = Math.max(most, socketsOf(launcher) - before);
    });
    return one;
  });
  await startedByLauncher('echo-1');
  for (const { closed } of crowd) expect(await closed).toBe(0);
  expect(most).toBeGreaterThan(32);
  // And those of the servers that were started meanwhile.
  expect(most).toBeLessThanOrEqual(64 + 8);
  await startedByLauncher('echo-2');
  expect(isAlive(launcher)).toBe(true);
});

test.concurrent.each(['end of stdin', 'SIGKILL'] as const)(
  'leaves no launcher after %s',
  async (how) => {
    const { rea, temporary } = await start(NAMES);
    const launcher = await launcherOf(rea, 0);
    expect(readdirSync(temporary)).toHaveLength(1);
    if (how === 'SIGKILL') rea.kill(how);
    else await rea.stop();
    await rea.exited;
    if (how !== 'SIGKILL') expect(isAlive(launcher)).toBe(false);
    await until(() => !isAlive(launcher), { limitMs: LIMIT_MS, what: 'its end' });
    expect(readdirSync(temporary)).toEqual([]);
  },
);

test.concurrent('few servers need none, and where there can be none servers start all the same', async () => {
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
  // The first starts have not needed it; the first server that comes back does.
  expect(readdirSync(temporary)).toEqual([]);
  await restart(rea, names.at(-1) ?? '');
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

/** A connection that is not shown the token, and how many bytes it was answered with until it was closed. */
function stranger(path: string): { readonly socket: Socket; readonly closed: Promise<number> } {
  const socket = connect(path);
  onTestFinished(() => void socket.destroy());
  const closed = new Promise<number>((resolve) => {
    socket.once('close', () => resolve(socket.bytesRead));
  });
  socket.on('error', () => undefined).resume();
  return { socket, closed };
}

function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`).startsWith('socket:');
    } catch (error) {
      // Closed in this moment.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }).length;
}

function parentOf(pid: number): number | undefined {
  return livingProcesses().find((one) => one.pid === pid)?.ppid;
}
