/** Any program of the same user reaches the launcher's socket: it takes little from it, and keeps nobody out. */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createLogger } from '#src/main/logger.ts';
import { LauncherProcess } from '#src/main/processes/launcher-process.ts';
import type { LauncherAddress } from '#src/shared/protocol/launch.ts';
import { isAlive, livingProcesses } from '../support/processes.ts';
import { SupervisorThread, serverConfig } from '../support/supervisor-thread.ts';
import { until } from '../support/wait-for.ts';
import { workerUrl } from '../support/worker-url.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const LIMIT_MS = 60_000;
const MIB = 1024 * 1024;
const MOST_STRANGERS = 64;

let launcher: LauncherProcess;
let address: LauncherAddress;
let pid: number;
const threads: SupervisorThread[] = [];

beforeEach(async () => {
  launcher = new LauncherProcess(
    workerUrl('launcher'),
    createLogger({}, new PassThrough().resume() as unknown as NodeJS.WriteStream),
  );
  address = await until(() => launcher.address(), { limitMs: LIMIT_MS, what: 'a launcher' });
  pid = parent('rea-launcher');
});

afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.close()));
  await launcher.close();
});

test('a line without an end is not kept, and its sender is sent away', async () => {
  const before = residentBytes();
  const socket = stranger();
  const chunk = Buffer.alloc(MIB, 'x');
  let taken = 0;
  while (taken < 300 && !socket.destroyed) {
    const failure = await new Promise((sent) => socket.write(chunk, sent));
    if (failure !== null && failure !== undefined) break;
    taken += 1;
  }
  // A pipe's buffer, and no more.
  expect(taken).toBeLessThanOrEqual(2);
  expect(residentBytes() - before).toBeLessThan(32 * MIB);
  await expectStartedByLauncher();
});

test.each([
  ['a wrong token', (token: string) => `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}\n`],
  ['a part of the token', (token: string) => `${token.slice(0, -1)}\n`],
  ['more than the token', (token: string) => `${token}0\n`],
  ['more than the token, without an end', (token: string) => `${token}00`],
  ['an empty line', () => '\n'],
  ['a message without a token', () => '{"kind":"start","id":"1","command":"true","args":[]}\n'],
  ['a message with the token in it', (token: string) => `{"kind":"start","token":"${token}"}\n`],
  ['the token and no message', (token: string) => `${token}\nGET / HTTP/1.1\r\n\r\n`],
])('%s is answered by closing the connection', async (_name, line) => {
  const socket = stranger();
  socket.write(line(address.token));
  await once(socket, 'close');
  expect(socket.bytesRead).toBe(0);
  expect(isAlive(pid)).toBe(true);
});

test('the token may come in pieces', async () => {
  const [knows, other] = [stranger(), stranger()];
  const half = address.token.length / 2;
  for (const part of [address.token.slice(0, half), address.token.slice(half), '\n']) {
    await new Promise((sent) => knows.write(part, sent));
  }
  // One that is silent is sent away; this one has said who it is.
  await untilClosed(other);
  expect(knows.destroyed).toBe(false);
});

test('the oldest makes room, and who knows the token comes in', async () => {
  const silent: Socket[] = [];
  for (let at = 0; at < MOST_STRANGERS; at += 1) {
    const socket = stranger();
    silent.push(socket);
    await once(socket, 'connect');
  }
  const knows = stranger();
  knows.write(`${address.token}\n`);
  await Promise.all(silent.map(untilClosed));
  expect(knows.destroyed).toBe(false);
});

test('2,000 silent connections are bounded, servers are started meanwhile, and all of them end', async () => {
  const before = openSockets();
  let closed = 0;
  let most = 0;
  for (let at = 0; at < 2_000; at += 1) {
    stranger().on('close', () => {
      if (closed % 100 === 0) most = Math.max(most, openSockets() - before);
      closed += 1;
    });
  }
  await expectStartedByLauncher();
  await until(() => closed === 2_000, { limitMs: LIMIT_MS, what: 'the end of all of them' });
  // A connection of this test may be on its way in or out.
  expect(most).toBeLessThanOrEqual(MOST_STRANGERS + 8);
  expect(most).toBeGreaterThan(MOST_STRANGERS / 2);
});

test('a crowd that comes back whenever it is sent away keeps no server from being started', async () => {
  const crowds = [await crowd(300), await crowd(300)];
  for (let at = 0; at < 4; at += 1) await expectStartedByLauncher();
  // It was there all the time.
  for (const one of crowds) await once(one, 'message');
  expect(openSockets()).toBeLessThan(MOST_STRANGERS + 32);
});

test('connections that it cannot accept do not end it', async () => {
  const before = limitOf();
  const spare = () => descriptors().filter((target) => target === '/dev/null').length;
  const spares = spare();
  // Fewer than it has: not even the one that Node gives up in such a case is any help.
  prlimit('--nofile=4:');
  for (let at = 0; at < 10; at += 1) stranger();
  await until(() => spare() < spares, { limitMs: LIMIT_MS, what: 'a failure' });
  prlimit(`--nofile=${before}:`);
  await expectStartedByLauncher();
  expect(isAlive(pid)).toBe(true);
});

/** It may be closed already. */
async function untilClosed(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close');
}

/** Never says anything of itself, and is not bothered by what becomes of it. */
function stranger(): Socket {
  const socket = connect(address.path);
  socket.on('error', () => undefined).resume();
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** A program that makes connections again and again; resolves when it has made hundreds. */
async function crowd(many: number) {
  const script = fileURLToPath(new URL('../fixtures/processes/crowd.mjs', import.meta.url));
  const child = fork(script, [address.path, String(many)]);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  for (let made = 0; made < 500; ) [made] = (await once(child, 'message')) as [number];
  return child;
}

async function expectStartedByLauncher(): Promise<void> {
  const thread = new SupervisorThread();
  threads.push(thread);
  thread.launcher = address;
  await thread.ready(serverConfig('echo'));
  const started = livingProcesses().find((one) => one.pid === thread.pid);
  expect(started?.ppid).toBe(pid);
}

function parent(title: string): number {
  const found = livingProcesses().find(
    ({ ppid, command }) => ppid === process.pid && command.includes(title),
  );
  if (found === undefined) throw new Error(`there is no ${title}`);
  return found.pid;
}

function residentBytes(): number {
  const [, kib = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

function openSockets(): number {
  return descriptors().filter((target) => target.startsWith('socket:')).length;
}

/** What the launcher has open. */
function descriptors(): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`);
    } catch (error) {
      // Closed in this moment.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    }
  });
}

function prlimit(limit: string): void {
  execFileSync('prlimit', ['--pid', String(pid), limit]);
}

function limitOf(): string {
  const columns = ['--nofile', '--output=SOFT', '--noheadings'];
  return execFileSync('prlimit', ['--pid', String(pid), ...columns])
    .toString()
    .trim();
}
