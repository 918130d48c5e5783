/** `rea login`: from a server that waits for a login to calls with its tokens, and back; and nobody else sees them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { runLogin } from '#src/main/commands/login.ts';
import { takeTurn } from '#src/main/logins/turn.ts';
import { stopHttpServers } from '../support/http-server.ts';
import {
  beginLogin,
  logIn,
  logInAt,
  loginFiles,
  loginsOf,
  type Protected,
  printedAddress,
  startProtected,
} from '../support/login-world.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { environment, runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, QUICK, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { expectNowhere } from '../support/token-sinks.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(async () => {
  await tidy();
  await stopHttpServers();
});

/** Nothing is tried again by itself within a test. */
const PATIENT = { restart: { ...QUICK.restart, backoff_max_ms: 600_000 } };
const WANTED = 'it wants a login (HTTP 401)';

test('a server waits for a login, serves with its tokens, renews them, and is left', async () => {
  const server = await startProtected();
  const rea = await startRea({ config: registry({ web: { url: server.url } }, PATIENT) });
  await expectWaiting(rea, WANTED);
  const output = await logIn(rea.dir, 'web');
  expect(output).toMatch(/\nweb: logged in\nweb: ready after \d+\.\d s\n$/);
  const { asked, registered } = await server.control();
  expect(registered).toBe(1);
  expect(asked[0]).toMatchObject({
    code_challenge_method: 'S256',
    scope: 'read',
    resource: server.url,
  });
  expect(asked[1]).toEqual({ grant_type: 'authorization_code', resource: server.url });
  const [file = '', ...others] = loginFiles(rea.dir);
  expect(others).toEqual([]);
  expect(statSync(join(loginsOf(rea.dir), file)).mode & 0o777).toBe(0o600);
  expect(statSync(loginsOf(rea.dir)).mode & 0o777).toBe(0o700);

  // What is sent is the token; in what the server answers nobody sees it.
  const { text } = await rea.call('web__headers');
  expect(text).toMatch(/"authorization":"Bearer \[REDACTED/);
  expect((await rea.call('web__echo', { text: 'one' })).text).toBe('one');

  // Its tokens are over, and those who call know nothing of it: the session goes on, too.
  const before = await rea.waitForPhase('web', 'ready');
  await server.end('end-access');
  const calls = ['two', 'three', 'four'].map((word) => rea.call('web__echo', { text: word }));
  expect((await Promise.all(calls)).map((one) => one.text)).toEqual(['two', 'three', 'four']);
  const after = await server.control();
  expect(after.refreshes).toBe(1);
  expect(after.executed).toMatchObject({ one: 1, two: 1, three: 1, four: 1 });
  expect((await rea.waitForPhase('web', 'ready')).restarts).toBe(before.restarts);

  // A call that wants more than the login gives says which, and the next login asks for that, too.
  const refused = await rea.call('web__admin');
  expect(refused.failure).toMatchObject({ code: 'ERR_HTTP_STATUS', outcome: 'answered' });
  expect(refused.text).toContain(
    'it wants the scope "admin"; to log in: rea login web --scope "admin"',
  );
  const first = (await server.control()).issued;
  await logIn(rea.dir, 'web', '--scope', 'admin');
  // Those of the login before are of no use to anybody any more.
  expect((await server.control()).revoked).toEqual([first.at(-1), first.at(-2)]);
  const again = (await server.control()).asked.filter(({ state }) => state !== undefined);
  expect(again.at(-1)).toMatchObject({ scope: 'read admin' });
  expect((await rea.call('web__admin')).text).toBe('admin');

  // The whole login is over: one try to renew it, and a person is asked again.
  await server.end('end-all');
  const last = await rea.call('web__echo', { text: 'five' });
  expect(last.text).toContain('what helps: rea login web');
  await expectWaiting(rea, 'its login is over (HTTP 401)');
  expect((await server.control()).executed['five']).toBeUndefined();

  await logIn(rea.dir, 'web');
  const [kept = ''] = loginFiles(rea.dir);
  chmodSync(join(loginsOf(rea.dir), kept), 0o666);
  const refusedOut = await runRea(['logout', 'web', '--cwd', rea.dir]);
  expect([refusedOut.code, refusedOut.stdout]).toEqual([1, '']);
  expect(refusedOut.stderr).toMatch(
    /^rea: web: .* others can read or write it .*; nothing was removed\n$/,
  );
  chmodSync(join(loginsOf(rea.dir), kept), 0o600);
  const loggedOut = await runRea(['logout', 'web', '--cwd', rea.dir]);
  expect([loggedOut.code, loggedOut.stdout]).toEqual([0, 'web: logged out\n']);
  expect(loginFiles(rea.dir)).toEqual([]);
  await expectWaiting(rea, WANTED);
  const { revoked, issued } = await server.control();
  expect(revoked.slice(2)).toEqual([issued.at(-1), issued.at(-2)]);
  const doctor = await runRea(['doctor', 'web', '--json', '--start', '--cwd', rea.dir]);
  expect(doctor.stdout).toContain('"action": "rea login web"');
  const happened = await server.control();
  expect(happened.issued.length).toBeGreaterThan(6);
  await expectNowhere([rea], happened);
});

/** Status, doctor and those who call say the same. */
async function expectWaiting(rea: Rea, why: string): Promise<void> {
  await rea.waitForServer('web', (one) => one.last_error?.startsWith(why) === true, { what: why });
  const web = await rea.waitForPhase('web', 'failed');
  expect(web.last_exit).toMatchObject({ reason: 'login' });
  expect(web.circuit_state).toBe('closed');
  const { stdout } = await runRea(['status', '--cwd', rea.dir]);
  expect(stdout).toContain(why);
  expect(stdout).toContain('→ rea login web\n');
  const { text, failure } = await rea.call('web__echo', { text: 'never' });
  expect(failure).toMatchObject({ outcome: 'not_sent', retryable: false });
  expect(failure).not.toHaveProperty('retry_at');
  expect(text).toContain('takes no calls now: it waits for a login; ');
  expect(text).toContain('what helps: rea login web');
}

/** A server of this directory that can be logged in to; no gateway runs. */
function directoryFor(server: Protected, entry: object = {}): string {
  const dir = makeDirectory();
  writeRegistry(dir, registry({ web: { url: server.url, ...entry }, program: fixture('echo') }));
  return dir;
}

test('a login that fails is one line with what to do, and leaves nothing behind', async () => {
  const server = await startProtected();
  const dir = directoryFor(server);
  const fails = async (settings: object, why: RegExp, ...args: readonly string[]) => {
    await server.control({ metadata: 'good', authorize: 'good', registration: true, ...settings });
    const command = beginLogin(dir, 'web', ...args);
    const address = /^(http\S+)\n/m;
    await until(() => command.child.exitCode !== null || address.test(command.said.stdout), {
      what: `an end or an address with ${JSON.stringify(settings)}`,
    });
    const [, open] = address.exec(command.said.stdout) ?? [];
    if (open !== undefined) await logInAt(open);
    expect([settings, await command.ended]).toEqual([settings, 1]);
    expect(command.said.stderr).toMatch(why);
    expect(command.said.stderr.split('\n')).toHaveLength(2);
    expect(loginFiles(dir)).toEqual([]);
  };
  await fails({ metadata: 'huge' }, /larger than 262144 bytes/);
  await fails({ metadata: 'redirect' }, /there is no metadata at/);
  await fails({ metadata: 'other-resource' }, /is about another resource than http:\/\/127/);
  await fails({ metadata: 'http-issuer' }, /its issuer is not https: http:\/\/as\.example\//);
  await fails(
    { metadata: 'link-local' },
    /169\.254\.169\.254 is an address .* is not connected to/,
  );
  await fails({ metadata: 'wrong-issuer' }, /"issuer" property does not match the expected value/);
  await fails({ metadata: 'no-pkce' }, /does not offer PKCE with S256/);
  await fails({ authorize: 'denied' }, /web: the login was denied: nothing was written/);
  await fails({ authorize: 'wrong-iss' }, /unexpected "iss" \(issuer\)/);
  await fails(
    { registration: false },
    /registers no clients by itself: make one there .*client_id/,
  );
  // A secret in its address is not shown.
  const hook = 'x9f8a7b6c5d4e3f2a1b0c9d8';
  writeRegistry(dir, registry({ web: { url: `${server.origin}/hooks/${hook}` } }));
  await fails({}, /web: http:\/\/127\.0\.0\.1:\d+\[REDACTED:secret\] answers with HTTP 404/);
  writeRegistry(dir, registry({ web: { url: server.url }, program: fixture('echo') }));
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  await fails({}, /port \d+ is taken: give another one with --port/, '--port', String(port));
  taken.close();

  // Somebody else's answer is not taken, and Ctrl-C ends it.
  await server.control({ registration: true, authorize: 'wrong-state' });
  const waiting = beginLogin(dir, 'web');
  expect(await logInAt(await printedAddress(waiting))).toContain(
    'not the login that rea waits for',
  );
  waiting.child.kill('SIGINT');
  expect(await waiting.ended).toBe(130);
  expect(waiting.said.stderr).toBe('rea: web: interrupted: nothing was written\n');
  expect(loginFiles(dir)).toEqual([]);
});

test('a login that waits for its turn is ended by Ctrl-C, and its tokens are revoked', async () => {
  const server = await startProtected();
  const dir = directoryFor(server);
  await logIn(dir, 'web');
  const [kept = ''] = loginFiles(dir);
  const path = join(loginsOf(dir), kept);
  const before = readFileSync(path, 'utf8');
  const endpoint = { url: server.url, headers: {}, tokenFile: null, oauth: null };
  const turn = await takeTurn(dirname(loginsOf(dir)), { name: 'web', endpoint });
  if (!turn.ok) throw new Error(turn.why);
  const command = beginLogin(dir, 'web');
  await logInAt(await printedAddress(command));
  const waits = `waiting for process ${process.pid}, which changes the login, too\n`;
  await until(() => command.said.stdout.includes(waits), { what: 'waiting for its turn' });
  command.child.kill('SIGINT');
  expect(await command.ended).toBe(130);
  expect(command.said.stderr).toBe('rea: web: interrupted: nothing was written\n');
  turn.lock.release();
  expect(readFileSync(path, 'utf8')).toBe(before);
  const { revoked, issued } = await server.control();
  expect(revoked).toEqual([issued.at(-1), issued.at(-2)]);
});

test('a login that nobody makes ends by itself, and nothing is written', async () => {
  const server = await startProtected();
  const dir = directoryFor(server);
  const said = { stdout: '', stderr: '' };
  const into = (name: keyof typeof said) =>
    new Writable({ write: (text, _encoding, then) => ((said[name] += String(text)), then()) });
  const code = await runLogin({
    cwd: dir,
    server: 'web',
    env: environment(),
    platform: process.platform,
    device: false,
    open: false,
    scope: null,
    port: 0,
    stdin: process.stdin,
    stdout: into('stdout'),
    stderr: into('stderr'),
    limitMinutes: 0.005,
  });
  expect([code, said.stderr]).toEqual([
    1,
    'rea: web: nobody has logged in within 0.005 minutes: nothing was written\n',
  ]);
  expect(loginFiles(dir)).toEqual([]);
});

test.each([
  ['webb', {}, /no server "webb" is enabled in the configuration; did you mean "web"\?/],
  ['program', {}, /server "program" is a program, which logs in by itself/],
  ['web', { headers: { Authorization: 'Bearer x' } }, /has credentials of its own: take headers/],
  ['web', { url: 'http://10.1.2.3/mcp', insecure_http: true }, /is reached unencrypted/],
])('%s %j cannot be logged in to', async (name, entry, why) => {
  const dir = makeDirectory();
  const web = { url: 'https://example.com/mcp', ...entry };
  writeRegistry(dir, registry({ web, program: fixture('echo') }));
  const { code, stderr } = await runRea(['login', name, '--cwd', dir]);
  expect([code, stderr.split('\n').length]).toEqual([2, 2]);
  expect(stderr).toMatch(why);
});

test('without a browser: by a code, or by an address that is pasted; also before there is a gateway', async () => {
  const server = await startProtected();
  const dir = directoryFor(server, { oauth: { client_id: 'given', scopes: ['read', 'write'] } });
  const device = beginLogin(dir, 'web', '--device');
  await until(() => device.said.stdout.includes('type this code there: WDJB-MJHT\n'), {
    what: 'the code',
  });
  expect(device.said.stdout).toContain(
    `open this address on any device: ${server.origin}/activate`,
  );
  await server.control({ typed: true });
  expect([await device.ended, device.said.stderr]).toEqual([0, '']);
  expect(loginFiles(dir)).toHaveLength(1);

  await server.control({ device: false, metadata: 'unnamed' });
  const rea = reaCommand();
  const child = spawn(rea.command, [...rea.args, 'login', 'web', '--device', '--cwd', dir], {
    env: environment(),
    stdio: 'pipe',
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const address = await printedAddress({ said });
  const back = await fetch(address, { redirect: 'manual' });
  child.stdin.write('http://127.0.0.1/callback?code=x&state=y\n');
  await until(() => said.stderr.includes('not the address of this login'), { what: 'a warning' });
  child.stdin.write(`${back.headers.get('location')}\n`);
  await once(child, 'close');
  expect([child.exitCode, said.stdout.split('\n').at(-2)]).toEqual([0, 'web: logged in']);
  const { asked, registered, issued } = await server.control();
  expect(registered).toBe(0);
  expect(asked.at(-2)).toMatchObject({ client_id: 'given', scope: 'read write' });

  const gateway = await startRea({ cwd: dir });
  expect((await gateway.call('web__echo', { text: 'first' })).text).toBe('first');
  // The tokens are of this address: another one never gets them.
  const other = await startProtected();
  writeRegistry(dir, registry({ web: { url: other.url } }));
  expect((await runRea(['pins', 'accept', 'web', '--cwd', dir])).code).toBe(0);
  await gateway.waitForServer('web', (one) => one.last_error?.startsWith(WANTED) === true, {
    what: 'waiting at its new address',
  });
  expect((await other.control()).seen).toEqual([]);
  expect(new Set((await server.control()).seen)).toEqual(new Set([issued.at(-2)]));
});
