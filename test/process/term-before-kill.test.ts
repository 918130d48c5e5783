/** Wrappers such as `docker run` hand SIGTERM on, and nothing else: every end of a server begins with it. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { isAlive, livingProcesses } from '../support/processes.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { AUTO } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const LIMIT_MS = 20_000;

test.concurrent('a server that does not start in time', async () => {
  const { containers } = await start(['hang-at-initialize.mjs'], { start_timeout_ms: 1_000 });
  expect(await gone(await first(containers))).toBe(true);
});

test.concurrent('a server that no longer answers', async () => {
  const { rea, containers } = await start(['never-answer.mjs', '--pings', '1'], {
    call_timeout_ms: 4_000,
    liveness: { idle_ms: 300, timeout_ms: 300, misses: 1 },
  });
  await rea.tools();
  const container = await first(containers);
  await rea.call('boxed__wait');
  expect(await gone(container)).toBe(true);
});

test.concurrent('a server whose line never ends', async () => {
  const { rea, containers } = await start(['endless-line.mjs'], { max_message_bytes: 65_536 });
  await rea.tools();
  const container = await first(containers);
  rea.begin('boxed__endless').answer.catch(() => undefined);
  expect(await gone(container)).toBe(true);
});

test.concurrent('the servers of a supervisor thread that ends', async () => {
  const { rea, containers } = await start(['echo.mjs'], {}, { faults: true });
  await rea.waitForPhase('boxed', 'ready');
  const container = await first(containers);
  await rea.faults.inject('supervisor', 'throw');
  expect(await gone(container)).toBe(true);
});

test.concurrent('the gateway is killed', async () => {
  const { rea, containers } = await start(['echo.mjs']);
  await rea.waitForPhase('boxed', 'ready');
  const container = await first(containers);
  rea.kill('SIGKILL');
  expect(await gone(container)).toBe(true);
});

test.concurrent('the gateway is killed with its guard, and another one starts', async () => {
  const { rea, containers } = await start(['echo.mjs']);
  await rea.waitForPhase('boxed', 'ready');
  const container = await first(containers);
  const guard = livingProcesses().find(
    ({ ppid, command }) => ppid === rea.pid && command.startsWith('/bin/sh'),
  );
  rea.expectKill();
  spawnSync('/bin/sh', ['-c', `kill -s KILL ${guard?.pid} ${rea.pid}`]);
  await rea.exited;
  expect(isAlive(container)).toBe(true);
  const next = await startRea({
    cwd: rea.dir,
    config: registry({ polite: fixture('echo') }),
    ...AUTO,
  });
  expect((await next.call('polite__echo', { text: 'hello' })).text).toBe('hello');
  // No server starts before what the last gateway has left is gone.
  expect(isAlive(container)).toBe(false);
});

test('ten containers that start too slowly, hang or serve, and then the gateway is killed', async () => {
  const dir = makeDirectory();
  const options = {
    start_timeout_ms: 3_000,
    call_timeout_ms: 4_000,
    liveness: { idle_ms: 1_000, timeout_ms: 1_000, misses: 1 },
  };
  const kinds = [
    ...Array.from({ length: 3 }, () => ['hang-at-initialize.mjs']),
    ...Array.from({ length: 3 }, () => ['never-answer.mjs', '--pings', '1']),
    ...Array.from({ length: 4 }, () => ['echo.mjs']),
  ];
  const servers = kinds.map((args, at) => [`box-${at}`, { ...boxed(dir, args), ...options }]);
  const rea = await startRea({ cwd: dir, config: registry(Object.fromEntries(servers)) });
  await rea.waitForServer('box-0', ({ restarts }) => restarts > 0, { what: 'being restarted' });
  await rea.waitForPhase('box-9', 'ready');
  // A relay can hand nothing on before its container is there.
  await until(() => areBoxed(rea, dir), { what: 'their containers' });
  rea.kill('SIGKILL');
  await rea.exited;
  const left = () => livingProcesses().filter(({ command }) => command.includes(join(dir, 'box')));
  expect(
    await until(() => left().length === 0, { limitMs: LIMIT_MS, what: 'none to be left' }),
  ).toBe(true);
});

test.concurrent('a process that its leader leaves in the group', async () => {
  const dir = makeDirectory();
  const { command, args = [] } = boxed(dir, ['echo.mjs']);
  const shell = { command: '/bin/sh', args: ['-c', '"$0" "$@" & wait', command, ...args] };
  const rea = await startRea({ cwd: dir, config: registry({ boxed: shell }) });
  const container = await first(() => containersOf(dir));
  const leader = livingProcesses().find(
    ({ ppid, pid, pgid }) =>
      ppid === rea.pid && pid === pgid && relays(dir).some((relay) => parentOf(relay) === pid),
  );
  process.kill(leader?.pid ?? 0, 'SIGKILL');
  expect(await gone(container)).toBe(true);
});

/** Every relay has its container. */
function areBoxed(rea: Rea, dir: string): boolean {
  const files = readdirSync(dir);
  const all = livingProcesses();
  const own = new Set(all.filter(({ ppid }) => ppid === rea.pid).map(({ pid }) => pid));
  const begun = all.filter(
    ({ ppid, pid, pgid, command }) =>
      (ppid === rea.pid || own.has(ppid)) && pid === pgid && command.includes(join(dir, 'box')),
  );
  return begun.length >= 4 && begun.every(({ pid }) => files.includes(`box.${pid}`));
}

function parentOf(pid: number): number | undefined {
  return livingProcesses().find((one) => one.pid === pid)?.ppid;
}

function boxed(dir: string, args: readonly string[]) {
  return fixture('relay', join(dir, 'box'), ...args);
}

async function start(args: readonly string[], options: object = {}, how: { faults?: true } = {}) {
  const dir = makeDirectory();
  const config = registry({ boxed: { ...boxed(dir, args), ...options } });
  const rea: Rea = await startRea({ cwd: dir, config, ...how });
  return { rea, containers: () => containersOf(dir) };
}

/** Pids of the containers that have begun so far; null before the first. */
function containersOf(dir: string): number[] | null {
  const files = readdirSync(dir).filter((name) => name.startsWith('box.'));
  const pids = files.map((name) => Number(readFileSync(join(dir, name), 'utf8')));
  return pids.length > 0 && pids.every((pid) => pid > 0) ? pids : null;
}

function relays(dir: string): number[] {
  return readdirSync(dir).flatMap((name) => Number(/^box\.(\d+)$/.exec(name)?.[1] ?? []));
}

async function first(containers: () => number[] | null): Promise<number> {
  const [pid = 0] = await until(containers, { what: 'a container' });
  return pid;
}

function gone(pid: number): Promise<true> {
  return until(() => !isAlive(pid), { limitMs: LIMIT_MS, what: 'the container to be gone' });
}
