/** Messages between a client over HTTP and the router, byte for byte. */
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, expect, test } from 'vitest';
import { bigResult, EchoRouter } from '../../../support/echo-router.ts';
import { callTool, startEdge, tidyEdges } from '../../../support/http-edge.ts';
import { connect, openSession, payloads, post, received } from './plain-requests.ts';

afterEach(tidyEdges);

test('an SDK client initializes, lists tools and calls one', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const client = await connect(edge);
  expect(client.getServerVersion()).toEqual({ name: 'echo', version: '1' });
  expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(['echo']);
  const result = await client.callTool({ name: 'echo', arguments: { a: 1 } });
  expect(JSON.stringify(result)).toContain('{\\"name\\":\\"echo\\",\\"arguments\\":{\\"a\\":1}}');
  expect(router.sessions).toBe(1);
});

test('an SDK client gets its progress before the answer', async () => {
  const client = await connect(await startEdge(new EchoRouter()));
  const steps: number[] = [];
  await client.callTool({ name: 'progress' }, undefined, {
    onprogress: (progress) => steps.push(progress.progress),
  });
  expect(steps).toEqual([1, 2, 3]);
});

test('a result of 1 MB with integers above 2^53 arrives byte for byte', async () => {
  const edge = await startEdge(new EchoRouter());
  const session = await openSession(edge);
  const messages = await payloads(await post(edge, session, callTool('big', '7')));
  expect(messages).toHaveLength(1);
  expect(messages[0] === `{"jsonrpc":"2.0","result":${bigResult()},"id":7}`).toBe(true);
});

test('ids come back as they were written', async () => {
  const edge = await startEdge(new EchoRouter());
  const session = await openSession(edge);
  for (const id of ['0', '-1', '18446744073709551615', '"x"', '"5"', '5', '"\\u0041\\n"', '""']) {
    const [message] = await payloads(await post(edge, session, callTool('echo', id)));
    expect(message?.endsWith(`,"id":${id}}`), id).toBe(true);
  }
});

test('two clients with the same ids never get each other’s answers', async () => {
  const edge = await startEdge(new EchoRouter());
  const sessions = [await openSession(edge), await openSession(edge)];
  expect(sessions[0]).not.toBe(sessions[1]);
  const calls = Array.from({ length: 100 }, (_, i) => ({ who: i % 2, id: Math.floor(i / 2) }));
  const answers = await Promise.all(
    calls.map(async ({ who, id }) => {
      const body = callTool('echo', String(id), `,"arguments":{"who":${who},"id":${id}}`);
      return payloads(await post(edge, sessions[who] ?? '', body));
    }),
  );
  calls.forEach(({ who, id }, i) => {
    expect(answers[i]).toHaveLength(1);
    expect(answers[i]?.[0]).toContain(`{\\"who\\":${who},\\"id\\":${id}}`);
    expect(answers[i]?.[0]).toContain(`"id":${id}}`);
  });
});

test('a body may be formatted over several lines and reaches the router as one', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const session = await openSession(edge);
  const body = JSON.stringify(JSON.parse(callTool('echo', '1')), null, 2).replaceAll('\n', '\r\n');
  expect(await payloads(await post(edge, session, body))).toHaveLength(1);
  expect(router.clients[0]?.received.at(-1)).not.toMatch(/[\r\n]/);
});

test('a notification is accepted with 202 and reaches the router', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const session = await openSession(edge);
  const line = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
  expect((await post(edge, session, line)).status).toBe(202);
  expect(router.clients[0]?.received.at(-1)).toBe(line);
});

test('a cancelled call gets no answer and its stream ends', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const session = await openSession(edge);
  const arrived = received(router, '"never"');
  const call = await post(edge, session, callTool('never', '"c"'));
  await arrived;
  await post(
    edge,
    session,
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c"}}',
  );
  expect(await payloads(call)).toEqual([]);
  expect(await payloads(await post(edge, session, callTool('echo', '"c"')))).toHaveLength(1);
});

test('an id in flight cannot be used a second time', async () => {
  const edge = await startEdge(new EchoRouter());
  const session = await openSession(edge);
  await post(edge, session, callTool('never', '3'));
  const second = await post(edge, session, callTool('echo', '3'));
  expect(second.status).toBe(400);
  expect(await second.json()).toMatchObject({ error: { code: -32600 } });
  expect((await post(edge, session, callTool('echo', '"3"'))).status).toBe(200);
});

test('what the gateway sends by itself goes to the GET stream, also from before it was open', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const session = await openSession(edge);
  const notify = (n: number) =>
    router.clients[0]?.port.send(
      [Buffer.from(`{"jsonrpc":"2.0","method":"notifications/test","params":{"n":${n}}}`)],
      null,
    );
  notify(1);
  notify(2);
  const headers = { accept: 'text/event-stream', 'mcp-session-id': session };
  const stream = await fetch(edge.url, { headers });
  expect(stream.status).toBe(200);
  notify(3);
  await fetch(edge.url, { method: 'DELETE', headers });
  const got = await payloads(stream);
  expect(got.map((text) => JSON.parse(text).params.n)).toEqual([1, 2, 3]);
});

test('an SDK client hears of a changed tool list', async () => {
  const router = new EchoRouter();
  const client = await connect(await startEdge(router));
  const heard = new Promise<string>((resolve) => {
    client.setNotificationHandler(ToolListChangedNotificationSchema, ({ method }) =>
      resolve(method),
    );
  });
  const line = '{"method":"notifications/tools/list_changed","jsonrpc":"2.0"}';
  router.clients[0]?.port.send([Buffer.from(line)], null);
  expect(await heard).toBe('notifications/tools/list_changed');
});
