/** `rea serve --http` as its operator and its clients meet it: addresses, tokens, probes, the stop. */
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, expect, test, vi } from 'vitest';
import { Hold } from '../support/hold.ts';
import { HEADERS, initializeWith, rawPost } from '../support/http-edge.ts';
import { startFixture, stopHttpServers } from '../support/http-server.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);
afterEach(stopHttpServers);

const TOKEN = 'a-token-of-the-test-0123456789';

async function serve(...args: string[]): Promise<{ rea: Rea; url: URL }> {
  const rea = await startRea({
    args: ['--http', ...args],
    config: registry({ echo: fixture('echo') }),
    initialize: false,
  });
  await rea.waitForPhase('echo', 'ready');
  const http = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  return { rea, url: new URL(http) };
}

/** Waits for the end after a signal; on HTTP alone a gateway does not look at its stdin. */
async function stop(rea: Rea): Promise<void> {
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
}

test('a quick answer is the whole response; large and slow ones come on streams', async () => {
  const { rea, url } = await serve('0', '--no-token');
  const types: string[] = [];
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: async (...args) => {
      const response = await fetch(...args);
      if (args[1]?.method === 'POST') types.push(response.headers.get('content-type') ?? '');
      return response;
    },
  });
  await client.connect(transport);
  const typeOf = async (tool: string, args: object) => {
    const before = types.length;
    await client.callTool({ name: `echo__${tool}`, arguments: { ...args } });
    return types.slice(before);
  };
  expect(await typeOf('sleep', { ms: 500 })).toEqual(['text/event-stream']);
  expect(await typeOf('big', { bytes: 100_000 })).toEqual(['text/event-stream']);
  // On a busy machine no answer is quick.
  await until(async () => (await typeOf('echo', { text: 'a' }))[0] === 'application/json', {
    what: 'a quick answer',
  });
  await client.close();
  await stop(rea);
});

test('an address that is not loopback is refused with one line when no token is wanted', async () => {
  const dir = makeDirectory();
  const config = join(dir, 'mcp.json');
  writeFileSync(config, JSON.stringify({ mcpServers: { echo: fixture('echo') } }), { mode: 0o600 });
  for (const address of ['0.0.0.0:0', '[::]:0', 'gateway.example:0']) {
    const args = ['serve', '--cwd', dir, '--config', config, '--http', address, '--no-token'];
    const { code, stdout, stderr } = await runRea(args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^cannot listen on [^\n]*--token-file[^\n]*\n$/);
    expect(stderr).toContain(address);
  }
});

test('a bad token file and one without --http are refused with one line', async () => {
  const dir = makeDirectory();
  const file = join(dir, 'token');
  writeFileSync(file, TOKEN, { mode: 0o644 });
  const readable = await runRea(['serve', '--cwd', dir, '--http', '0', '--token-file', file]);
  expect([readable.code, readable.stderr.split('\n').length]).toEqual([1, 2]);
  expect(readable.stderr).toMatch(/chmod o-rwx/);
  const alone = await runRea(['serve', '--cwd', dir, '--token-file', file]);
  expect([alone.code, alone.stderr]).toEqual([2, expect.stringMatching(/^--token-file.*\n$/)]);
});

test('with a token file clients need the token, and it goes nowhere else', async () => {
  const dir = makeDirectory();
  const file = join(dir, 'token');
  writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
  const { rea, url } = await serve('0.0.0.0:0', '--token-file', file);
  url.hostname = '127.0.0.1';
  expect((await fetch(new URL('/healthz', url))).status).toBe(200);
  expect((await fetch(new URL('/readyz', url))).status).toBe(200);
  expect((await fetch(url)).status).toBe(401);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const client = new Client({ name: 'test', version: '1' });
  const requestInit = { headers };
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
  const env = await client.callTool({ name: 'echo__env' });
  expect(JSON.stringify(env)).not.toMatch(/authorization|token/i);
  await client.close();
  const state = JSON.stringify(rea.state());
  await stop(rea);
  expect(`${state}${rea.stderr}`).not.toContain(TOKEN);
});

test('while it drains it is alive but not ready, and opens no session', async () => {
  const { rea, url } = await serve('127.0.0.1:0', '--no-token', '--grace', '60s');
  const status = async (path: string) => (await fetch(new URL(path, url))).status;
  expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 200]);
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(url));
  const held = new Hold();
  const call = client.callTool({ name: 'echo__hold', arguments: { ...held.args } });
  await held.begun();
  rea.kill('SIGTERM');
  while ((await status('/readyz')) !== 503) expect(rea.exit).toBeNull();
  expect(await status('/healthz')).toBe(200);
  const late = new Client({ name: 'late', version: '1' });
  await expect(late.connect(new StreamableHTTPClientTransport(url))).rejects.toThrow(/stopping/);
  held.end();
  expect(JSON.stringify(await call)).toContain('held');
  await client.close();
  expect(await rea.exited).toEqual({ code: 0, signal: null });
});

test('with --drain-delay all goes on after the signal, but /readyz says that it stops', async () => {
  const { rea, url } = await serve('127.0.0.1:0', '--no-token', '--drain-delay', '600s');
  const readiness = async () => {
    const response = await fetch(new URL('/readyz', url));
    return `${response.status} ${await response.text()}`;
  };
  expect(await readiness()).toBe('200 ok');
  rea.kill('SIGTERM');
  while ((await readiness()) !== '503 stopping') expect(rea.exit).toBeNull();
  // A balancer that has not looked yet still sends clients.
  const late = new Client({ name: 'late', version: '1' });
  await late.connect(new StreamableHTTPClientTransport(url));
  const answer = await late.callTool({ name: 'echo__echo', arguments: { text: 'as before' } });
  expect(JSON.stringify(answer)).toContain('as before');
  await late.close();
  // Who asks twice does not want to wait.
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
});

test('the stop begins by itself when the delay is over', async () => {
  const { rea } = await serve('127.0.0.1:0', '--no-token', '--drain-delay', '50ms');
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
});

test('a name that was allowed is one that clients may use without a token, another is not', async () => {
  const allowed = ['--allow-host', 'mcp.example.com', '--allow-host', '10.1.2.3'];
  const { rea, url } = await serve('127.0.0.1:0', '--no-token', ...allowed);
  const hello = (host: string, more: Record<string, string> = {}) =>
    rawPost(url.href, { ...HEADERS, host, ...more }, initializeWith('2025-11-25'));
  for (const host of ['mcp.example.com', '10.1.2.3:80', `localhost:${url.port}`]) {
    expect((await hello(host)).status, host).toBe(200);
  }
  const page = { origin: 'https://mcp.example.com' };
  expect((await hello('localhost', page)).headers['access-control-allow-origin']).toBe(page.origin);
  const refused = await hello('other.example.com');
  expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('--allow-host')]);
  await stop(rea);
});

test.each([
  [
    ['--http', '0', '--allow-host', 'http://a.example'],
    /^--allow-host "http:\/\/a.example": write a/,
  ],
  [['--allow-host', 'a.example'], /^--allow-host is for --http; see rea help serve$/],
  [['--drain-delay', '5s'], /^--drain-delay is for --http; see rea help serve$/],
])('%j is refused with one line', async (args, line) => {
  const { code, stderr } = await runRea(['serve', '--cwd', makeDirectory(), ...args]);
  expect(code).toBe(2);
  expect(stderr.trimEnd()).toMatch(line);
  expect(stderr.split('\n')).toHaveLength(2);
});

test('the file says how many sessions and connections there may be', async () => {
  const dir = makeDirectory();
  const limits = { max_sessions: 1, max_connections: 3 };
  const rea = await startRea({
    args: ['--http', '127.0.0.1:0', '--no-token'],
    config: registry({ echo: fixture('echo') }, { http: limits }),
    cwd: dir,
    initialize: false,
  });
  const url = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  const open = () =>
    rawPost(url, { ...HEADERS, connection: 'close' }, initializeWith('2025-11-25'));
  const first = (await open()).headers['mcp-session-id'];
  expect((await open()).status).toBe(200);
  // The first one, which never made a call, made room.
  const headers = { ...HEADERS, connection: 'close', 'mcp-session-id': String(first) };
  expect((await rawPost(url, headers, '{"jsonrpc":"2.0","id":1,"method":"ping"}')).status).toBe(
    404,
  );
  // Connections of before may count for a moment; those that are held are served.
  const served = async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
    socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    return new Promise<Socket | null>((resolve) => {
      socket.once('data', () => resolve(socket)).once('close', () => resolve(null));
    });
  };
  const held: Socket[] = [];
  for (const what of ['one', 'two', 'three']) held.push(await until(served, { what }));
  expect(await served()).toBeNull();
  expect(held.map(({ closed }) => closed)).toEqual([false, false, false]);
  for (const socket of held) socket.destroy();
  await stop(rea);
});

test('a server on another machine is reached over plain http when the file says that it is meant', async () => {
  const dir = makeDirectory();
  const address = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  if (address === undefined) throw new Error('this machine has no address but loopback');
  const remote = await startFixture('--host', address);
  const url = remote.url.replace('127.0.0.1', address);
  const config = registry({ web: { url, insecure_http: true } });
  writeRegistry(dir, config);
  const checked = await runRea(['check', '--cwd', dir]);
  expect([checked.code, checked.stdout]).toEqual([
    0,
    expect.stringMatching(
      /servers\[0\]\.url: sends everything unencrypted, as insecure_http allows/,
    ),
  ]);
  const rea = await startRea({ cwd: dir, config });
  await rea.waitForPhase('web', 'ready');
  expect(rea.stderr).toContain('insecure_http');
  await rea.stop();
});
