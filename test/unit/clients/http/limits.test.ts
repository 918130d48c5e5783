/** What the HTTP edge allows a client, and what it does with one that stops, stalls or wants too much. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, expect, test } from 'vitest';
import { EchoRouter } from '../../../support/echo-router.ts';
import {
  callTool,
  HEADERS,
  HttpClient,
  initializeWith,
  onTidy,
  openPost,
  startEdge,
  tidyEdges,
} from '../../../support/http-edge.ts';
import { until } from '../../../support/wait-for.ts';

afterEach(tidyEdges);

test('several calls of one session go on at once, each on its own stream', async () => {
  const router = new EchoRouter();
  const client = await HttpClient.open(await startEdge(router));
  const ids = Array.from({ length: 20 }, (_, i) => i + 1);
  const calls = await Promise.all(ids.map((id) => client.call(callTool('never', `${id}`))));
  const own = await client.listen();
  const { port } = router.clients[0] ?? {};
  for (const id of ids.toReversed()) {
    port?.answer([Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{"of":${id}}}`)], `${id}`);
  }
  for (const [at, call] of calls.entries()) {
    const messages = (await call.rest()).filter(({ data }) => (data ?? '').trim() !== '');
    expect(messages.map(({ data }) => data)).toEqual([
      `{"jsonrpc":"2.0","id":${at + 1},"result":{"of":${at + 1}}}`,
    ]);
  }
  await own.leave();
});

test('requests over the limit in flight are answered with an error under their own id', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { maxInFlight: 2 });
  const client = await HttpClient.open(edge);
  const other = await HttpClient.open(edge);
  await client.call(callTool('never', '1'));
  await client.call(callTool('never', '"two"'));
  const received = router.clients[0]?.received.length;
  const refused = await client.post(callTool('echo', '"three"'));
  expect([refused.status, refused.headers.get('content-type')]).toEqual([200, 'application/json']);
  expect(await refused.json()).toMatchObject({
    id: 'three',
    result: {
      isError: true,
      _meta: { 'rea/error': { code: 'ERR_QUEUE_FULL', outcome: 'not_sent', retryable: true } },
    },
  });
  const list = await client.post('{"jsonrpc":"2.0","id":4,"method":"tools/list"}');
  expect(await list.json()).toMatchObject({
    id: 4,
    error: { code: -32000, data: { 'rea/error': { code: 'ERR_QUEUE_FULL' } } },
  });
  expect(router.clients[0]?.received.length).toBe(received);
  // Pings, cancellations and other sessions are not held up.
  const isAnswered = async (response: Promise<Response>) =>
    !(await (await response).text()).includes('rea/error');
  expect(await isAnswered(client.post('{"jsonrpc":"2.0","id":5,"method":"ping"}'))).toBe(true);
  expect(await isAnswered(other.post(callTool('echo', '3')))).toBe(true);
  await client.post(
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
  );
  expect(await isAnswered(client.post(callTool('echo', '6')))).toBe(true);
});

test('an SDK client over the limit gets the error as the result of its call', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { maxInFlight: 1 });
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(edge.url)));
  const arrived = new Promise<void>((resolve) => {
    router.onMessage = ({ received }) => received.at(-1)?.includes('"never"') && resolve();
  });
  const hanging = client.callTool({ name: 'never' }).catch(() => 'closed');
  await arrived;
  expect(await client.callTool({ name: 'echo' })).toMatchObject({ isError: true });
  await client.close();
  expect(await hanging).toBe('closed');
});

test('silent streams carry a comment from time to time', async () => {
  const client = await HttpClient.open(await startEdge(new EchoRouter(), { keepAliveMs: 20 }));
  const call = await client.call(callTool('never', '1'));
  expect((await call.next())?.id).not.toBeNull();
  const own = await client.listen();
  for (const stream of [call, own, call, own]) {
    expect((await stream.next())?.comment).not.toBeNull();
  }
  await call.leave();
  await own.leave();
});

test('a body that stops arriving is refused with 408', async () => {
  const edge = await startEdge(new EchoRouter(), { bodyIdleMs: 50 });
  const request = openPost(edge, { 'content-length': 1000 });
  request.write('{"jsonrpc":');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(408);
  expect(JSON.parse((await response.toArray()).join(''))).toMatchObject({ error: {}, id: null });
  request.destroy();
});

test('a stopping edge opens no session, says it is not ready, and serves those that are open', async () => {
  let word: 'ok' | 'starting' | 'stopping' = 'starting';
  const edge = await startEdge(new EchoRouter(), { ready: () => word });
  const said = async (path: string) => {
    const response = await fetch(new URL(path, edge.url));
    return `${response.status} ${await response.text()}`;
  };
  expect([await said('/healthz'), await said('/readyz')]).toEqual(['200 ok', '503 starting']);
  word = 'ok';
  expect(await said('/readyz')).toBe('200 ok');
  word = 'stopping';
  expect(await said('/readyz')).toBe('503 stopping');
  word = 'ok';
  const client = await HttpClient.open(edge);
  edge.stopAccepting();
  expect([await said('/healthz'), await said('/readyz')]).toEqual(['200 ok', '503 stopping']);
  const init = { method: 'POST', headers: HEADERS, body: initializeWith('2025-11-25') };
  expect((await fetch(edge.url, init)).status).toBe(503);
  expect(await (await client.post(callTool('echo', '1'))).text()).toContain('"id":1');
});

test('a client that never reads is cut off, and its session ends as any other', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { slowClientMs: 100, idleMs: 800 });
  const client = await HttpClient.open(edge);
  const request = httpRequest(edge.url, {
    method: 'POST',
    headers: { ...HEADERS, 'mcp-session-id': client.session },
  });
  const gone = new Promise((resolve) => request.on('close', resolve));
  request.on('error', () => {}).end(callTool('never', '1'));
  const [stream] = (await once(request, 'response')) as [IncomingMessage];
  stream.on('error', () => {});
  onTidy(() => void request.destroy());
  // More than the socket buffers of both sides take, in one message.
  const huge = Buffer.alloc(40_000_000, 'x');
  const parts = [Buffer.from('{"id":1,"result":"'), huge, Buffer.from('"}')];
  router.clients[0]?.port.answer(parts, '1');
  await until(() => router.sessions === 0, { limitMs: 10_000, what: 'the end of the session' });
  stream.resume();
  await gone;
  expect(stream.complete).toBe(false);
});

test('a session with a call in flight is not idle, one whose client has left for good is', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { idleMs: 800 });
  const client = await HttpClient.open(edge);
  const call = await client.call(callTool('never', '1'));
  const id = (await call.next())?.id ?? '';
  await call.leave();
  // A session opened later has come and gone meanwhile.
  await HttpClient.open(edge);
  await until(() => router.clients[1]?.closedBecause, { limitMs: 10_000, what: 'its end' });
  expect(router.clients[0]?.closedBecause).toBeNull();
  router.clients[0]?.port.answer([Buffer.from('{"jsonrpc":"2.0","id":1,"result":{}}')], '1');
  expect(await (await client.get(id)).text()).toContain('"result":{}');
  await until(() => router.sessions === 0, { limitMs: 10_000, what: 'the end of the session' });
});
