/** HTTP requests that are refused before the router hears of them, and those that just pass. */
import { once } from 'node:events';
import { type IncomingMessage } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { EchoRouter } from '../../../support/echo-router.ts';
import {
  callTool,
  HEADERS,
  openPost,
  startEdge,
  statusOf,
  tidyEdges,
} from '../../../support/http-edge.ts';
import { INITIALIZE, openSession, post } from './plain-requests.ts';

afterEach(tidyEdges);

test('a message with a longer id than anybody keeps is refused', async () => {
  const edge = await startEdge(new EchoRouter());
  const withId = (id: string) => INITIALIZE.replace('"id":1', `"id":"${id}"`);
  const refused = await post(edge, null, withId('i'.repeat(1023)));
  expect([refused.status, await refused.json()]).toMatchObject([
    400,
    { id: null, error: { code: -32600, message: 'The id may have at most 1024 bytes' } },
  ]);
  expect((await post(edge, null, withId('i'.repeat(1022)))).status).toBe(200);
});

test('unknown sessions get 404, missing ones 400, before the router hears of them', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const gone = '00000000-0000-4000-8000-000000000000';
  const unknown = await post(edge, gone, callTool('echo', '1'));
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toMatchObject({ error: { code: -32001 }, id: null });
  expect((await fetch(edge.url, { headers: { ...HEADERS, 'mcp-session-id': gone } })).status).toBe(
    404,
  );
  expect((await post(edge, null, callTool('echo', '1'))).status).toBe(400);
  expect((await fetch(edge.url, { headers: HEADERS })).status).toBe(400);
  expect(router.clients).toEqual([]);
  // A client that begins anew, and still sends the id of a session that is gone.
  const fresh = await post(edge, gone, INITIALIZE);
  expect(fresh.status).toBe(200);
  expect(fresh.headers.get('mcp-session-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect(fresh.headers.get('mcp-session-id')).not.toBe(gone);
  expect(router.sessions).toBe(1);
});

test('foreign hosts and origins get 403 on every path', async () => {
  const edge = await startEdge(new EchoRouter());
  for (const path of ['/mcp', '/healthz', '/other']) {
    expect(await statusOf(edge, path, { host: 'rebound.example' })).toBe(403);
    expect(await statusOf(edge, path, { host: 'rebound.example:7332' })).toBe(403);
    expect(await statusOf(edge, path, { origin: 'https://evil.example' })).toBe(403);
    expect(await statusOf(edge, path, { origin: 'null' })).toBe(403);
  }
  for (const host of ['localhost', '127.0.0.1:1', '[::1]:99']) {
    expect(await statusOf(edge, '/healthz', { host, origin: `http://${host}` })).toBe(200);
  }
});

test('/healthz says ok, other paths are 404, other methods 405', async () => {
  const edge = await startEdge(new EchoRouter());
  const health = await fetch(new URL('/healthz', edge.url));
  expect([health.status, await health.text()]).toEqual([200, 'ok']);
  expect((await fetch(new URL('/', edge.url))).status).toBe(404);
  for (const path of ['/mcp', '/mcp/', '/mcp?x=1', '/mcp/?x=1']) {
    expect((await fetch(new URL(path, edge.url))).status, path).toBe(400);
  }
  for (const path of ['//mcp', '/mcp//', '/mcp/x', '/MCP']) {
    const url = `${new URL(edge.url).origin}${path}`;
    expect((await fetch(url)).status, path).toBe(404);
  }
  const put = await fetch(edge.url, { method: 'PUT', body: '{}' });
  expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, POST, DELETE']);
});

test('bodies that are not one JSON-RPC message are refused with 400', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const session = await openSession(edge);
  const before = router.clients[0]?.received.length;
  const bodies = ['', '{', '[]', `[${callTool('echo', '1')}]`, `\n [1`, '{}', '{"jsonrpc":"2.0"}'];
  for (const body of [
    ...bodies,
    '{"a":"x\ny"}',
    `${callTool('echo', '1')}\n${callTool('echo', '2')}`,
    '{"jsonrpc":"2.0","id":1,"method":"x","params":{"requestState":"a","requestState":"b"}}',
    '{"jsonrpc":"2.0","id":1,"method":"x","params":{"inputResponses":{},"inputResponses":{}}}',
  ]) {
    const response = await post(edge, session, body);
    expect(response.status, body).toBe(400);
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', id: null });
  }
  expect(router.clients[0]?.received.length).toBe(before);
});

test('a declared body over the cap is refused unread', async () => {
  const edge = await startEdge(new EchoRouter());
  const request = openPost(edge, { 'content-length': '1000001' });
  request.flushHeaders();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(413);
  request.destroy();
});

test('a body that grows over the cap is refused while it streams in', async () => {
  const edge = await startEdge(new EchoRouter());
  const request = openPost(edge);
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  request.write(`{"x":"${'a'.repeat(900_000)}`);
  request.write('a'.repeat(200_000));
  const [response] = await answered;
  expect(response.statusCode).toBe(413);
  const body = (await response.toArray()).join('');
  expect(JSON.parse(body)).toMatchObject({
    error: { message: expect.stringContaining('1000000') },
  });
  request.destroy();
});

test.each([
  ['{"a": nonsense', 'Parse error'],
  ['[{"jsonrpc"', 'Batches are not supported'],
])('a body that begins with %s is refused while it streams in', async (text, message) => {
  const edge = await startEdge(new EchoRouter());
  const request = openPost(edge, { 'content-length': '900000' });
  request.write(text);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(400);
  expect((await response.toArray()).join('')).toContain(message);
  request.destroy();
});

test('a connection is used again after a body that is no message', async () => {
  const edge = await startEdge(new EchoRouter());
  const { host, port } = new URL(edge.url);
  const socket = connectSocket(Number(port), '127.0.0.1');
  const head = Object.entries({ host, ...HEADERS, 'content-length': 8 });
  const lines = head.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  for (let i = 0; i < 2; i++) {
    socket.write(`POST /mcp HTTP/1.1\r\n${lines}\r\nnonsense`);
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(chunk.toString()).toMatch(/^HTTP\/1\.1 400 [^]*Parse error/);
  }
  socket.destroy();
});

test('a client that reads only after writing its whole body still gets the refusal', async () => {
  const edge = await startEdge(new EchoRouter());
  const { host, port } = new URL(edge.url);
  const socket = connectSocket(Number(port), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString())).pause();
  const size = 20_000_000;
  const head = Object.entries({ host, ...HEADERS, 'content-length': size });
  const lines = head.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(`POST /mcp HTTP/1.1\r\n${lines}\r\n`);
  await new Promise((resolve) => socket.write(Buffer.alloc(size, ' '), resolve));
  socket.resume();
  await once(socket, 'end');
  expect(text).toMatch(/^HTTP\/1\.1 413 [^]*Body too large/);
});

test('a body of exactly the cap is taken', async () => {
  const edge = await startEdge(new EchoRouter());
  const session = await openSession(edge);
  const empty = callTool('echo', '1', ',"x":""').length;
  const body = callTool('echo', '1', `,"x":"${'a'.repeat(1_000_000 - empty)}"`);
  expect((await post(edge, session, body)).status).toBe(200);
  expect((await post(edge, session, `${body} `)).status).toBe(413);
});

test('a client cannot initialize twice in one session, nor with an Accept of neither form', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const session = await openSession(edge);
  expect((await post(edge, session, INITIALIZE)).status).toBe(400);
  const headers = { 'content-type': 'application/json', accept: 'text/html, */*;q=0' };
  const plain = await fetch(edge.url, { method: 'POST', headers, body: INITIALIZE });
  expect(plain.status).toBe(406);
  expect(router.clients).toHaveLength(1);
  expect(router.sessions).toBe(1);
});
