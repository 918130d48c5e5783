/** When an answer over HTTP is the whole response, and when it comes on a stream of events. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { EchoRouter } from '../../../support/echo-router.ts';
import {
  callTool,
  HEADERS,
  HttpClient,
  openPost,
  startEdge,
  tidyEdges,
} from '../../../support/http-edge.ts';
import { until } from '../../../support/wait-for.ts';

afterEach(tidyEdges);

const JSON_TYPE = 'application/json';
const STREAM_TYPE = 'text/event-stream';
/** Long enough that no answer of these tests is late by itself. */
const PATIENT = { promptMs: 60_000, closeMs: 60_000 };
const version = { 'mcp-protocol-version': '2025-11-25' };
const typeOf = ({ headers }: Response) => headers.get('content-type');
const SOON = { limitMs: 10_000 };

/** A client whose headers the transport has seen. */
async function knownClient(
  router: EchoRouter,
  options: Parameters<typeof startEdge>[1] = PATIENT,
  revision = '2025-11-25',
): Promise<HttpClient> {
  const client = await HttpClient.open(await startEdge(router, options), { version: revision });
  const hello = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
  expect((await client.post(hello)).status).toBe(202);
  return client;
}

/** Resolves once a message with this text has reached the router. */
function arrived(router: EchoRouter, text: string): Promise<unknown> {
  const has = () => router.clients.at(-1)?.received.some((line) => line.includes(text));
  return until(has, { ...SOON, what: text });
}

/** Calls one after the other on one connection, none waiting for the answer to the one before. */
async function pipeline(
  client: HttpClient,
  ids: readonly string[],
  first = 'echo',
  others = first,
): Promise<Socket> {
  const { hostname, port } = new URL(client.edge.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const headers = { ...HEADERS, ...version, 'mcp-session-id': client.session, host: 'localhost' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  for (const [at, id] of ids.entries()) {
    const body = callTool(at === 0 ? first : others, id);
    const length = `content-length: ${body.length}\r\n`;
    socket.write(`POST /mcp HTTP/1.1\r\n${lines.join('')}${length}\r\n${body}`);
  }
  return socket;
}

function answerTo(id: string, text = 'late'): Uint8Array[] {
  return [Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{"text":"${text}"}}`)];
}

test('an answer that comes at once is the whole response, with its own bytes', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router);
  const response = await client.post(callTool('echo', '18446744073709551615'));
  expect(response.status).toBe(200);
  expect(typeOf(response)).toBe(JSON_TYPE);
  expect(response.headers.get('mcp-session-id')).toBe(client.session);
  const text = await response.text();
  expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
  expect(text).toMatch(/^\{"jsonrpc":"2.0","result":\{.*\},"id":18446744073709551615\}$/);
  // Further notifications are not put before the transport either.
  const hello = await client.post('{"jsonrpc":"2.0","method":"notifications/other"}');
  expect([hello.status, await hello.text()]).toEqual([202, '']);
  expect(router.clients[0]?.received.at(-1)).toContain('notifications/other');
});

test('an answer of the largest size is JSON, a byte more is for a stream', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router);
  const bytesOf = (text: string) => Buffer.concat(answerTo('1', text)).length;
  const fits = 'x'.repeat(64 * 1024 - bytesOf(''));
  for (const [text, type] of [
    [fits, JSON_TYPE],
    [`${fits}x`, STREAM_TYPE],
  ] as const) {
    const call = client.post(callTool('never', '1'));
    await arrived(router, '"never"');
    router.clients[0]?.received.pop();
    router.clients[0]?.port.answer(answerTo('1', text), '1');
    const response = await call;
    expect(typeOf(response)).toBe(type);
    expect(await response.text()).toContain(text);
  }
});

test('a large answer comes on a stream, where it can be resumed', async () => {
  const client = await knownClient(new EchoRouter());
  const response = await client.post(callTool('big', '1'));
  expect(typeOf(response)).toBe(STREAM_TYPE);
  expect((await response.text()).match(/^id: /gm)).toHaveLength(2);
});

test('a late answer comes on a stream, once', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router, { promptMs: 1 });
  const call = await client.call(callTool('never', '"a"'));
  expect(typeOf(call.response)).toBe(STREAM_TYPE);
  router.clients[0]?.port.answer(answerTo('"a"'), '"a"');
  const data = (await call.rest()).map((event) => event.data).filter((text) => text?.trim() !== '');
  expect(data).toEqual(['{"jsonrpc":"2.0","id":"a","result":{"text":"late"}}']);
});

test('what comes before the answer comes first, on a stream', async () => {
  const client = await knownClient(new EchoRouter());
  const meta = ',"_meta":{"progressToken":7}';
  const call = await client.call(callTool('progress', '2', meta));
  expect(typeOf(call.response)).toBe(STREAM_TYPE);
  const messages = (await call.rest()).map(({ data }) => data ?? '').filter((text) => text !== '');
  const steps = messages.map((text) => JSON.parse(text).params?.progress ?? 'answer');
  expect(steps).toEqual([1, 2, 3, 'answer']);
});

test('a call that gets no answer ends with an empty stream', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router);
  const call = client.call(callTool('never', '3'));
  await arrived(router, '"never"');
  const cancel = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}';
  expect((await client.post(cancel)).status).toBe(202);
  const reader = await call;
  expect(typeOf(reader.response)).toBe(STREAM_TYPE);
  expect((await reader.rest()).every(({ data }) => (data ?? '').trim() === '')).toBe(true);
  // Its id is free again.
  expect((await client.post(callTool('echo', '3'))).status).toBe(200);
});

test('headers that the transport has not accepted in this session are put before it', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router);
  const received = () => router.clients[0]?.received.length;
  const before = received();
  const post = (headers: Record<string, string>, body = callTool('echo', '4')) =>
    fetch(client.edge.url, {
      method: 'POST',
      headers: { ...HEADERS, 'mcp-session-id': client.session, ...headers },
      body,
    });
  expect((await post({ accept: 'text/html' })).status).toBe(406);
  expect((await post({ 'content-type': 'text/plain' })).status).toBe(415);
  expect((await post({ 'mcp-protocol-version': 'never' })).status).toBe(400);
  expect(received()).toBe(before);
  expect((await post({ 'mcp-protocol-version': 'undefined' })).status).toBe(400);
  // Nor is anything obeyed that needs no answer.
  const silent = [
    '{"jsonrpc":"2.0","method":"notifications/other"}',
    '{"jsonrpc":"2.0","id":1,"result":{}}',
  ];
  for (const line of silent) {
    const send = async (headers: Record<string, string>) => (await post(headers, line)).status;
    expect(await send({ accept: 'text/html' })).toBe(406);
    expect(await send({ 'content-type': 'text/plain' })).toBe(415);
    expect(await send({ 'mcp-protocol-version': 'never' })).toBe(400);
  }
  expect(received()).toBe(before);
  const other = { 'mcp-protocol-version': '2025-06-18' };
  for (const type of [STREAM_TYPE, JSON_TYPE]) expect(typeOf(await post(other))).toBe(type);
  // Those that were accepted before still are.
  expect(typeOf(await client.post(callTool('echo', '4')))).toBe(JSON_TYPE);
  // `initialize` always is, and a second one is refused.
  const again = callTool('x', '5').replace('tools/call', 'initialize');
  expect((await client.post(again)).status).not.toBe(200);
});

test('a call that the router has when its session ends is not said to have been seen by nobody', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router);
  const call = client.post(callTool('never', '6'));
  await arrived(router, '"never"');
  await client.delete();
  const response = await call;
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    id: 6,
    result: { _meta: { 'rea/error': { code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown' } } },
  });
  expect((await client.post(callTool('echo', '7'))).status).toBe(404);
});

test('an answer that is there when the session ends is given', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router);
  const call = client.post(callTool('never', '6'));
  await arrived(router, '"never"');
  const { port } = router.clients[0] ?? {};
  // The first makes it a stream, for which the session is there no longer.
  port?.send([Buffer.from('{"method":"notifications/progress","jsonrpc":"2.0"}')], '6');
  port?.answer(answerTo('6'), '6');
  await client.edge.close();
  expect(await (await call).json()).toEqual({ jsonrpc: '2.0', id: 6, result: { text: 'late' } });
});

test('an id that is waited for cannot be used a second time, and can afterwards', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router);
  const call = client.post(callTool('never', '6'));
  await arrived(router, '"never"');
  expect((await client.post(callTool('echo', '6'))).status).toBe(400);
  router.clients[0]?.port.answer(answerTo('6'), '6');
  expect(await (await call).text()).toContain('late');
  expect((await client.post(callTool('echo', '6'))).status).toBe(200);
});

test('requests that follow each other on one connection are answered in order', async () => {
  const client = await knownClient(new EchoRouter());
  const socket = await pipeline(client, ['1', '2', '3', '1']);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const ids = () => [...text.matchAll(/"id":(\d)\}/g)].map(([, id]) => id);
  await until(() => ids().length === 4, { ...SOON, what: 'all answers' });
  expect(ids()).toEqual(['1', '2', '3', '1']);
  socket.destroy();
});

test('answers that wait behind another one end with their connection', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router, { promptMs: 1, idleMs: 300 });
  const before = client.edge.connections();
  const socket = await pipeline(client, ['"a"', '"b"', '"c"'], 'never', 'echo');
  await until(() => router.clients[0]?.received.some((line) => line.includes('"c"')), {
    ...SOON,
    what: 'the last of them',
  });
  socket.destroy();
  // The first is still at the server; its answer is the last that the session waits for.
  await until(() => client.edge.connections() === before, { ...SOON, what: 'its leave' });
  router.clients[0]?.port.answer(answerTo('"a"'), '"a"');
  await until(() => router.sessions === 0, { ...SOON, what: 'the end of the session' });
  expect(router.clients[0]?.closedBecause).toBe('idle for too long');
});

test.each(['2025-03-26', '2025-06-18', '2025-11-25'])(
  'a client of revision %s that leaves before its answer disturbs nobody',
  async (revision) => {
    const router = new EchoRouter();
    const client = await knownClient(router, { promptMs: 50, idleMs: 300 }, revision);
    const request = openPost(client.edge, {
      'mcp-session-id': client.session,
      'mcp-protocol-version': revision,
    });
    request.end(callTool('never', '8'));
    await arrived(router, '"never"');
    request.destroy();
    // Calls of others go on while its time runs out.
    for (let calls = 0; calls < 20; calls += 1) {
      expect((await client.post(callTool('echo', '9'))).status).toBe(200);
    }
    const { port } = router.clients[0] ?? {};
    port?.send([Buffer.from('{"method":"notifications/progress","jsonrpc":"2.0"}')], '8');
    port?.answer(answerTo('8'), '8');
    await until(() => router.sessions === 0, { ...SOON, what: 'the end of the session' });
  },
);

test('a stop waits for an answer that is being read', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router, { ...PATIENT, promptBytes: 100_000_000 });
  const headers = { ...HEADERS, ...version, 'mcp-session-id': client.session };
  const request = httpRequest(client.edge.url, { method: 'POST', headers });
  request.on('error', () => {}).end(callTool('never', '9'));
  await arrived(router, '"never"');
  router.clients[0]?.port.answer(answerTo('9', 'x'.repeat(20_000_000)), '9');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const closed = client.edge.close();
  await until(() => router.clients[0]?.closedBecause, { ...SOON, what: 'the stop' });
  let bytes = 0;
  for await (const chunk of response) bytes += (chunk as Buffer).length;
  expect(bytes).toBeGreaterThan(20_000_000);
  await closed;
});

test('an answer for a client that has left goes nowhere, and its session is idle', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router, { ...PATIENT, idleMs: 400 });
  const before = client.edge.connections();
  const request = openPost(client.edge, { 'mcp-session-id': client.session, ...version });
  request.end(callTool('never', '8'));
  await arrived(router, '"never"');
  request.destroy();
  await until(() => client.edge.connections() === before, { ...SOON, what: 'its leave' });
  router.clients[0]?.port.answer(answerTo('8'), '8');
  expect((await client.post(callTool('echo', '8'))).status).toBe(200);
  await until(() => router.sessions === 0, { ...SOON, what: 'the end of the session' });
});

test('a client that does not read such an answer needs a drain, and is cut off in the end', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router, {
    ...PATIENT,
    promptBytes: 100_000_000,
    slowClientMs: 300,
  });
  const headers = { ...HEADERS, ...version, 'mcp-session-id': client.session };
  const request = httpRequest(client.edge.url, { method: 'POST', headers });
  request.on('error', () => {}).end(callTool('never', '9'));
  await arrived(router, '"never"');
  const { port } = router.clients[0] ?? {};
  port?.answer(answerTo('9', 'x'.repeat(60_000_000)), '9');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect(response.headers['content-type']).toBe(JSON_TYPE);
  const cut = new Promise((resolve) => response.on('close', resolve));
  response.on('error', () => {});
  await until(() => port?.needsDrain === true, { ...SOON, what: 'the need of a drain' });
  await until(() => port?.needsDrain === false, { ...SOON, what: 'being cut off' });
  response.resume();
  await cut;
  expect(response.complete).toBe(false);
});
