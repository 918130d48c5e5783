/** How sessions, connections and the listener end. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type HttpOptions, startHttp } from '#src/main/clients/http/listener.ts';
import { EchoRouter } from '../../../support/echo-router.ts';
import {
  callTool,
  HEADERS,
  onTidy,
  openPost,
  startEdge,
  tidyEdges,
} from '../../../support/http-edge.ts';
import { until } from '../../../support/wait-for.ts';
import { openSession, payloads, post, received } from './plain-requests.ts';

afterEach(tidyEdges);

test('a session that is deleted is unknown from then on', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const session = await openSession(edge);
  const headers = { 'mcp-session-id': session };
  expect((await fetch(edge.url, { method: 'DELETE', headers })).status).toBe(200);
  expect(router.clients[0]?.closedBecause).toBe('the client ended the session');
  expect(router.sessions).toBe(0);
  expect((await fetch(edge.url, { method: 'DELETE', headers })).status).toBe(404);
});

test('clients that vanish in the middle disturb nobody', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const session = await openSession(edge);
  // While its body is under way.
  const half = openPost(edge);
  half.write('{"jsonrpc":');
  await once(half, 'socket').then(([socket]) => socket.connecting && once(socket, 'connect'));
  half.destroy();
  // While it waits for an answer, which is then sent to nobody.
  const leave = new AbortController();
  const arrived = received(router, '"never"');
  const call = await fetch(edge.url, {
    method: 'POST',
    headers: { ...HEADERS, 'mcp-session-id': session },
    body: callTool('never', '9'),
    signal: leave.signal,
  });
  await arrived;
  leave.abort();
  await call.text().catch(() => {});
  const { port } = router.clients[0] ?? {};
  const big = Buffer.alloc(1_000_000, 'x');
  for (let i = 0; i < 20; i++) {
    port?.send(
      [Buffer.from('{"method":"notifications/progress","x":"'), big, Buffer.from('"}')],
      '9',
    );
  }
  port?.answer([Buffer.from('{"id":9,"result":{}}')], '9');
  expect(await payloads(await post(edge, session, callTool('echo', '9')))).toHaveLength(1);
});

test('a client that stops reading is cut off and may come back', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { slowClientMs: 300 });
  const session = await openSession(edge);
  const headers = { accept: 'text/event-stream', 'mcp-session-id': session };
  const request = httpRequest(edge.url, { headers });
  request.end();
  const [stream] = (await once(request, 'response')) as [IncomingMessage];
  const cut = new Promise((resolve) => stream.on('close', resolve));
  stream.on('error', () => {});
  const megabyte = Buffer.alloc(1_000_000, 'x');
  for (let i = 0; i < 100; i++) {
    await setImmediate();
    const parts = [Buffer.from(`{"method":"notifications/m","n":${i},"x":"`), megabyte];
    router.clients[0]?.port.send([...parts, Buffer.from('"}')], null);
  }
  expect(router.clients[0]?.port.needsDrain).toBe(true);
  await until(() => router.clients[0]?.port.needsDrain === false, {
    limitMs: 20_000,
    what: 'the stream to be closed',
  });
  stream.resume();
  await cut;
  const next = Buffer.from('{"method":"notifications/m","n":100,"x":""}');
  router.clients[0]?.port.send([next], null);
  const again = await fetch(edge.url, { headers });
  expect(again.status).toBe(200);
  await fetch(edge.url, { method: 'DELETE', headers });
  expect(await payloads(again)).toEqual([expect.stringContaining('"n":100,')]);
});

test('a session that nobody uses ends, one with an open stream stays', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { idleMs: 400 });
  await openSession(edge);
  const kept = await openSession(edge);
  await fetch(edge.url, { headers: { accept: 'text/event-stream', 'mcp-session-id': kept } });
  const ended = new Promise<void>((resolve) => {
    router.onClosed = () => resolve();
  });
  if (router.clients[0]?.closedBecause === null) await ended;
  expect(router.clients.map((client) => client.closedBecause)).toEqual(['idle for too long', null]);
  expect(router.sessions).toBe(1);
});

test('closing ends all sessions and streams and frees the port', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const session = await openSession(edge);
  const stream = await fetch(edge.url, {
    headers: { accept: 'text/event-stream', 'mcp-session-id': session },
  });
  const call = await post(edge, session, callTool('never', '1'));
  await edge.close();
  expect(await payloads(stream)).toEqual([]);
  expect(await payloads(call)).toEqual([]);
  expect(router.clients[0]?.closedBecause).toBe('the gateway is stopping');
  const port = Number(new URL(edge.url).port);
  await startEdge(new EchoRouter(), { port });
});

test('a port in use and an address that is not loopback are one clear line', async () => {
  const edge = await startEdge(new EchoRouter());
  const port = Number(new URL(edge.url).port);
  const again = await startHttp({ ...baseOptions(), port });
  expect(again).toEqual({
    ok: false,
    message: expect.stringMatching(
      /^cannot listen on 127\.0\.0\.1:\d+: the port is in use; .*--http/,
    ),
  });
  const open = await startHttp({ ...baseOptions(), host: '0.0.0.0' });
  expect(open).toEqual({
    ok: false,
    message: expect.stringMatching(/^cannot listen on 0\.0\.0\.0:0: .*--token-file/),
  });
});

function baseOptions(): HttpOptions {
  const log = { debug: () => {}, warn: () => {}, error: () => {} };
  const credit = { addUnits: () => {} };
  const { open } = new EchoRouter();
  return { host: '127.0.0.1', port: 0, open, maxBodyBytes: 1000, credit, log };
}

test('a connection beyond the limit is closed, and those that are open go on', async () => {
  const edge = await startEdge(new EchoRouter(), { maxConnections: 2 });
  const { hostname, port } = new URL(edge.url);
  const open = async () => {
    const socket = connectSocket(Number(port), hostname);
    socket.on('error', () => {});
    onTidy(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  const [first] = [await open(), await open()];
  const third = await open();
  third.resume();
  await once(third, 'close');
  const answer = once(first, 'data');
  first.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect(String((await answer)[0])).toContain('200 OK');
});
