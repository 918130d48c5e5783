/** `rea serve --http` as its operator and its clients meet it: addresses, tokens, probes, the stop. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, expect, test, vi } from 'vitest';
import { Hold } from '../support/hold.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

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
  expect((await fetch(new URL('/readyz', url))).status).toBe(401);
  const headers = { authorization: `Bearer ${TOKEN}` };
  expect((await fetch(new URL('/readyz', url), { headers })).status).toBe(200);
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
