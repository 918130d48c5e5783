/** What an open question of a server means for the calls that may have caused it. */
import { beforeEach, expect, test, vi } from 'vitest';
import type { Call } from '#src/main/calls/call.ts';
import {
  answer,
  ask,
  type Client,
  elicitations,
  join,
  makeTask,
  receive,
  requests,
  reset,
  server,
  setHalt,
  tasks,
} from './asking.ts';

beforeEach(reset);

test('the clocks of the calls that may have asked stand until the question is settled', () => {
  const client = join('sampling');
  server.calls.set(client, '1');
  const call = { id: 1, idText: '1', owner: {} } as Call;
  const stands = () => server.inFlight.get(call);
  const settlings: (() => void)[] = [
    () => answer(client),
    () => requests.serverGone(server.server),
    () => {
      const line = Buffer.from(
        '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9007199254740993}}',
      );
      const at = line.indexOf('9007');
      const id = [at, at + 16] as const;
      requests.cancelled(server.server, {
        type: 'reverse_cancelled',
        slot: 0,
        incarnation: 1,
        line,
        id,
      });
    },
    () => requests.forget(client.client),
    () => {
      setHalt({ active: true, reason: 'test' });
      requests.reconsider();
    },
  ];
  for (const settle of settlings) {
    server.inFlight.set(call, 0);
    ask();
    expect(stands()).toBe(1);
    settle();
    expect(stands()).toBe(0);
  }
});

test('a question is withdrawn at both ends with the last of its calls that has waited too long', () => {
  const client = join('sampling');
  const [one, two, ended] = ['1', '2', '3'].map(
    (idText) => ({ id: Number(idText), idText, owner: {} }) as Call,
  ) as [Call, Call, Call];
  for (const call of [one, two, ended]) server.inFlight.set(call, 0);
  server.calls.set(client, '1');
  ask();
  server.inFlight.delete(ended);
  server.inFlight.delete(one);
  server.question?.expired(one);
  expect(client.heard).toHaveLength(1);
  expect(server.told).toEqual([]);
  server.inFlight.delete(two);
  server.question?.expired(two);
  const [asked, cancelled] = client.heard;
  expect(cancelled).toMatchObject({
    relatedTo: '2',
    message: {
      method: 'notifications/cancelled',
      params: { requestId: asked?.message.id, reason: expect.stringContaining('ask_timeout_ms') },
    },
  });
  expect(JSON.parse(server.told[0]?.text ?? '')).toMatchObject({ error: { code: -32001 } });
  answer(client);
  expect(server.told).toHaveLength(1);
});

test('the task that a client made of a question is cancelled when its call has waited too long', () => {
  const client = join('sampling');
  const call = { id: 1, idText: '1', owner: {} } as Call;
  server.inFlight.set(call, 0);
  makeTask(client, 't');
  server.inFlight.delete(call);
  server.question?.expired(call);
  expect(client.heard.at(-1)?.message).toMatchObject({
    method: 'tasks/cancel',
    params: { taskId: 't' },
  });
});

test('calls that wait are told so, each once and only while a question is open', () => {
  vi.useFakeTimers();
  try {
    const client = join('sampling');
    const [one, two] = ['1', '2'].map((idText) => ({ id: 1, idText, owner: {} }) as Call) as [
      Call,
      Call,
    ];
    for (const call of [one, two]) server.inFlight.set(call, 0);
    ask();
    ask();
    vi.advanceTimersByTime(30_000);
    expect(server.waiting.splice(0)).toEqual(['1', '2', '1', '2']);
    requests.serverGone(server.server);
    vi.advanceTimersByTime(60_000);
    expect(server.waiting).toEqual([]);
    // Of a task only who waits for its result, also if that was asked for later.
    const note = { id: 't', idAt: [0, 1], at: [0, 1], ended: false, ttlMs: null } as const;
    const made = { client: client.client, server: server.server, call: { id: 9, tokenRaw: null } };
    const task = tasks.made(made, note, performance.now());
    ask(1, { relatedTask: note });
    expect([...server.inFlight.values()]).toEqual([0, 0]);
    task.resultRequests.add('2');
    vi.advanceTimersByTime(15_000);
    expect(server.waiting.splice(0)).toEqual(['2']);
    // While the client has a task of the question, too.
    requests.serverGone(server.server);
    makeTask(client, 'own');
    vi.advanceTimersByTime(15_000);
    expect(server.waiting.splice(0)).toEqual(['1', '2']);
    requests.forget(client.client);
    vi.advanceTimersByTime(60_000);
    expect(server.waiting).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test('they stand while a person visits a URL, up to the word of its completion', () => {
  const client = join('sampling');
  const call = { id: 1, idText: '1', owner: {} } as Call;
  const stands = () => server.inFlight.get(call);
  const answers = (result: string) => {
    const id = client.heard.at(-1)?.message.id;
    requests.answer(client.client, receive(`{"jsonrpc":"2.0","id":"${id}","result":${result}}`));
  };
  const ends: [result: string, end: () => void][] = [
    ['{"action":"accept"}', () => elicitations.completed(server.server, 'e')],
    ['{"action":"accept"}', () => elicitations.forget(client.client)],
    ['{"action":"accept"}', () => elicitations.serverRetired(server.server)],
    ['{"action":"accept"}', () => elicitations.asked(server.server, 'e', client.client)],
  ];
  for (const [result, end] of ends) {
    server.inFlight.set(call, 0);
    ask(1, { elicitationId: 'e' });
    answers(result);
    elicitations.completed(server.server, 'another');
    expect(stands()).toBe(1);
    end();
    expect(stands()).toBe(0);
  }
  for (const result of ['{"action":"decline"}', '{"action":"cancel"}', '{}', '"accept"']) {
    ask(1, { elicitationId: 'e' });
    answers(result);
    expect(stands()).toBe(0);
  }
  // A form is filled in when it is answered.
  ask();
  answers('{"action":"accept"}');
  expect(stands()).toBe(0);
});

const COMPLETED = '{"taskId":"t","status":"completed"}';

test.each([
  ['its status', () => told(`{"method":"notifications/tasks/status","params":${COMPLETED}}`)],
  ['the answer to tasks/get', () => asked('tasks/get', `{"result":${COMPLETED}}`)],
  ['the answer to tasks/result', () => asked('tasks/result', '{"result":{"content":[]}}')],
  ['an error', () => asked('tasks/get', '{"error":{"code":-32602,"message":"unknown"}}')],
  ['the end of the client', () => requests.forget(maker.client)],
  ['the end of the server', () => requests.serverGone(server.server)],
])('they stand while the client has a task of it, up to %s', (_what, end) => {
  maker = join('sampling');
  const call = { id: 1, idText: '1', owner: {} } as Call;
  const stands = () => server.inFlight.get(call);
  server.inFlight.set(call, 0);
  makeTask(maker, 't');
  expect(stands()).toBe(1);
  asked('tasks/get', '{"result":{"taskId":"t","status":"working"}}');
  told('{"method":"notifications/tasks/status","params":{"taskId":"t","status":"input_required"}}');
  expect(stands()).toBe(1);
  end();
  expect(stands()).toBe(0);
});

let maker: Client;

function told(message: string): void {
  requests.status(maker.client, receive(`{"jsonrpc":"2.0",${message.slice(1)}`));
}

/** The server asks about the task, and gets this. */
function asked(method: string, outcome: string): void {
  ask(1, { method, taskId: 't' });
  const id = maker.heard.at(-1)?.message.id;
  requests.answer(maker.client, receive(`{"jsonrpc":"2.0","id":"${id}",${outcome.slice(1)}`));
}
