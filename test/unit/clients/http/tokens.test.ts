/** Bearer tokens: where they come from, what they open, and whose sessions are whose. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { readTokenFile, Tokens } from '#src/main/clients/http/tokens.ts';
import { EchoRouter } from '../../../support/echo-router.ts';
import {
  callTool,
  HEADERS,
  HttpClient,
  initializeWith,
  startEdge,
  statusOf,
  tidyEdges,
} from '../../../support/http-edge.ts';

afterEach(tidyEdges);

const ONE = 'one-0123456789abcdef';
const TWO = 'two-0123456789abcdef';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'rea-token-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function tokenFile(content: string, mode = 0o600): string {
  const file = join(directory(), 'token');
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

test('a token file holds one token on each line, white space around them aside', () => {
  expect(readTokenFile(tokenFile(`  ${ONE} \r\n`))).toEqual({ ok: true, tokens: [ONE] });
  const two = tokenFile(`\n${ONE}\n\n${TWO}\n`, 0o640);
  expect(readTokenFile(two)).toEqual({ ok: true, tokens: [ONE, TWO] });
  const link = join(directory(), 'link');
  symlinkSync(two, link);
  expect(readTokenFile(link)).toMatchObject({ ok: true });
});

test('a token file that cannot be trusted is one line that does not tell the token', () => {
  const dir = directory();
  mkdirSync(join(dir, 'folder'), { mode: 0o700 });
  for (const [file, why] of [
    [tokenFile(ONE, 0o644), /chmod o-rwx/],
    [tokenFile(ONE, 0o602), /chmod o-rwx/],
    [tokenFile(''), /16 characters/],
    [tokenFile(' \n\n'), /16 characters/],
    [tokenFile('short-but-secret'.slice(1)), /16 characters/],
    [tokenFile(`${ONE}\nshort-secret\n`), /16 characters/],
    [tokenFile('a secret with spaces'), /letters, digits/],
    [tokenFile('sécret-0123456789abcdef'), /letters, digits/],
    [tokenFile('x'.repeat(70_000)), /larger than/],
    [join(dir, 'absent'), /cannot be opened/],
    [join(dir, 'folder'), /not a regular file/],
  ] as const) {
    const read = readTokenFile(file);
    const message = read.ok ? 'accepted' : read.message;
    expect(message).toMatch(why);
    expect(message).toContain(`--token-file ${file}`);
    expect(message).not.toMatch(/\n|secret|0123456789/);
  }
});

test('only the whole token in the Bearer scheme is taken', () => {
  const tokens = new Tokens([ONE, TWO]);
  expect(tokens.caller(`Bearer ${ONE}`)).toEqual({ kind: 'principal', name: 'token 1' });
  expect(tokens.caller(`bearer  ${TWO} `)).toEqual({ kind: 'principal', name: 'token 2' });
  for (const wrong of [
    undefined,
    '',
    ONE,
    `Basic ${ONE}`,
    'Bearer',
    'Bearer ',
    `Bearer ${ONE}x`,
    `Bearer ${ONE.slice(1)}`,
    `Bearer ${ONE} ${TWO}`,
    `Bearer ${ONE.toUpperCase()}`,
  ]) {
    expect(tokens.caller(wrong), wrong).toMatchObject({ kind: 'refused' });
  }
  expect(new Tokens([]).caller(undefined)).toEqual({ kind: 'anyone' });
});

test('with a token set every request but the probes needs it, also on loopback', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { tokens: [ONE] });
  const at = (path: string) => new URL(path, edge.url);
  const headers = { ...HEADERS };
  for (const authorization of [null, `Bearer ${TWO}`, `Basic ${ONE}`]) {
    const asked = authorization === null ? headers : { ...headers, authorization };
    for (const [path, init] of [
      ['/mcp', { method: 'POST', body: initializeWith('2025-11-25') }],
      ['/mcp', {}],
      ['/mcp', { method: 'DELETE' }],
      ['/mcp', { method: 'PUT', body: 'x' }],
      ['/other', {}],
    ] as const) {
      const refused = await fetch(at(path), { ...init, headers: asked });
      expect(refused.status, path).toBe(401);
      expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer\b/);
      expect(await refused.text()).not.toContain(ONE);
    }
    for (const probe of ['/healthz', '/readyz']) {
      const response = await fetch(at(probe), { headers: asked });
      expect([response.status, await response.text()], probe).toEqual([200, 'ok']);
    }
  }
  expect(router.clients).toEqual([]);
  const client = new Client({ name: 'test', version: '1' });
  const requestInit = { headers: bearer(ONE) };
  await client.connect(new StreamableHTTPClientTransport(new URL(edge.url), { requestInit }));
  expect((await client.listTools()).tools).toHaveLength(1);
  await client.close();
  expect(JSON.stringify(router.clients[0]?.received)).not.toContain(ONE);
});

test('whoever is refused on this machine is told the file, and nobody else is', async () => {
  const tokenFile = '/home/me/state/token\u001b[2J';
  const edge = await startEdge(new EchoRouter(), { host: '0.0.0.0', tokens: [ONE], tokenFile });
  const told = async (host: string) => {
    const response = await fetch(edge.url.replace('0.0.0.0', host));
    expect(response.status).toBe(401);
    return ((await response.json()) as { error: { message: string } }).error.message;
  };
  expect(await told('127.0.0.1')).toMatch(/stands in \/home\/me\/state\/token\ufffd\[2J$/);
  // As from another machine: the address is not that of loopback.
  const elsewhere = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);
  if (elsewhere === undefined) return;
  const message = await told(elsewhere.address);
  expect(message).toContain('Authorization: Bearer');
  expect(message).not.toMatch(/home|state\//);
});

test('a refused client that is still writing its body gets its 401', async () => {
  const edge = await startEdge(new EchoRouter(), { tokens: [ONE] });
  const body = 'x'.repeat(5_000_000);
  const refused = await fetch(edge.url, { method: 'POST', headers: HEADERS, body });
  expect(refused.status).toBe(401);
});

test('a session is unknown to everybody but the principal that opened it', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { tokens: [ONE, TWO] });
  const owner = await HttpClient.open(edge, { headers: bearer(ONE) });
  const thief = new HttpClient(edge, owner.session, bearer(TWO));
  const call = await owner.call(callTool('never', '1'));
  const id = (await call.next())?.id ?? '';
  for (const stolen of [
    await thief.post(callTool('echo', '2')),
    await thief.get(),
    await thief.get(id),
    await thief.delete(),
  ]) {
    expect(stolen.status).toBe(404);
  }
  expect(router.clients[0]?.received).toHaveLength(2);
  expect((await owner.post(callTool('echo', '2'))).status).toBe(200);
  expect((await owner.delete()).status).toBe(200);
});

test('an address that is not loopback is served with a token, by whatever name it is reached', async () => {
  const edge = await startEdge(new EchoRouter(), { host: '0.0.0.0', tokens: [ONE] });
  expect(await statusOf(edge, '/mcp', {})).toBe(401);
  for (const host of ['192.0.2.7:80', 'mcp.example.com', 'box.local:8443']) {
    expect(await statusOf(edge, '/mcp', { host }), host).toBe(401);
    // There is no session yet.
    expect(await statusOf(edge, '/mcp', { host, ...bearer(ONE) }), host).toBe(400);
  }
  const origin = 'http://evil.example';
  expect(await statusOf(edge, '/mcp', { origin, ...bearer(ONE) })).toBe(403);
});
