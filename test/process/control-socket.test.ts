/** The control socket: where it lies, who may use it, what is left of it, and a gateway that does not answer. */

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { stateDirectory } from '#src/main/processes/state-directory.ts';
import { isAlive } from '../support/processes.ts';
import { environment, runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

const CONFIG = registry({ echo: fixture('echo') });

const stateDirOf = ({ dir }: Pick<Rea, 'dir'>, env = environment()) =>
  stateDirectory({ cwd: dir, env });

/** The record of its socket, once there is one. */
function socketOf(rea: Rea, stateDir = stateDirOf(rea)) {
  return until(
    () => {
      const run = join(stateDir, 'run');
      for (const name of existsSync(run) ? readdirSync(run) : []) {
        if (!name.endsWith('.json')) continue;
        const record = JSON.parse(readFileSync(join(run, name), 'utf8'));
        if (record.pid === rea.pid && existsSync(record.socket)) return record.socket as string;
      }
      return null;
    },
    { what: 'the control socket' },
  );
}

/** One request by hand. */
function get(socketPath: string, path: string, token: string | null, method = 'GET') {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const asked = request({ socketPath, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.once('error', reject).end();
  });
}

const tokenIn = (stateDir: string) => readFileSync(join(stateDir, 'token'), 'utf8').trim();

test('it lies in the state directory, opens with its token alone, and is gone after a stop', async () => {
  // A short path, as most users have.
  const stateDir = join(makeDirectory(), 'state');
  const rea = await startRea({ config: CONFIG, args: ['--state-dir', stateDir] });
  const socket = await socketOf(rea, stateDir);
  expect(socket.startsWith(join(stateDir, 'run'))).toBe(true);
  // It is there a moment before it has its mode; nobody else gets into its directory.
  await until(() => (lstatSync(socket).mode & 0o777) === 0o600, { what: 'the mode of the socket' });
  expect(readdirSync(join(rea.dir, '.rea'), { recursive: true }).join()).not.toMatch(/sock|token/);
  const token = tokenIn(stateDir);
  for (const wrong of [null, `${token}x`]) {
    for (const path of ['/api/v1/status', '/mcp']) {
      expect((await get(socket, path, wrong)).status).toBe(401);
    }
    expect((await get(socket, '/api/v1/stop', wrong, 'POST')).status).toBe(401);
  }
  const { status, text } = await get(socket, '/api/v1/status', token);
  expect(status).toBe(200);
  expect(JSON.parse(text)).toMatchObject({ pid: rea.pid, stopping: false });
  expect(rea.stderr).not.toContain(token);
  for (const odd of ['//', '/api/v1/%ff', '/api/v1/servers/echo/none', '/api/v2/status', '/api/']) {
    expect([odd, (await get(socket, odd, token)).status]).toEqual([odd, 404]);
  }
  expect((await get(socket, '/api/v1/status', token, 'PUT')).status).toBe(405);
  await rea.stop();
  expect(readdirSync(join(stateDir, 'run'))).toEqual([]);
});

/** What a contained server may see: the project, and nothing of the user's own directories. */
const CONTAINED = `mount -t tmpfs none "$1" || exit 9
{ find "$2" "$1" -type s -o -name token
  for one in $(awk '{ print $8 }' /proc/net/unix); do test -e "$one" && echo "$one"; done
} > "$2/found"
shift 2
exec "$@"`;
const canContain = spawnSync('unshare', ['-mpf', '--mount-proc', 'true']).status === 0;

test.runIf(canContain)(
  'a server in a mount namespace with the project reaches neither socket nor token',
  async () => {
    const cwd = makeDirectory();
    const { command, args = [] } = fixture('echo');
    const { XDG_STATE_HOME: home = '' } = environment();
    const script = ['-c', CONTAINED, 'sh', home, cwd, command, ...args];
    const echo = { command: 'unshare', args: ['-mpf', '--mount-proc', '/bin/sh', ...script] };
    const first = await startRea({ cwd, config: CONFIG });
    const socket = await socketOf(first);
    // The socket of a gateway that lives is there for the server of another one.
    const rea = await startRea({
      cwd,
      config: registry({ echo }),
      args: ['--reload', 'auto'],
    });
    expect((await rea.call('echo__echo', { text: 'contained' })).text).toBe('contained');
    // Other gateways of this machine may be seen there: they are not in this user's directories.
    const found = readFileSync(join(cwd, 'found'), 'utf8').split('\n');
    expect(found.filter((one) => one.startsWith(home) || one.startsWith(cwd))).toEqual([]);
    expect(existsSync(socket)).toBe(true);
    await Promise.all([first.stop(), rea.stop()]);
  },
);

test('a place with a long path: the socket lies in a short private directory of ours', async () => {
  const home = join(makeDirectory(), 'x'.repeat(80));
  mkdirSync(home, { mode: 0o700 });
  const runtime = makeDirectory();
  const env = { XDG_STATE_HOME: home, XDG_RUNTIME_DIR: runtime };
  const rea = await startRea({ config: CONFIG, env });
  const socket = await socketOf(rea, stateDirOf(rea, { ...environment(), ...env }));
  expect(socket).toMatch(new RegExp(`^${runtime}/rea/[0-9a-f]{16}\\.sock$`));
  expect(lstatSync(join(runtime, 'rea')).mode & 0o777).toBe(0o700);
  // No client may name it to a server, as the state directory.
  const named = await rea.call('echo__echo', { text: socket });
  expect(named.failure).toMatchObject({ code: 'ERR_DENIED_PATH', outcome: 'not_sent' });
  // The command need not know the variable.
  const { code } = await runRea(['restart', 'echo', '--cwd', rea.dir]);
  expect(code).toBe(0);
  await rea.stop();
  expect(readdirSync(join(runtime, 'rea'))).toEqual([]);
  // A directory that others may enter is not used.
  chmodSync(join(runtime, 'rea'), 0o755);
  const next = await startRea({ cwd: rea.dir, env: { ...env, TMPDIR: runtime } });
  const other = await socketOf(next, stateDirOf(next, { ...environment(), ...env }));
  expect(other).toMatch(new RegExp(`^${runtime}/rea-\\d+/[0-9a-f]{16}\\.sock$`));
  await next.stop();
});

test('the socket of a dead gateway is removed by the next one, that of a living one is not', async () => {
  const dead = await startRea({ config: CONFIG });
  const left = await socketOf(dead);
  dead.kill('SIGKILL');
  await dead.exited;
  expect(existsSync(left)).toBe(true);
  const none = await runRea(['restart', 'echo', '--cwd', dead.dir]);
  expect([none.code, none.stderr]).toEqual([3, expect.stringContaining('no gateway is running')]);
  const living = await startRea({ cwd: dead.dir });
  const own = await socketOf(living);
  expect(existsSync(left)).toBe(false);
  const third = await startRea({ cwd: dead.dir });
  await socketOf(third);
  expect(existsSync(own)).toBe(true);
  await Promise.all([living.stop(), third.stop()]);
});

test('a socket or record that others could have put there is not spoken to, and no token sent', async () => {
  const rea = await startRea({ config: CONFIG });
  const stateDir = stateDirOf(rea);
  const socket = await socketOf(rea);
  const [name = ''] = readdirSync(join(stateDir, 'run')).filter((one) => one.endsWith('.json'));
  const record = join(stateDir, 'run', name);
  const text = readFileSync(record, 'utf8');
  const open = makeDirectory();
  chmodSync(open, 0o777);
  const theirs = join(open, 'it.sock');
  const heard: string[] = [];
  const trap = createServer((one) => one.on('data', (bytes) => heard.push(bytes.toString())));
  await new Promise<void>((resolve) => trap.listen(theirs, resolve));
  writeFileSync(record, text.replace(socket, theirs));
  const refused = await runRea(['restart', 'echo', '--cwd', rea.dir]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('cannot be used: others can write to it');
  // A record in the project that names a directory of somebody else's choice.
  writeFileSync(record, text);
  const inProject = join(rea.dir, '.rea', 'run', name);
  const own = readFileSync(inProject, 'utf8');
  writeFileSync(inProject, own.replace(stateDir, open));
  const forged = await runRea(['restart', 'echo', '--cwd', rea.dir]);
  expect(forged.code).toBe(1);
  expect(forged.stderr).toContain('is not one of yours for this project');
  writeFileSync(inProject, own);
  expect(heard).toEqual([]);
  trap.close();
  rmSync(open, { recursive: true });
  await rea.stop();
});

test('another token than the gateway was started with, and none, are said to be that', async () => {
  const stateDir = join(makeDirectory(), 'state');
  const rea = await startRea({ config: CONFIG, args: ['--state-dir', stateDir] });
  await socketOf(rea, stateDir);
  const token = join(stateDir, 'token');
  writeFileSync(token, `${'f'.repeat(64)}\n`, { mode: 0o600 });
  const other = await runRea(['reload', '--cwd', rea.dir]);
  expect([other.code, other.stderr]).toEqual([
    1,
    `the gateway (pid ${rea.pid}) cannot be asked: it was started with another token than the state directory has now: restart the gateway (kill ${rea.pid})\n`,
  ]);
  chmodSync(token, 0o644);
  const open = await runRea(['reload', '--cwd', rea.dir]);
  expect([open.code, open.stderr]).toEqual([
    1,
    expect.stringContaining('others have access to it'),
  ]);
  rmSync(token);
  const gone = await runRea(['reload', '--cwd', rea.dir]);
  expect([gone.code, gone.stderr]).toEqual([
    1,
    expect.stringContaining(`the token in ${stateDir} is gone`),
  ]);
  await rea.stop();
});

test('without a state directory the gateway serves, and a command says why it cannot be reached', async () => {
  const state = join(makeDirectory(), 'state');
  mkdirSync(state, { mode: 0o777 });
  chmodSync(state, 0o777);
  const rea = await startRea({ config: CONFIG, args: ['--state-dir', state] });
  expect((await rea.call('echo__echo', { text: 'serves' })).text).toBe('serves');
  const { code, stderr } = await runRea(['restart', 'echo', '--cwd', rea.dir]);
  expect(code).toBe(1);
  expect(stderr).toContain(
    `the gateway (pid ${rea.pid}) cannot be asked: it has no state directory`,
  );
  await rea.stop();
});

test('a gateway that does not answer: every command says what it is doing, and stop --force ends it', async () => {
  const rea = await startRea({ config: CONFIG });
  const child = Number((await rea.call('echo__pid')).text);
  await socketOf(rea);
  rea.expectKill();
  rea.kill('SIGSTOP');
  const commands = [['restart', 'echo'], ['reload'], ['stop'], ['tools'], ['call', 'echo', 'pid']];
  for (const command of commands) {
    const { code, stdout, stderr } = await runRea([...command, '--cwd', rea.dir]);
    expect([code, stdout]).toEqual([4, '']);
    expect(stderr).toMatch(
      new RegExp(
        `^the gateway \\(pid ${rea.pid}\\) is stopped by a signal; its last sign of life was .* ago: ` +
          `kill -CONT ${rea.pid} lets it go on, rea stop --force ends it\\n$`,
      ),
    );
  }
  // Looking needs no gateway.
  expect((await runRea(['logs', '--cwd', rea.dir])).code).toBe(0);
  const forced = await runRea(['stop', '--force', '--cwd', rea.dir]);
  expect([forced.code, forced.stdout]).toEqual([0, expect.stringContaining('was ended after')]);
  expect(isAlive(rea.pid)).toBe(false);
  expect(isAlive(child)).toBe(false);
});

test('stop ends every gateway of the directory, and its servers; calls in flight are answered', async () => {
  const one = await startRea({ config: CONFIG });
  const other = await startRea({
    cwd: one.dir,
    args: ['--http', '127.0.0.1:0'],
    initialize: false,
  });
  const child = Number((await one.call('echo__pid')).text);
  await Promise.all([socketOf(one), socketOf(other)]);
  const slow = one.begin('echo__sleep', { ms: 2_000 });
  await one.waitForServer('echo', ({ in_flight }) => in_flight === 1, { what: 'at work' });
  const { code, stdout } = await runRea(['stop', '--cwd', one.dir]);
  expect(code).toBe(0);
  for (const { pid } of [one, other]) expect(stdout).toContain(`(pid ${pid}) has stopped after`);
  expect((await slow.answer).text).toBe('slept 2000 ms');
  expect(isAlive(child)).toBe(false);
  expect(await one.exited).toEqual({ code: 0, signal: null });
  expect(await other.exited).toEqual({ code: 0, signal: null });
});
