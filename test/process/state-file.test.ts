/** Several gateways in one directory, and a state file whose surroundings are not as we left them. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { StateSnapshot } from '#src/shared/model/snapshot.ts';
import { temporaryFiles } from '../support/leftovers.ts';
import { status } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const CONFIG = registry({ echo: fixture('echo') });

test('three gateways in one directory are never merged, and a guest that comes and goes changes nothing', async () => {
  const owner = await startRea({ config: CONFIG });
  await owner.waitForPhase('echo', 'ready');
  const session = owner.state()?.session_id;
  const second = await startRea({ cwd: owner.dir });
  const third = await startRea({ cwd: owner.dir });

  // Each serves its own client, from a server of its own.
  const pids = new Set<string>();
  for (const rea of [owner, second, third]) pids.add((await rea.call('echo__pid')).text);
  expect(pids.size).toBe(3);

  const all = await owner.status();
  expect(all.exit).toBe(0);
  expect(all.json.serve).toMatchObject({ running: true, pid: owner.pid, session_id: session });
  expect(instances(all.json)).toEqual(
    [owner, second, third].map(({ pid }) => ({ pid, alive: true, owner: pid === owner.pid })),
  );
  const sessions = new Set(
    all.json.serve.instances.map(({ session_id }: { session_id: string }) => session_id),
  );
  expect(sessions.size).toBe(3);
  expect(all.json.serve.downstreams).toHaveLength(1);

  expect(await third.stop()).toEqual({ code: 0, signal: null });
  const fewer = await owner.status();
  expect(fewer.json.serve).toMatchObject({ running: true, pid: owner.pid, session_id: session });
  expect(instances(fewer.json).map(({ pid }) => pid)).toEqual(
    [owner.pid, second.pid].sort(byNumber),
  );
});

test.each(['its clean exit', 'kill -9'])(
  'another gateway takes the state file over after %s of the owner',
  async (how) => {
    const owner = await startRea({ config: CONFIG });
    await owner.waitForPhase('echo', 'ready');
    const second = await startRea({ cwd: owner.dir });
    await second.call('echo__pid');
    expect(owner.state()?.owner_pid).toBe(owner.pid);

    if (how === 'kill -9') owner.kill('SIGKILL');
    else void owner.stop();
    await owner.exited;
    const time = stopwatch();
    const state = await second.waitForState((snapshot) => snapshot, {
      what: 'the second gateway',
      // Whoever cannot see that the owner is dead waits for six of its heartbeats.
      limitMs: 25_000,
    });
    report(`takeover after ${how}`, time.ms());
    expect(state.downstreams[0]).toMatchObject({ name: 'echo', phase: 'ready' });
    await until(() => servePid(second.dir) === String(second.pid), {
      what: 'serve.pid to name the new owner',
    });
    const { json } = await second.status();
    expect(json.serve).toMatchObject({ running: true, pid: second.pid });
    // It may be in the midst of a write of its own.
    const isTidy = () => temporaryFiles(second.dir).length === 0;
    await until(isTidy, { what: 'no temporary file' });
  },
);

test('a clean stop leaves no state file and says when and why it stopped', async () => {
  const rea = await startRea({ config: CONFIG });
  await rea.waitForPhase('echo', 'ready');
  await rea.stop();
  expect(rea.state()).toBeNull();
  const last = JSON.parse(readFileSync(join(rea.dir, '.rea', 'run', 'last.json'), 'utf8'));
  expect(last.servers).toEqual([
    { name: 'echo', restarts: 0, last_exit: expect.anything(), left_running: [], last_used: null },
  ]);
  expect(await status(rea.dir)).toMatchObject({ exit: 3, json: { serve: { running: false } } });
});

test('after a crash rea status tells what was, and exits 4', async () => {
  const rea = await startRea({ config: CONFIG });
  await rea.waitForPhase('echo', 'ready');
  rea.kill('SIGKILL');
  await rea.exited;
  const { exit, json } = await rea.status();
  expect(exit).toBe(4);
  expect(json.serve.running).toBe(false);
  expect(json.serve.downstreams[0].name).toBe('echo');
});

/** What else is healed is in test/threads/lock-leftovers.test.ts. */
const LOCKS: Record<string, (path: string) => void> = {
  'a lock that is no text': (path) => writeFileSync(path, Buffer.from([0xff, 0x00, 0xfe])),
  'a lock whose pid belongs to another program now': (path) =>
    writeFileSync(path, lockLine(process.pid, '1')),
};

test.each(Object.keys(LOCKS))('takes the state file although it finds %s', async (name) => {
  const dir = makeDirectory();
  mkdirSync(join(dir, '.rea'), { mode: 0o700 });
  LOCKS[name]?.(join(dir, '.rea', 'serve.state.json.lock'));
  const time = stopwatch();
  const rea = await startRea({ cwd: dir, config: CONFIG });
  expect((await owned(rea)).owner.pid).toBe(rea.pid);
  report(`${name}: state written after`, time.ms());
});

test.each(['a directory', 'a dangling symlink'])(
  'heals or names in one line a lock path that is %s',
  async (what) => {
    const dir = makeDirectory();
    mkdirSync(join(dir, '.rea'), { mode: 0o700 });
    const lock = join(dir, '.rea', 'serve.state.json.lock');
    if (what === 'a directory') mkdirSync(lock);
    else symlinkSync(join(dir, 'nowhere'), lock);
    const rea = await startRea({ cwd: dir, config: CONFIG });
    // Whatever becomes of the state file, the client is served.
    expect((await rea.call('echo__echo', { text: 'served' })).text).toBe('served');
    await Promise.any([owned(rea), rea.waitForLog('serve.state.json.lock')]);
    rea.expectForeignFiles(['serve.state.json.lock']);
  },
);

test('writes through no symlink planted in its directory', async () => {
  const dir = makeDirectory();
  const victim = join(dir, 'victim');
  writeFileSync(victim, 'precious');
  mkdirSync(join(dir, '.rea'), { mode: 0o700 });
  for (const name of ['serve.state.json', 'serve.pid', 'catalog.json']) {
    symlinkSync(victim, join(dir, '.rea', name));
  }
  const rea = await startRea({ cwd: dir, config: CONFIG });
  expect((await rea.call('echo__echo', { text: 'served' })).text).toBe('served');
  await owned(rea);
  await rea.stop();
  expect(readFileSync(victim, 'utf8')).toBe('precious');
  rea.expectForeignFiles(['serve.state.json', 'serve.pid', 'catalog.json']);
});

/** The gateway owns the state file and writes to it. */
function owned(rea: Rea): Promise<StateSnapshot> {
  return rea.waitForState((state) => state.downstreams[0]?.phase === 'ready' && state, {
    what: 'a ready server',
  });
}

function servePid(dir: string): string | null {
  const file = join(dir, '.rea', 'serve.pid');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
}

function lockLine(pid: number, startTime: string): string {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${pid} 00000000-0000-4000-8000-000000000000 ${startTime} pid:[4026531836] ${bootId}\n`;
}

function instances(json: {
  serve: { instances: { pid: number; alive: boolean; owner: boolean }[] };
}): { pid: number; alive: boolean; owner: boolean }[] {
  return json.serve.instances
    .map(({ pid, alive, owner }) => ({ pid, alive, owner }))
    .sort((a, b) => byNumber(a.pid, b.pid));
}

function byNumber(a: number, b: number): number {
  return a - b;
}
