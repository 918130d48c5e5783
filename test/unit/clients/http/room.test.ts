/** A full table of sessions: who gets in, who makes room, and what the one that went is told. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { EchoRouter } from '../../../support/echo-router.ts';
import {
  callTool,
  type Edge,
  HEADERS,
  HttpClient,
  initializeWith,
  openPost,
  startEdge,
  tidyEdges,
} from '../../../support/http-edge.ts';

afterEach(tidyEdges);

const LIST = '{"jsonrpc":"2.0","id":"list","method":"tools/list"}';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const initialize = (edge: Edge, headers: Record<string, string> = {}) =>
  fetch(edge.url, {
    method: 'POST',
    headers: { ...HEADERS, ...headers },
    body: initializeWith('2025-11-25'),
  });
/** Where each of them stands for the edge: 404 for one that has to begin anew. */
const pings = async (...clients: readonly HttpClient[]) => {
  const ping = '{"jsonrpc":"2.0","id":"still there?","method":"ping"}';
  const statuses: number[] = [];
  for (const client of clients) {
    const response = await client.post(ping);
    await response.text();
    statuses.push(response.status);
  }
  return statuses;
};

test('a client that only looked goes at once, before one that works and one that listens', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { maxSessions: 3 });
  const works = await HttpClient.open(edge);
  await (await works.post(callTool('echo', '1'))).text();
  const listens = await HttpClient.open(edge);
  await (await listens.post(callTool('echo', '1'))).text();
  const stream = await listens.listen();
  const looks = await HttpClient.open(edge);
  await (await looks.post(LIST)).text();

  const next = await HttpClient.open(edge);
  expect(router.clients.map(({ closedBecause }) => closedBecause)).toEqual([
    null,
    null,
    'another client came and there were too many sessions',
    null,
  ]);
  expect(await pings(looks, works, listens, next)).toEqual([404, 200, 200, 200]);
  expect(await (await looks.post(LIST)).json()).toMatchObject({ error: { code: -32001 } });
  // It begins anew, as it is told to.
  const again = await HttpClient.open(edge);
  expect(await pings(again, next, works)).toEqual([200, 404, 200]);
  expect(router.sessions).toBe(3);
  await stream.leave();
});

test('a call in flight is never lost: with one in each session the next client is told to wait', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { maxSessions: 2 });
  const busy = [await HttpClient.open(edge), await HttpClient.open(edge)];
  for (const client of busy) await client.call(callTool('never', '1'));
  const refused = await initialize(edge);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '60']);
  expect(await refused.text()).toContain('call in flight');
  expect(await pings(...busy)).toEqual([200, 200]);
  // As soon as one of them has its answer there is room.
  const [first] = router.clients;
  first?.port.answer([Buffer.from('{"jsonrpc":"2.0","id":1,"result":{}}')], '1');
  expect((await initialize(edge)).status).toBe(200);
  expect(router.clients.map(({ closedBecause }) => closedBecause !== null)).toEqual([
    true,
    false,
    false,
  ]);
});

test('a task that runs keeps its session as a call does', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { maxSessions: 1 });
  const client = await HttpClient.open(edge);
  await (await client.post(callTool('echo', '1'))).text();
  const [known] = router.clients;
  if (known !== undefined) known.busy = true;
  expect((await initialize(edge)).status).toBe(503);
  if (known !== undefined) known.busy = false;
  expect((await initialize(edge)).status).toBe(200);
  expect(await pings(client)).toEqual([404]);
});

test('streams that are merely held open keep nobody out', async () => {
  const edge = await startEdge(new EchoRouter(), { maxSessions: 4 });
  const held = await Promise.all(Array.from({ length: 4 }, () => HttpClient.open(edge)));
  for (const client of held) {
    await (await client.post(callTool('echo', '1'))).text();
    await client.listen();
  }
  for (let i = 0; i < 8; i++) expect((await initialize(edge)).status).toBe(200);
});

test('a client that is not accepted makes nobody leave', async () => {
  const edge = await startEdge(new EchoRouter(), { maxSessions: 1 });
  const client = await HttpClient.open(edge);
  const refused = await initialize(edge, { accept: 'text/html' });
  expect(refused.status).toBe(406);
  expect(await pings(client)).toEqual([200]);
});

test('a session that went while a request for it arrived is not found, and nothing is carried out', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { maxSessions: 1 });
  const client = await HttpClient.open(edge);
  await (await client.post(callTool('echo', '1'))).text();
  const received = router.clients[0]?.received.length;
  const body = callTool('echo', '2');
  const request = openPost(edge, {
    'mcp-session-id': client.session,
    'content-length': body.length,
  });
  await new Promise<void>((resolve) => request.write(body.slice(0, 10), () => resolve()));
  expect((await initialize(edge)).status).toBe(200);
  request.end(body.slice(10));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(404);
  expect(router.clients[0]?.received.length).toBe(received);
});

test('whoever opens many sessions pushes out only their own', async () => {
  const [ONE, TWO] = ['one-0123456789abcdef', 'two-0123456789abcdef'];
  const router = new EchoRouter();
  const edge = await startEdge(router, { maxSessions: 4, tokens: [ONE, TWO] });
  // It has not called yet, and is older than all others.
  const quiet = await HttpClient.open(edge, { headers: bearer(ONE) });
  for (let i = 0; i < 20; i++) {
    const one = await HttpClient.open(edge, { headers: bearer(TWO) });
    await (await one.post(callTool('echo', '1'))).text();
  }
  expect(await pings(quiet)).toEqual([200]);
  // The other one's share is as large as theirs.
  const more = await HttpClient.open(edge, { headers: bearer(ONE) });
  expect(await pings(quiet, more)).toEqual([200, 200]);
  expect((await initialize(edge, bearer(TWO))).status).toBe(200);
  expect(await pings(quiet, more)).toEqual([200, 200]);
  expect((await initialize(edge, bearer(ONE))).status).toBe(200);
  expect(await pings(quiet, more)).toEqual([404, 200]);
  expect(router.sessions).toBe(4);
});
