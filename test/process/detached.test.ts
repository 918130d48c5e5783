/** What a server starts outside of its process group ends with it, whatever ends the server; a person's programs stay. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { isAlive, livingProcesses } from '../support/processes.ts';
import { runRea } from '../support/rea-command.ts';
import {
  makeDirectory,
  type Rea,
  type ReaOptions,
  startRea,
  writeRegistry,
} from '../support/rea-process.ts';
import { AUTO } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

/** Those that end with the server. */
const OURS = ['setsid', 'double', 'nohup', 'parent', 'child', 'automated', 'automated-child'];
const PERSONS = ['browser', 'browser-child', 'terminal', 'terminal-child'];
const LIMIT_MS = 20_000;

type Pids = Readonly<Record<string, number>>;

test.concurrent.each([
  [
    'the end of stdin',
    ['stubborn', 'cleared', 'person'],
    async (rea: Rea): Promise<void> => void (await rea.stop()),
  ],
  [
    'SIGTERM of the gateway',
    ['stubborn', 'cleared'],
    async (rea: Rea): Promise<void> => rea.kill('SIGTERM'),
  ],
  [
    'SIGKILL of the gateway',
    ['stubborn', 'person'],
    async (rea: Rea): Promise<void> => rea.kill('SIGKILL'),
  ],
  ['SIGKILL of gateway and guard, and the next start', ['stubborn', 'person'], killBoth],
] as const)('%s ends what has left its group: %j', async (_, kinds, end) => {
  const { rea, pids } = await start(kinds);
  await end(rea);
  await rea.exited;
  expect(await gone(pids, [...OURS, ...kinds.filter((kind) => kind !== 'person')])).toEqual([]);
  if (pids['browser'] === undefined) return;
  // The programs of a person are left alone.
  expect(PERSONS.filter((name) => !isAlive(pids[name] ?? 0))).toEqual([]);
  if (rea.endedCleanly) {
    const { stdout } = await runRea(['status', '--cwd', rea.dir]);
    expect(stdout).toContain(`left alone`);
    expect(stdout).toContain(`firefox (${pids['browser']})`);
  }
  await clear(rea);
});

test.concurrent.each([
  [
    'a reload that removes it',
    ['stubborn', 'cleared'],
    (rea: Rea) => writeRegistry(rea.dir, registry({})),
  ],
  [
    'a thread that ends',
    ['stubborn'],
    async (rea: Rea) => rea.faults.inject('supervisor', 'throw'),
  ],
] as const)('%s ends what has left its group: %j', async (_, kinds, end) => {
  const { rea, pids } = await start(kinds, {}, { faults: true });
  await end(rea);
  expect(await gone(pids, [...OURS, ...kinds])).toEqual([]);
});

test.concurrent('a stall ends what has left its group, with a cleared environment too', async () => {
  const { rea, pids } = await start(['cleared'], {
    call_timeout_ms: 4_000,
    liveness: { idle_ms: 300, timeout_ms: 300, misses: 1 },
  });
  const stalled = Number((await rea.call('one__pid')).text);
  // One that has never answered a ping is not taken for hung.
  const journal = () => readFileSync(join(rea.dir, 'journal'), 'utf8');
  await until(() => journal().includes('"method":"ping"'), { what: 'a ping, which it answers' });
  await rea.waitForServer('one', ({ cpu_ms }) => cpu_ms !== null, { what: 'being looked at' });
  rea.begin('one__spin').answer.catch(() => undefined);
  expect(await gone(pids, [...OURS, 'cleared'])).toEqual([]);
  // Nobody could find what a server starts while its gateway ends, so the next process is to be ready before that.
  await rea.waitForServer('one', ({ pid, phase }) => phase === 'ready' && pid !== stalled, {
    what: 'being started again',
  });
});

test.concurrent('SIGKILL of the server ends what has left its group; status names what was left, and nothing else is told of the mark', async () => {
  const { rea, pids } = await start(['stubborn', 'person']);
  killOne(Number((await rea.call('one__pid')).text));
  expect(await gone(pids, [...OURS, 'stubborn'])).toEqual([]);
  const { left_running: left } = await rea.waitForServer(
    'one',
    ({ left_running }) => left_running.length > 0,
    { what: 'having left something' },
  );
  const named = (program: string) => left.filter((one) => one.program === program);
  expect(named('firefox')).toEqual([{ pid: pids['browser'], program: 'firefox' }]);
  expect(named('tmux')).toEqual([{ pid: pids['terminal'], program: 'tmux' }]);
  const { text } = await rea.status();
  expect(text).toContain('firefox');
  expect(rea.stderr).toContain(`firefox (${pids['browser']})`);
  expect(rea.stderr).toContain('started as');
  for (const said of [text, rea.stderr, JSON.stringify(rea.state()), rea.stdoutFrames().join()]) {
    expect(said).not.toContain('REA_PROCESS');
    expect(said).not.toMatch(/[0-9a-f]{12}\.one\.\d/);
  }
  await clear(rea);
});

test.concurrent('with `detached: leave` all of it stays, and is named', async () => {
  const { rea, pids } = await start([], { detached: 'leave' });
  killOne(Number((await rea.call('one__pid')).text));
  const { left_running: left } = await rea.waitForServer(
    'one',
    ({ left_running }) => left_running.length >= OURS.length,
    { what: 'having left all of it' },
  );
  expect(left.map(({ pid }) => pid)).toEqual(expect.arrayContaining(OURS.map((one) => pids[one])));
  await rea.stop();
  expect(OURS.filter((name) => !isAlive(pids[name] ?? 0))).toEqual([]);
  await clear(rea);
});

async function start(kinds: readonly string[], options: object = {}, how: ReaOptions = {}) {
  const dir = makeDirectory();
  const config = registry({
    one: { ...fixture('detaches', dir, ...kinds, '--journal', join(dir, 'journal')), ...options },
  });
  const rea = await startRea({ cwd: dir, config, ...how });
  await rea.waitForPhase('one', 'ready');
  await rea.tools();
  const names = [...OURS, ...kinds.flatMap((kind) => (kind === 'person' ? PERSONS : [kind]))];
  const pids = await until(() => pidsOf(dir, names), { what: 'what it starts' });
  return { rea, pids };
}

/** Null until all of them are there. */
function pidsOf(dir: string, names: readonly string[]): Pids | null {
  const files = new Set(readdirSync(dir));
  const pids: Record<string, number> = {};
  for (const name of names) {
    if (!files.has(`${name}.pid`)) return null;
    pids[name] = Number(readFileSync(join(dir, `${name}.pid`), 'utf8'));
    if (pids[name] === 0) return null;
  }
  return pids;
}

/** Names of those that are left. */
async function gone(pids: Pids, names: readonly string[]): Promise<string[]> {
  const left = () => names.filter((name) => isAlive(pids[name] ?? 0));
  await until(() => left().length === 0, { limitMs: LIMIT_MS, what: 'their end' }).catch(
    () => undefined,
  );
  return left();
}

/** Ends what is meant to be left. */
async function clear(rea: Rea): Promise<void> {
  if (rea.exit === null) await rea.stop();
  for (const { pid, command } of livingProcesses()) if (command.includes(rea.dir)) killOne(pid);
}

async function killBoth(rea: Rea): Promise<void> {
  const guard = livingProcesses().find(
    ({ ppid, command }) => ppid === rea.pid && command.startsWith('/bin/sh'),
  );
  rea.expectKill();
  spawnSync('/bin/sh', ['-c', `kill -s KILL ${guard?.pid} ${rea.pid}`]);
  await rea.exited;
  await startRea({ cwd: rea.dir, config: registry({ echo: fixture('echo') }), ...AUTO });
}
