/** When an answer over HTTP is the whole response, and when it comes on a stream of events. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { EchoRouter } from '../../support/echo-router.ts';
import {
  callTool,
  HEADERS,
  HttpClient,
  openPost,
  startEdge,
  tidyEdges,
} from '../../support/http-edge.ts';
import { until } from '../../support/wait-for.ts';

afterEach(tidyEdges);

const JSON_TYPE = 'application/json';
const STREAM_TYPE = 'text/event-stream';
/** Long enough that no answer of these tests is late by itself. */
const PATIENT = { promptMs: 60_000 };
const typeOf = ({ headers }: Response) => headers.get('content-type');
const SOON = { limitMs: 10_000 };

/** A client whose headers the transport has seen. */
async function knownClient(
  router: EchoRouter,
  options: Parameters<typeof startEdge>[1] = PATIENT,
): Promise<HttpClient> {
  const client = await HttpClient.open(await startEdge(router, options));
  const hello = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
  expect((await client.post(hello)).status).toBe(202);
  return client;
}

/** Resolves once a message with this text has reached the router. */
function arrived(router: EchoRouter, text: string): Promise<unknown> {
  const has = () => router.clients.at(-1)?.received.some((line) => line.includes(text));
  return until(has, { ...SOON, what: text });
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
  router.clients[0]?.sink.send(answerTo('"a"'), '"a"');
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
  const post = (headers: Record<string, string>) =>
    fetch(client.edge.url, {
      method: 'POST',
      headers: { ...HEADERS, 'mcp-session-id': client.session, ...headers },
      body: callTool('echo', '4'),
    });
  expect((await post({ accept: JSON_TYPE })).status).toBe(406);
  expect((await post({ 'content-type': 'text/plain' })).status).toBe(415);
  expect((await post({ 'mcp-protocol-version': 'never' })).status).toBe(400);
  expect(received()).toBe(before);
  const other = await post({ 'mcp-protocol-version': '2025-06-18' });
  expect([other.status, typeOf(other)]).toEqual([200, STREAM_TYPE]);
  // `initialize` always is, and a second one is refused.
  const again = callTool('x', '5').replace('tools/call', 'initialize');
  expect((await client.post(again)).status).not.toBe(200);
});

test('a session that ends tells the calls whose answer was waited for', async () => {
  const router = new EchoRouter();
  const client = await knownClient(router);
  const call = client.post(callTool('never', '6'));
  await arrived(router, '"never"');
  await client.delete();
  expect((await call).status).toBe(404);
  expect((await client.post(callTool('echo', '7'))).status).toBe(404);
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
  router.clients[0]?.sink.send(answerTo('8'), '8');
  expect((await client.post(callTool('echo', '8'))).status).toBe(200);
  await until(() => client.edge.sessions() === 0, { ...SOON, what: 'the end of the session' });
});

test('a client that does not read such an answer is congested, and cut off in the end', async () => {
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
  const { sink } = router.clients[0] ?? {};
  sink?.send(answerTo('9', 'x'.repeat(60_000_000)), '9');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect(response.headers['content-type']).toBe(JSON_TYPE);
  const cut = new Promise((resolve) => response.on('close', resolve));
  response.on('error', () => {});
  await until(() => sink?.congested === true, { ...SOON, what: 'being congested' });
  await until(() => sink?.congested === false, { ...SOON, what: 'being cut off' });
  response.resume();
  await cut;
  expect(response.complete).toBe(false);
});

const version = { 'mcp-protocol-version': '2025-11-25' };
