/** Streams of changes of one client: what each is told, with which tag, and what is subscribed to for them. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sessionlessForm } from '#src/main/clients/sessionless/answer-form.ts';
import { type ListenCount, Listens } from '#src/main/clients/sessionless/listens.ts';
import { scanFrame } from '#src/shared/json/frame.ts';
import { TAKES_TASKS } from '#src/shared/model/client-can.ts';

const TAG = 'io.modelcontextprotocol/subscriptionId';

interface Subscribed {
  readonly uri: string;
  readonly on: boolean;
  readonly done: (ok: boolean) => void;
}

function world(count: ListenCount = { open: 0 }) {
  const sent: { to: string; text: string }[] = [];
  const answers: unknown[] = [];
  const subscribed: Subscribed[] = [];
  const text = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString();
  const listens = new Listens({
    count,
    form: sessionlessForm('{}'),
    send: (parts, to) => sent.push({ to, text: text(parts) }),
    answer: (parts) => answers.push(JSON.parse(text(parts))),
    offersTasks: () => true,
    subscribe: ({ id, kind, can }, on, done) =>
      subscribed.push(kind === 'task' ? { uri: `${id}, ${can}`, on, done } : { uri: id, on, done }),
  });
  const open = (id: string, notifications: object, can = 0) => {
    const json = JSON.stringify({
      id: 1,
      method: 'subscriptions/listen',
      params: { notifications },
    });
    const frame = scanFrame(Buffer.from(json));
    if ('error' in frame) throw new Error('the test wrote a bad message');
    return listens.open(frame, id, Buffer.from(id), can);
  };
  const tell = (json: string) => {
    sent.length = 0;
    listens.tell([Buffer.from(json)]);
    return sent.map(({ to, text: said }) => [to, said]);
  };
  const told = () => sent.splice(0).map(({ to, text: said }) => [to, JSON.parse(said).params]);
  return { listens, open, tell, told, answers, subscribed, count };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const CHANGED = '"method":"notifications/tools/list_changed"';

test.each([
  [`{${CHANGED}}`, `{${CHANGED},"params":{"_meta":{"${TAG}":7}}}`],
  [`{${CHANGED},"params":{}}`, `{${CHANGED},"params":{"_meta":{"${TAG}":7}}}`],
  [`{"params":{"a":1},${CHANGED}}`, `{"params":{"_meta":{"${TAG}":7},"a":1},${CHANGED}}`],
  [`{${CHANGED},"params":{"_meta":{}}}`, `{${CHANGED},"params":{"_meta":{"${TAG}":7}}}`],
  [`{${CHANGED},"params":{"_meta":{"b":2}}}`, `{${CHANGED},"params":{"_meta":{"${TAG}":7,"b":2}}}`],
  [`{${CHANGED},"params":{"_meta":null}}`, `{${CHANGED},"params":{"_meta":{"${TAG}":7}}}`],
  [
    `{${CHANGED},"params":{"_meta":{"${TAG}":"x"}}}`,
    `{${CHANGED},"params":{"_meta":{"${TAG}":7}}}`,
  ],
])('%s is told as %s', (json, expected) => {
  const { open, tell } = world();
  open('7', { toolsListChanged: true });
  expect(tell(json)).toEqual([['7', expected]]);
});

test('each is told what it has asked for, and nothing else', () => {
  const { listens, open, tell, told, subscribed } = world();
  open('1', { toolsListChanged: true, promptsListChanged: false });
  open('"1"', { resourceSubscriptions: ['res://a', 'res://a', 'res://b'] });
  expect(told()).toEqual([
    ['1', { _meta: { [TAG]: 1 }, notifications: { toolsListChanged: true } }],
  ]);
  expect(subscribed.map(({ uri, on }) => [uri, on])).toEqual([
    ['res://a', true],
    ['res://b', true],
  ]);
  // What changes before it was told what it is told is not for it.
  subscribed[0]?.done(true);
  const updated = (uri: string) =>
    `{"method":"notifications/resources/updated","params":{"uri":"${uri}"}}`;
  expect(tell(updated('res://a'))).toEqual([]);
  subscribed[1]?.done(false);
  expect(told()).toEqual([
    ['"1"', { _meta: { [TAG]: '1' }, notifications: { resourceSubscriptions: ['res://a'] } }],
  ]);
  const who = (json: string) => tell(json).map(([to]) => to);
  expect(who(updated('res://a'))).toEqual(['"1"']);
  expect(who(updated('res://a/part'))).toEqual(['"1"']);
  expect(who(updated('res://a#part'))).toEqual(['"1"']);
  expect(who(updated('res://ab'))).toEqual([]);
  expect(who(updated('res://b'))).toEqual([]);
  expect(who(`{${CHANGED}}`)).toEqual(['1']);
  for (const other of ['prompts/list_changed', 'message', 'progress', 'own']) {
    expect(who(`{"method":"notifications/${other}"}`), other).toEqual([]);
  }
  listens.end('1');
  expect(who(`{${CHANGED}}`)).toEqual([]);
});

test('a server that does not agree in time is left out, and told so if it agrees later', () => {
  const { open, told, subscribed } = world();
  open('1', { resourceSubscriptions: ['res://a'] });
  expect(told()).toEqual([]);
  vi.advanceTimersByTime(5000);
  expect(told()).toEqual([['1', { _meta: { [TAG]: 1 }, notifications: {} }]]);
  subscribed[0]?.done(true);
  expect(subscribed.map(({ on }) => on)).toEqual([true, false]);
});

test('a resource is given up with the last stream that is told of it', () => {
  const { listens, open, subscribed } = world();
  for (const id of ['1', '2']) open(id, { resourceSubscriptions: ['res://a'] });
  for (const { done } of subscribed) done(true);
  listens.end('1');
  expect(subscribed.filter(({ on }) => !on)).toEqual([]);
  listens.end('2');
  expect(subscribed.filter(({ on }) => !on).map(({ uri }) => uri)).toEqual(['res://a']);
});

test('there are 64 of one client, and 1024 of all, and each ends with an answer', () => {
  const count = { open: 0 };
  const worlds = Array.from({ length: 17 }, () => world(count));
  const refusals = worlds.map(({ open }) =>
    Array.from({ length: 65 }, (_, id) => open(String(id), {})).map((one) => one?.code ?? null),
  );
  expect(refusals[0]).toEqual([...Array.from({ length: 64 }, () => null), -32603]);
  expect(refusals[16]).toEqual(Array.from({ length: 65 }, () => -32603));
  expect(count.open).toBe(1024);
  worlds[0]?.listens.endAll();
  expect(worlds[0]?.answers).toHaveLength(64);
  expect(worlds[0]?.answers[3]).toEqual({
    jsonrpc: '2.0',
    id: 3,
    result: { resultType: 'complete', _meta: { [TAG]: 3 } },
  });
  for (const { listens } of worlds) listens.close();
  expect(count.open).toBe(0);
});

test.each([
  undefined,
  null,
  [],
  'tools',
  { resourceSubscriptions: 'res://a' },
  { resourceSubscriptions: [5] },
  { resourceSubscriptions: ['x'.repeat(9000)] },
  { resourceSubscriptions: Array.from({ length: 1001 }, (_, at) => `res://${at}`) },
])('%j is no filter', (notifications) => {
  const { open, count } = world();
  expect(open('1', notifications as object)?.code).toBe(-32602);
  expect(count.open).toBe(0);
});

test('news of a task go to streams that ask for this task, and that say that their client takes tasks', () => {
  const { open, tell, told, subscribed, listens } = world();
  expect(open('1', { taskIds: ['a'] })?.code).toBe(-32021);
  expect(open('1', { taskIds: [5] }, TAKES_TASKS)?.code).toBe(-32602);
  expect(open('1', { taskIds: ['a', 'b', 'a'] }, TAKES_TASKS)).toBeNull();
  expect(open('2', { toolsListChanged: true }, TAKES_TASKS)).toBeNull();
  const of = (id: string) => `${id}, ${TAKES_TASKS}`;
  expect(subscribed.map(({ uri, on }) => [uri, on])).toEqual([
    [of('a'), true],
    [of('b'), true],
  ]);
  subscribed[0]?.done(true);
  subscribed[1]?.done(false);
  expect(told().at(-1)).toMatchObject(['1', { notifications: { taskIds: ['a'] } }]);
  const news = (id: string) =>
    tell(`{"method":"notifications/tasks","params":{"taskId":"${id}"}}`).map(([to]) => to);
  expect([news('a'), news('b')]).toEqual([['1'], []]);
  expect(listens.end('1')).toBe(true);
  expect(subscribed.slice(2).map(({ uri, on }) => [uri, on])).toEqual([[of('a'), false]]);
  expect(news('a')).toEqual([]);
});
