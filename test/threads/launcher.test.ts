/** Servers that the launcher starts: as good as those of the thread, and none outlives who asked for it. */
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '#src/main/logger.ts';
import { LauncherProcess } from '#src/main/processes/launcher-process.ts';
import type { LauncherAddress } from '#src/shared/protocol/launch.ts';
import { withoutDescriptors } from '../support/descriptors.ts';
import { isAlive, livingProcesses, processesOf } from '../support/processes.ts';
import { SupervisorThread, serverConfig } from '../support/supervisor-thread.ts';
import { until } from '../support/wait-for.ts';
import { workerUrl } from '../support/worker-url.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const LIMIT_MS = 45_000;

let launcher: LauncherProcess;
let thread: SupervisorThread;
let log: string;

beforeEach(async () => {
  log = '';
  launcher = new LauncherProcess(workerUrl('launcher'), logger());
  thread = new SupervisorThread();
  thread.launcher = await listening(launcher);
});

afterEach(async () => {
  try {
    await thread.close();
  } finally {
    await launcher.close();
  }
  if (existsSync(dirname(thread.launcher?.path ?? ''))) throw new Error('its directory is left');
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

test('reads the last words of a server whose stderr is not read just then', async () => {
  await thread.ready(serverConfig('flood-stderr'));
  // So many lines use up the budget for seconds.
  thread.callTool('flood', { bytes: 65_536, line: 1 });
  const said = () => thread.all('log').filter(({ fields }) => fields['stream'] === 'stderr');
  await until(() => said().length >= 100, { what: 'what was read of them' });
  thread.callTool('die');
  const { record } = await thread.event('child_died_unexpectedly');
  expect(record.last_exit?.stderr_tail).toContain(`\n${'last words '.repeat(186)}.`);
  expect(record.last_error).toContain('exited with code 3');
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

test('a server that is still being started when it is stopped never runs', async () => {
  await asIfHung(async () => {
    thread.open(serverConfig('ignore-sigterm', [], { startTimeoutMs: 1000 }));
    await thread.event('starting');
    await thread.stop(10, 10);
    await thread.message('launcher_failed');
  });
  await settled();
  expect(processesOf(thread.dir)).toEqual([]);
  expect(thread.life).not.toContain('spawned');
});

test('a server goes on without the launcher, and its end is noticed', async () => {
  await thread.ready(serverConfig('echo'));
  const before = thread.pid;
  process.kill(launcherPid(), 'SIGKILL');
  await until(() => launcher.address() === null, { limitMs: LIMIT_MS, what: 'its end' });
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
  expect((await listening(launcher)).path).not.toBe(thread.launcher?.path);
});

test('the end of a server is noticed although the launcher hangs', async () => {
  await thread.ready(serverConfig('echo', [], { startTimeoutMs: 6000 }));
  await asIfHung(async () => {
    process.kill(thread.pid, 'SIGKILL');
    const { event } = await thread.event('child_died_unexpectedly');
    expect(event).toMatchObject({ reason: 'exit', code: null, signal: null });
    // And the next one is not waited for until its own time is up.
    await thread.event('ready', 2);
    expect(parentOf(thread.pid)).toBe(process.pid);
  });
  await settled();
  expect(processesOf(thread.dir).map(({ pid }) => pid)).toEqual([thread.pid]);
});

test('one that hangs is replaced when a thread tells of it', async () => {
  const pid = launcherPid();
  process.kill(pid, 'SIGSTOP');
  thread.open(serverConfig('echo', [], { startTimeoutMs: 1000 }));
  const { path, why } = await thread.message('launcher_failed');
  expect(why).toBe('no answer within 500 ms');
  launcher.failed('/another', why);
  expect(isAlive(pid)).toBe(true);
  launcher.failed(path, why);
  const next = await listening(launcher, path);
  expect(isAlive(pid)).toBe(false);
  expect(existsSync(dirname(path))).toBe(false);
  expect(next.token).not.toBe(thread.launcher?.token);
  expect(log).toContain('no answer within 500 ms');
});

test('a signal that was meant for the gateway does nothing to it', async () => {
  const pid = launcherPid();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(pid, signal);
  await thread.ready(serverConfig('echo'));
  expect(parentOf(thread.pid)).toBe(pid);
});

test.each([
  ['without the token', 'guessed\n{"kind":"start","id":"1","command":"true"}\n'],
  ['with no message at all', 'GET / HTTP/1.1\r\n\r\n'],
])('who comes %s is sent away', async (_, line) => {
  const socket = connect(thread.launcher?.path ?? '');
  socket.write(line);
  await once(socket.resume(), 'close');
  await thread.ready(serverConfig('echo'));
  expect(parentOf(thread.pid)).toBe(launcherPid());
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

test('where there can be none that is said once for all attempts together', async () => {
  vi.stubEnv('TMPDIR', join(thread.dir, 'no', 'such'));
  const none = new LauncherProcess(workerUrl('launcher'), logger());
  expect(none.address()).toBeNull();
  expect(none.address()).toBeNull();
  vi.unstubAllEnvs();
  expect(log.match(/no launcher: servers are forked from the gateway/g)).toHaveLength(1);
  await none.close();
});

test('a path may be as long as a socket allows, and one that is longer is told of', async () => {
  const directory = (bytes: number) => {
    const path = join(thread.dir, 'x'.repeat(bytes - thread.dir.length - 1));
    mkdirSync(path);
    return path;
  };
  vi.stubEnv('TMPDIR', directory(87));
  const longest = new LauncherProcess(workerUrl('launcher'), logger());
  longest.address();
  vi.stubEnv('TMPDIR', directory(88));
  const none = new LauncherProcess(workerUrl('launcher'), logger());
  expect(none.address()).toBeNull();
  vi.unstubAllEnvs();
  expect(log).toContain('the path of the temporary directory is too long for a socket');
  const { path } = await listening(longest);
  expect(existsSync(path)).toBe(true);
  await Promise.all([longest.close(), none.close()]);
});

test('a temporary directory may be relative', async () => {
  vi.stubEnv('TMPDIR', relative(process.cwd(), thread.dir));
  const other = new LauncherProcess(workerUrl('launcher'), logger());
  other.address();
  vi.unstubAllEnvs();
  expect(dirname(dirname((await listening(other)).path))).toBe(thread.dir);
  await other.close();
});

test('survives that no file descriptor is left for it', async () => {
  // The thread could not load its modules meanwhile.
  await thread.ready(serverConfig('echo'));
  const other = new LauncherProcess(workerUrl('launcher'), logger());
  withoutDescriptors(() => expect(other.address()).toBeNull());
  await until(() => log.includes('no launcher'), { limitMs: LIMIT_MS, what: 'the log' });
  await listening(other);
  await other.close();
});

test('is not wanted where processes are started without a fork', () => {
  const other = new LauncherProcess(workerUrl('launcher'), logger(), 'darwin');
  expect(other.address()).toBeNull();
  expect(children()).toHaveLength(1);
});

function listening(of: LauncherProcess, not = ''): Promise<LauncherAddress> {
  return until(
    () => {
      const address = of.address();
      return address?.path === not ? null : address;
    },
    { limitMs: LIMIT_MS, what: 'a launcher' },
  );
}

/** The launcher does nothing while `action` goes on. */
async function asIfHung(action: () => Promise<void>): Promise<void> {
  const pid = launcherPid();
  process.kill(pid, 'SIGSTOP');
  try {
    await action();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

/** What the launcher was asked for before has been dealt with: it answers in order. */
async function settled(): Promise<void> {
  const other = new SupervisorThread();
  other.launcher = thread.launcher;
  await other.ready(serverConfig('echo'));
  expect(parentOf(other.pid)).toBe(launcherPid());
  await other.close();
}

function logger() {
  const output = new PassThrough();
  output.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  return createLogger({}, output as unknown as NodeJS.WriteStream);
}

function launcherPid(): number {
  const [first] = children();
  if (first === undefined) throw new Error('there is no launcher');
  return first;
}

/** Pids of the launchers. */
function children(): number[] {
  return livingProcesses()
    .filter(({ ppid, command }) => ppid === process.pid && command.includes('rea-launcher'))
    .map(({ pid }) => pid);
}

function parentOf(pid: number): number | undefined {
  return livingProcesses().find((one) => one.pid === pid)?.ppid;
}

function groupOf(pid: number): number | undefined {
  return livingProcesses().find((one) => one.pid === pid)?.pgid;
}
