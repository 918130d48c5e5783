/** Servers that the launcher starts: as good as those of the thread, and none outlives who asked for it. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '#src/main/logger.ts';
import { LauncherProcess } from '#src/main/processes/launcher-process.ts';
import { isAlive, livingProcesses, processesOf } from '../support/processes.ts';
import { SupervisorThread, serverConfig } from '../support/supervisor-thread.ts';
import { until } from '../support/wait-for.ts';
import { workerUrl } from '../support/worker-url.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const LIMIT_MS = 10_000;

let launcher: LauncherProcess;
let thread: SupervisorThread;
let log: string;

beforeEach(async () => {
  log = '';
  launcher = new LauncherProcess(workerUrl('launcher'), logger());
  thread = new SupervisorThread();
  thread.launcher = await until(() => launcher.socket(), { limitMs: LIMIT_MS, what: 'a launcher' });
});

afterEach(async () => {
  try {
    await thread.close();
  } finally {
    await launcher.close();
  }
  if (existsSync(dirname(thread.launcher ?? ''))) throw new Error('its directory is left');
});

test('answers with the bytes of a server that the launcher started', async () => {
  await thread.ready(serverConfig('echo'));
  expect(parentOf(thread.pid)).toBe(launcherPid());
  expect(groupOf(thread.pid)).toBe(thread.pid);
  expect(thread.groups()).toMatchObject([{ pgid: thread.pid }]);
  const text = 'ä'.repeat(200_000);
  expect(await thread.text(thread.callTool('echo', { text }))).toBe(text);
  expect(thread.life).toEqual(['starting', 'spawned', 'ready', 'health_changed']);
});

test('tells how a server ended, by a signal or a code, and what it said last', async () => {
  await thread.ready(serverConfig('echo'));
  await thread.text(thread.callTool('stderr', { text: 'about to fail' }));
  process.kill(thread.pid, 'SIGSEGV');
  const first = await thread.event('child_died_unexpectedly');
  expect(first.event).toMatchObject({ reason: 'exit', code: null, signal: 'SIGSEGV' });
  expect(first.record.last_error).toBe('killed by SIGSEGV; stderr: about to fail');
  await thread.event('ready', 2);
  expect(parentOf(thread.pid)).toBe(launcherPid());
  await thread.stop();
  expect((await thread.event('stopped')).record.last_exit).toMatchObject({ code: 0 });
});

test('reads what a server wrote before its exit', async () => {
  await thread.ready(serverConfig('answer-then-exit'));
  const text = await thread.text(thread.callTool('last', { bytes: 500_000 }));
  expect(text).toBe('x'.repeat(500_000));
  const { event } = await thread.event('child_died_unexpectedly');
  expect(event).toMatchObject({ reason: 'exit', code: 7, signal: null });
});

test('says what is wrong with a command as a thread would', async () => {
  thread.open(serverConfig('echo', [], { command: 'no-such-command', env: { PATH: '/nowhere' } }));
  const { event, record } = await thread.event('child_died_unexpectedly');
  expect(event).toMatchObject({ reason: 'spawn_failed' });
  expect(record.last_error).toBe('command not found: no-such-command (PATH=/nowhere)');
});

test('refuses arguments that no process can have', async () => {
  thread.open(serverConfig('echo', ['a\0b']));
  const { event, record } = await thread.event('child_died_unexpectedly');
  expect(event).toMatchObject({ reason: 'spawn_failed' });
  expect(record.last_error).toContain('ERR_INVALID_ARG_VALUE');
});

test('a server is stopped that is still being started', async () => {
  thread.open(serverConfig('ignore-sigterm'));
  await thread.event('starting');
  await thread.stop(10, 10);
  expect(thread.life).not.toContain('ready');
  await until(() => processesOf(thread.dir).length === 0, { limitMs: LIMIT_MS, what: 'its end' });
});

test('a server goes on without the launcher, and its end is noticed', async () => {
  await thread.ready(serverConfig('echo'));
  const before = thread.pid;
  process.kill(launcherPid(), 'SIGKILL');
  await until(() => launcher.socket() === null || null, { limitMs: LIMIT_MS, what: 'its end' });
  expect(await thread.text(thread.callTool('echo', { text: 'still here' }))).toBe('still here');
  expect(thread.pid).toBe(before);
  process.kill(before, 'SIGKILL');
  const { event, record } = await thread.event('child_died_unexpectedly');
  expect(event).toMatchObject({ reason: 'exit', code: null, signal: null });
  expect(record.last_error).toContain('exited, and nobody saw how');
  // Its socket leads nowhere: the thread starts the server itself.
  await thread.event('ready', 2);
  expect(parentOf(thread.pid)).toBe(process.pid);
  expect(thread.all('log').map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/^the launcher is not there \(E\w+\): started without it$/),
  );
  expect(log).toContain('the launcher ended; starting another');
  const next = await until(() => launcher.socket(), { limitMs: LIMIT_MS, what: 'the next one' });
  expect(next).not.toBe(thread.launcher);
});

test('a launcher that hangs is not waited for', async () => {
  const pid = launcherPid();
  process.kill(pid, 'SIGSTOP');
  try {
    await thread.ready(serverConfig('echo', [], { startTimeoutMs: 30_000 }));
    expect(parentOf(thread.pid)).toBe(process.pid);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  // What it was asked for meanwhile is not started any more, or does not live on.
  await until(() => processesOf(thread.dir).length === 1, {
    limitMs: LIMIT_MS,
    what: 'one server',
  });
});

test('a server is killed with all that it started when its thread ends', async () => {
  await thread.ready(serverConfig('grandchild-keeps-pipe'));
  const processes = processesOf(thread.dir).map(({ pid }) => pid);
  expect(processes.length).toBeGreaterThan(1);
  await thread.worker.terminate();
  await until(() => !processes.some(isAlive), { limitMs: LIMIT_MS, what: 'all to be gone' });
});

test('servers are killed, and no file is left, when the gateway is gone', async () => {
  await thread.ready(serverConfig('ignore-sigterm'));
  const pid = launcherPid();
  const { pid: server } = thread;
  await launcher.close();
  expect(isAlive(pid)).toBe(false);
  await until(() => !isAlive(server), { limitMs: LIMIT_MS, what: 'the server to be gone' });
});

test('without a directory for its socket there is none, and that is said once', async () => {
  vi.stubEnv('TMPDIR', join(thread.dir, 'no', 'such'));
  const none = new LauncherProcess(workerUrl('launcher'), logger());
  expect(none.socket()).toBeNull();
  expect(none.socket()).toBeNull();
  vi.unstubAllEnvs();
  expect(log.match(/no launcher: servers are forked from the gateway/g)).toHaveLength(1);
  await none.close();
});

function logger() {
  const output = new PassThrough();
  output.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  return createLogger({}, output as unknown as NodeJS.WriteStream);
}

/** The one that listens where the thread was told. */
function launcherPid(): number {
  const found = livingProcesses().find(
    ({ ppid, command }) => ppid === process.pid && command.includes('rea-launcher'),
  );
  if (found === undefined) throw new Error('there is no launcher');
  return found.pid;
}

function parentOf(pid: number): number | undefined {
  return livingProcesses().find((one) => one.pid === pid)?.ppid;
}

function groupOf(pid: number): number | undefined {
  return livingProcesses().find((one) => one.pid === pid)?.pgid;
}
