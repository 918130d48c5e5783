/** Which client a server's request goes to, and what becomes of it. */
import { beforeEach, expect, test } from 'vitest';
import {
  ask,
  Client,
  clients,
  join,
  makeTask,
  receive,
  requests,
  reset,
  server,
} from './asking.ts';

beforeEach(reset);

test('the only caller is asked, on the stream of its call, under an id of the gateway', () => {
  const caller = join('sampling');
  const bystander = join('sampling');
  server.calls.set(caller, '"c7"');
  ask();
  expect(bystander.heard).toEqual([]);
  const [{ message, relatedTo } = { message: {}, relatedTo: null }] = caller.heard;
  expect(relatedTo).toBe('"c7"');
  expect(message.params).toMatchObject({ _meta: { progressToken: message.id }, maxTokens: 1 });

  const progress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"${message.id}","progress":1}}`;
  requests.progress(bystander.client, receive(progress));
  requests.progress(caller.client, receive(progress));
  const answer = `{"jsonrpc":"2.0","id":"${message.id}","result":{"n":9007199254740993}}`;
  requests.answer(bystander.client, receive(answer));
  requests.answer(caller.client, receive(answer));
  requests.answer(caller.client, receive(answer));
  expect(server.told.map(({ text }) => text)).toEqual([
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"mine","progress":1}}\n',
    '{"jsonrpc":"2.0","id":9007199254740993,"result":{"n":9007199254740993}}\n',
  ]);
});

test('nobody is asked when several clients have calls there', () => {
  for (const client of [join('sampling'), join('sampling')]) server.calls.set(client, '1');
  ask();
  for (const { heard } of clients) expect(heard).toEqual([]);
  expect(JSON.parse(server.told[0]?.text ?? '')).toMatchObject({
    error: { message: expect.stringContaining('not clear') },
  });
});

test('without a call the only client there is is asked, and of several none', () => {
  const only = join('sampling');
  ask();
  expect(only.heard).toHaveLength(1);
  join('sampling');
  ask();
  expect(only.heard).toHaveLength(1);
  expect(server.told).toHaveLength(1);
});

test('a server of one client asks that one, whoever else is there', () => {
  const [other, own] = [join('sampling'), join('sampling')];
  server.owner = own;
  ask();
  expect([other.heard.length, own.heard.length]).toEqual([0, 1]);
  server.owner = new Client('sampling');
  ask();
  expect([other.heard.length, own.heard.length]).toEqual([0, 1]);
  expect(server.told).toHaveLength(1);
});

test('a client that cannot is not asked', () => {
  const client = join('roots');
  ask();
  expect(client.heard).toEqual([]);
  expect(server.told[0]?.text).toContain('does not support it');
});

test('a client that goes leaves an error to the server, once', () => {
  const client = join('sampling');
  ask();
  requests.forget(client.client);
  requests.forget(client.client);
  expect(server.told).toHaveLength(1);
  expect(server.told[0]).toMatchObject({ incarnation: 1 });
  expect(server.told[0]?.text).toContain('"id":9007199254740993,"error"');
});

test('a server that cancels or goes is told to the client under the id it knows', () => {
  const client = join('sampling');
  ask();
  const line = Buffer.from(
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9007199254740993}}',
  );
  const at = line.indexOf('9007');
  const cancelled = { type: 'reverse_cancelled', slot: 0, line, id: [at, at + 16] } as const;
  requests.cancelled(server.server, { ...cancelled, incarnation: 2 });
  expect(client.heard).toHaveLength(1);
  requests.cancelled(server.server, { ...cancelled, incarnation: 1 });
  expect(client.heard[1]?.message).toMatchObject({
    method: 'notifications/cancelled',
    params: { requestId: client.heard[0]?.message.id },
  });
  ask();
  requests.serverGone(server.server);
  expect(client.heard.at(-1)?.message.method).toBe('notifications/cancelled');
  expect(server.told).toEqual([]);
});

test('a server cannot pile up requests', () => {
  const client = join('sampling');
  for (let i = 0; i < 100; i++) ask();
  expect(client.heard).toHaveLength(64);
  expect(server.told).toHaveLength(36);
});

test('a task that a client made is asked for there, and goes on telling progress and status', () => {
  const maker = join('sampling');
  const other = join('sampling');
  const id = makeTask(maker, 't');
  server.calls.clear();
  server.calls.set(other, '2');
  server.told.length = 0;
  ask(1, { method: 'tasks/get', taskId: 't' });
  expect(maker.heard.at(-1)?.message.method).toBe('tasks/get');
  expect(other.heard).toEqual([]);
  ask(1, { method: 'tasks/get', taskId: 'unknown' });
  expect(server.told.splice(0)[0]?.text).toContain('unknown task');

  const progress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"${id}","progress":1}}`;
  const status = '{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"t"}}';
  requests.progress(other.client, receive(progress));
  requests.status(other.client, receive(status));
  expect(server.told).toEqual([]);
  requests.progress(maker.client, receive(progress));
  requests.status(maker.client, receive(status));
  expect(server.told.map(({ text }) => text)).toEqual([
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"mine","progress":1}}\n',
    `${status}\n`,
  ]);
});

test('a task id that two clients gave a server means neither, and one that is gone nobody', () => {
  const [a, b] = [join('sampling'), join('sampling')];
  makeTask(a, 'same');
  makeTask(a, 'own');
  makeTask(b, 'same');
  const heard = () => a.heard.length + b.heard.length;
  const before = heard();
  ask(1, { method: 'tasks/result', taskId: 'same' });
  expect(heard()).toBe(before);
  ask(1, { method: 'tasks/result', taskId: 'own' });
  expect(heard()).toBe(before + 1);
  requests.forget(a.client);
  ask(1, { method: 'tasks/result', taskId: 'own' });
  expect(heard()).toBe(before + 1);
});

test.each([
  [['elicitation'], 'elicitation.form', null],
  [['elicitation', 'elicitation.form'], 'elicitation.form', null],
  [['elicitation', 'elicitation.url'], 'elicitation.form', -32602],
  [['elicitation', 'elicitation.url', 'elicitation.form'], 'elicitation.form', null],
  [['elicitation'], 'elicitation.url', -32602],
  [['elicitation', 'elicitation.url'], 'elicitation.url', null],
  [[], 'elicitation', -32601],
  [['sampling'], 'sampling.tools', -32602],
  [['sampling', 'sampling.tools'], 'sampling.tools', null],
  [[], 'roots', -32601],
] as const)(
  'a client that declared %j is asked for what needs %s: refused with %j',
  (has, need, code) => {
    const client = join(...has);
    ask(1, { needs: [need] });
    expect(client.heard).toHaveLength(code === null ? 1 : 0);
    const told = server.told.map(({ text }) => JSON.parse(text).error);
    const message = `sampling/createMessage: the client does not support it (its capabilities lack ${need})`;
    expect(told).toEqual(code === null ? [] : [{ code, message }]);
  },
);
