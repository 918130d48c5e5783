/** What a client says that it takes, and in which form it gets its answers. */
import { afterEach, expect, test } from 'vitest';
import { acceptsOf } from '#src/main/clients/http/accept.ts';
import { EchoRouter } from '../../../support/echo-router.ts';
import {
  callTool,
  type Edge,
  HttpClient,
  initializeWith,
  rawPost,
  startEdge,
  tidyEdges,
} from '../../../support/http-edge.ts';
import { until } from '../../../support/wait-for.ts';

afterEach(tidyEdges);

const VERSION = '2025-11-25';
const SOON = { limitMs: 10_000 };

test.each([
  [undefined, true, true],
  ['', true, true],
  ['*/*', true, true],
  ['application/json', true, false],
  ['APPLICATION/JSON; charset=utf-8', true, false],
  ['application/*', true, false],
  ['text/event-stream', false, true],
  ['text/*;q=0.5', false, true],
  ['application/json, text/event-stream', true, true],
  ['text/html, */*;q=0.8', true, true],
  ['application/json, text/event-stream;q=0', true, false],
  ['application/json;q=0.0, text/event-stream', false, true],
  ['text/html', false, false],
  ['application/jsonp', false, false],
  ['x-text/event-stream', false, false],
])('Accept %s takes JSON: %s, a stream: %s', (header, json, stream) => {
  expect(acceptsOf(header)).toEqual({ json, stream });
});

/** A session of a client that sends this with every request; null: no Accept at all. */
async function openWith(edge: Edge, accept: string | null) {
  const own = accept === null ? {} : { accept };
  const first = await rawPost(edge.url, own, initializeWith(VERSION));
  const session = String(first.headers['mcp-session-id'] ?? '');
  const headers = { ...own, 'mcp-session-id': session, 'mcp-protocol-version': VERSION };
  return { first, post: (body: string) => rawPost(edge.url, headers, body), session };
}

test.each([[null], ['*/*'], ['application/json, */*;q=0.1']])(
  'a client with Accept %s is served as one that takes both',
  async (accept) => {
    const router = new EchoRouter();
    const edge = await startEdge(router);
    const { first, post } = await openWith(edge, accept);
    expect([first.status, first.text]).toEqual([200, expect.stringContaining('"id":"first"')]);
    expect((await post('{"jsonrpc":"2.0","method":"notifications/initialized"}')).status).toBe(202);
    const answer = await post(callTool('progress', '2', ',"_meta":{"progressToken":7}'));
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(answer.text).toContain('"progress":3');
    expect(answer.text).toContain('"id":2');
  },
);

test('a client that takes JSON alone gets each answer as JSON, also a late and a large one', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { promptMs: 1, promptBytes: 10 });
  const { first, post } = await openWith(edge, 'application/json');
  expect([first.status, first.headers['content-type']]).toEqual([200, 'application/json']);
  expect(JSON.parse(first.text)).toMatchObject({
    id: 'first',
    result: { protocolVersion: VERSION },
  });
  const answers = await Promise.all(['"a"', '"b"'].map((id) => post(callTool('big', id))));
  for (const { status, headers, text } of answers) {
    expect([status, headers['content-type']]).toEqual([200, 'application/json']);
    expect(text.length).toBeGreaterThan(1_000_000);
  }
  const late = post(callTool('never', '3'));
  const asked = () => router.clients[0]?.received.some((line) => line.includes('"never"'));
  await until(asked, { ...SOON, what: 'the call' });
  router.clients[0]?.port.answer(
    [Buffer.from('{"jsonrpc":"2.0","id":3,"result":{"late":true}}')],
    '3',
  );
  expect(JSON.parse((await late).text)).toEqual({ jsonrpc: '2.0', id: 3, result: { late: true } });
});

test('what comes before such an answer goes to the stream that the client has besides', async () => {
  const edge = await startEdge(new EchoRouter());
  const { post, session } = await openWith(edge, 'application/json');
  const client = new HttpClient(edge, session, { 'mcp-protocol-version': VERSION });
  const stream = await client.listen();
  const answer = await post(callTool('progress', '2', ',"_meta":{"progressToken":7}'));
  expect(JSON.parse(answer.text)).toMatchObject({ id: 2 });
  const steps: number[] = [];
  while (steps.length < 3) {
    const event = await stream.next();
    if (event === null) break;
    if (event.data !== null && event.data.includes('progress')) {
      steps.push(JSON.parse(event.data).params.progress);
    }
  }
  expect(steps).toEqual([1, 2, 3]);
});

test('such a request that is cancelled, or whose session ends, is answered all the same', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const { post, session } = await openWith(edge, 'application/json');
  const arrived = (id: string) =>
    until(() => router.clients[0]?.received.some((line) => line.includes(`"id":${id}`)), {
      ...SOON,
      what: id,
    });
  const cancelled = post(callTool('never', '5'));
  await arrived('5');
  await post('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}');
  expect([(await cancelled).status, (await cancelled).text]).toEqual([202, '']);
  const lost = post(callTool('never', '6'));
  await arrived('6');
  await new HttpClient(edge, session, { 'mcp-protocol-version': VERSION }).delete();
  expect(JSON.parse((await lost).text)).toMatchObject({
    id: 6,
    result: { _meta: { 'rea/error': { code: 'ERR_OUTCOME_UNKNOWN' } } },
  });
});

test('headers of a client that takes JSON alone are judged all the same', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const { session } = await openWith(edge, 'application/json');
  const before = router.clients[0]?.received.length;
  const headers = { accept: 'application/json', 'mcp-session-id': session };
  const bad = { ...headers, 'mcp-protocol-version': '1999-01-01' };
  expect((await rawPost(edge.url, bad, callTool('echo', '1'))).status).toBe(400);
  const typed = { ...headers, 'content-type': 'text/plain' };
  expect((await rawPost(edge.url, typed, callTool('echo', '1'))).status).toBe(415);
  expect(router.clients[0]?.received.length).toBe(before);
  expect((await rawPost(edge.url, headers, callTool('echo', '1'))).status).toBe(200);
});

test('a client that takes a stream alone gets one', async () => {
  const edge = await startEdge(new EchoRouter());
  const { post } = await openWith(edge, 'text/event-stream');
  for (const id of ['1', '2']) {
    const answer = await post(callTool('echo', id));
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(answer.text).toContain(`"id":${id}`);
  }
});
