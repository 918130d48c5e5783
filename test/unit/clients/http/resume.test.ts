/** Streams that break and are resumed: nothing lost, nothing twice, nothing of anybody else. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { bigResult, EchoRouter } from '../../../support/echo-router.ts';
import {
  callTool,
  HttpClient,
  initializeWith,
  type SseEvent,
  startEdge,
  tidyEdges,
} from '../../../support/http-edge.ts';
import { until } from '../../../support/wait-for.ts';
import { sender } from './sender.ts';

afterEach(tidyEdges);

const idOf = (event: SseEvent | null) => event?.id ?? '';
const numbers = (events: readonly SseEvent[]) =>
  events.map(({ data }) => JSON.parse(data ?? '').params?.n ?? 'answer');

test('the answer of a call whose stream broke is fetched by resuming, byte for byte', async () => {
  const router = new EchoRouter();
  const client = await HttpClient.open(await startEdge(router));
  const call = await client.call(callTool('never', '5'));
  const first = await call.next();
  expect(first).toMatchObject({ id: expect.stringMatching(/^[\w-]{22}\.\d+$/), retry: '1000' });
  expect(first?.data?.trim() ?? '').toBe('');
  await call.leave();
  sender(router).answer('5', bigResult());
  const again = await client.listen(idOf(first));
  const events = await again.rest();
  expect(events).toHaveLength(1);
  expect(events[0]?.data === `{"jsonrpc":"2.0","id":5,"result":${bigResult()}}`).toBe(true);
  expect(router.clients[0]?.received.join()).not.toContain('cancelled');
});

test.each([
  ['2999-01-01', true],
  ['2025-11-25', true],
  ['2025-06-18', false],
])('a client that asks for revision %s gets an event to resume from: %s', async (version, gets) => {
  const edge = await startEdge(new EchoRouter());
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  const response = await fetch(edge.url, {
    method: 'POST',
    headers,
    body: initializeWith(version),
  });
  expect((await response.text()).startsWith('id: ')).toBe(gets);
});

test('a call goes on over broken streams: every message once and in order', async () => {
  const router = new EchoRouter();
  const client = await HttpClient.open(await startEdge(router));
  let reader = await client.call(callTool('never', '7'));
  let last = idOf(await reader.next());
  const { note, answer } = sender(router);
  let sent = 0;
  const seen: SseEvent[] = [];
  for (let round = 0; round < 20; round++) {
    const more = (count: number) => {
      for (let i = 0; i < count; i++) note(++sent, '7');
    };
    more(3);
    for (let i = 0; i < 2; i++) {
      const event = await reader.next();
      if (event === null) throw new Error('the stream ended');
      seen.push(event);
      last = idOf(event);
    }
    await reader.leave();
    more(2);
    const resuming = client.listen(last);
    for (let turn = 0; turn < 10; turn++) {
      await nextTurn();
      more(1);
    }
    reader = await resuming;
  }
  answer('7');
  seen.push(...(await reader.rest()));
  const expected = Array.from({ length: sent }, (_, i) => i + 1);
  expect(numbers(seen)).toEqual([...expected, 'answer']);
});

test('each broken stream gives back its own messages and no others', async () => {
  const router = new EchoRouter();
  const client = await HttpClient.open(await startEdge(router));
  const calls = await Promise.all(['1', '2', '3'].map((id) => client.call(callTool('never', id))));
  const ids = await Promise.all(calls.map(async (call) => idOf(await call.next())));
  for (const call of calls) await call.leave();
  const { note, answer } = sender(router);
  for (const id of [3, 1, 2]) note(id, String(id));
  for (const id of ['2', '3', '1']) answer(id, `{"mine":${id}}`);
  for (const [at, id] of ids.entries()) {
    const events = await (await client.listen(id)).rest();
    expect(events.map(({ data }) => data)).toEqual([
      `{"jsonrpc":"2.0","method":"notifications/test","params":{"n":${at + 1}}}`,
      `{"jsonrpc":"2.0","id":${at + 1},"result":{"mine":${at + 1}}}`,
    ]);
  }
});

test('what belongs to no call does not go on the resumed stream of one', async () => {
  const router = new EchoRouter();
  const client = await HttpClient.open(await startEdge(router));
  const call = await client.call(callTool('never', '1'));
  const id = idOf(await call.next());
  await call.leave();
  const again = await client.listen(id);
  const { note, answer } = sender(router);
  note(1, null);
  answer('1');
  expect(numbers(await again.rest())).toEqual(['answer']);
  const own = await client.listen();
  expect((await own.next())?.data).toContain('"n":1');
});

test('an event id means nothing in another session, nor when it is changed', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const [one, other] = [await HttpClient.open(edge), await HttpClient.open(edge)];
  const call = await one.call(callTool('never', '1'));
  const id = idOf(await call.next());
  await call.leave();
  sender(router).answer('1', '{"secret":1}');
  const changed = `${id.startsWith('A') ? 'B' : 'A'}${id.slice(1)}`;
  for (const [client, lastEventId] of [
    [other, id],
    [one, changed],
    [one, '1'],
    [one, '_GET_stream'],
    [one, `${id}, ${id}`],
  ] as const) {
    const refused = await client.get(lastEventId);
    expect(refused.status, lastEventId).toBe(400);
    expect(await refused.text()).not.toContain('secret');
  }
  expect((await (await one.listen(id)).rest())[0]?.data).toContain('secret');
});

test('a stream that has been read to its end is not opened again', async () => {
  const router = new EchoRouter();
  const client = await HttpClient.open(await startEdge(router));
  const done = await (await client.call(callTool('echo', '1'))).rest();
  expect((await client.get(idOf(done.at(-1) ?? null))).status).toBe(204);
  const never = await client.call(callTool('never', '2'));
  const first = idOf(await never.next());
  await client.post(
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}',
  );
  expect(await never.rest()).toEqual([]);
  expect((await client.get(first)).status).toBe(204);
});

test('a client that resumes takes the stream from a connection that still seems open', async () => {
  const router = new EchoRouter();
  const client = await HttpClient.open(await startEdge(router));
  const stale = await client.call(callTool('never', '1'));
  const id = idOf(await stale.next());
  const fresh = await client.listen(id);
  expect(await stale.rest()).toEqual([]);
  sender(router).answer('1');
  expect(numbers(await fresh.rest())).toEqual(['answer']);
});

test('the stream of its own is resumed with what was missed, and what came while none was open', async () => {
  const router = new EchoRouter();
  const client = await HttpClient.open(await startEdge(router));
  const { note } = sender(router);
  const stream = await client.listen();
  for (const n of [1, 2, 3]) note(n, null);
  const first = await stream.next();
  await stream.leave();
  await until(() => note(4, null) ?? true, { limitMs: 1000, what: 'a message' });
  const again = await client.listen(idOf(first));
  note(5, null);
  const events: SseEvent[] = [];
  while (events.length < 4) {
    const event = await again.next();
    if (event?.data !== null && event !== null) events.push(event);
  }
  expect(numbers(events)).toEqual([2, 3, 4, 5]);
  await again.leave();
  // Without an id it is a new stream, and gets what is new.
  const fresh = await until(
    async () => {
      const reader = await client.listen();
      return reader.response.status === 200 ? reader : null;
    },
    { limitMs: 5000, what: 'the old stream to be gone' },
  );
  note(6, null);
  const [next] = [await fresh.next()];
  expect(next?.data).toContain('"n":6');
});

test('what is kept is bounded: the newest events, and an error in place of a huge answer', async () => {
  const router = new EchoRouter();
  const limits = { maxEvents: 4, maxEventBytes: 10_000 };
  const client = await HttpClient.open(await startEdge(router, limits));
  const { note, answer } = sender(router);
  const call = await client.call(callTool('never', '1'));
  const first = idOf(await call.next());
  await call.leave();
  for (let n = 1; n <= 10; n++) note(n, '1');
  answer('1');
  expect(numbers(await (await client.listen(first)).rest())).toEqual([8, 9, 10, 'answer']);

  const huge = await client.call(callTool('never', '"huge"'));
  const second = idOf(await huge.next());
  await huge.leave();
  answer('"huge"', JSON.stringify('x'.repeat(20_000)));
  const [instead] = await (await client.listen(second)).rest();
  expect(JSON.parse(instead?.data ?? '')).toMatchObject({
    id: 'huge',
    result: { isError: true, _meta: { 'rea/error': { outcome: 'answered', retryable: false } } },
  });
  // Those who stay get it whole.
  const stays = await client.call(callTool('never', '2'));
  answer('2', JSON.stringify('x'.repeat(20_000)));
  expect((await stays.rest()).at(-1)?.data).toContain('x'.repeat(20_000));
});

test('what is kept of all sessions together is bounded: the oldest go first, whosever they are', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { maxTotalEventBytes: 30_000 });
  const clients = [await HttpClient.open(edge), await HttpClient.open(edge)] as const;
  const say = (at: number, id: string) => {
    const line = `{"jsonrpc":"2.0","method":"notifications/x","params":{"x":"${'x'.repeat(9000)}"}}`;
    router.clients[at]?.port.send([Buffer.from(line)], id);
  };
  const leaveCall = async (at: 0 | 1, id: string) => {
    const call = await clients[at].call(callTool('never', id));
    const first = idOf(await call.next());
    await call.leave();
    return first;
  };
  const keptOf = async (at: 0 | 1, id: string, first: string | undefined) => {
    router.clients[at]?.port.answer([Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{}}`)], id);
    const events = await (await clients[at].listen(first)).rest();
    return events.filter(({ data }) => (data?.length ?? 0) > 9000).length;
  };
  const [a, b] = [await leaveCall(0, '1'), await leaveCall(1, '1')];
  // Room for three of the five.
  for (const at of [0, 0, 1, 0, 1]) say(at, '1');
  expect(await keptOf(0, '1', a)).toBe(1);
  expect(await keptOf(1, '1', b)).toBe(2);
  // What a session kept is free for the others once it ends.
  await clients[0].delete();
  const again = await leaveCall(1, '2');
  for (let n = 0; n < 3; n++) say(1, '2');
  expect(await keptOf(1, '2', again)).toBe(3);
});

test('clients of older revisions get no event without data', async () => {
  const edge = await startEdge(new EchoRouter());
  const opening = await fetch(edge.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"old","version":"1"}}}',
  });
  expect(await opening.text()).not.toMatch(/data: ?\n/);
  const client = await HttpClient.open(edge, { version: '2025-06-18' });
  const events = await (await client.call(callTool('echo', '1'))).rest();
  expect(events).toHaveLength(1);
});

test('a stream of the client that is opened again takes the place of the one before', async () => {
  const router = new EchoRouter();
  const client = await HttpClient.open(await startEdge(router));
  const lost = await client.listen();
  const fresh = await client.listen();
  expect([lost.response.status, fresh.response.status]).toEqual([200, 200]);
  expect(await lost.rest()).toEqual([]);
  const note = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';
  router.clients[0]?.port.send([Buffer.from(note)], null);
  const event = await fresh.next();
  expect(event?.data).toBe(note);
  // One that may not come does not end the one that is there.
  const wrong = await fetch(client.edge.url, {
    headers: { accept: 'application/json', 'mcp-session-id': client.session },
  });
  expect(wrong.status).toBe(406);
  router.clients[0]?.port.send([Buffer.from(note)], null);
  expect((await fresh.next())?.data).toBe(note);
});
