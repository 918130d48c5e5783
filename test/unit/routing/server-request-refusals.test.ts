/** Requests of a server that no client is asked: without a cause, denied, or under HALT. */
import { beforeEach, describe, expect, test } from 'vitest';
import {
  ALLOWED,
  answer,
  ask,
  join,
  lastTold,
  makeTask,
  requests,
  reset,
  Server,
  server,
  setHalt,
  tasks,
} from './asking.ts';

beforeEach(reset);

describe('without a call or task of the client at the server', () => {
  beforeEach(() => {
    server.config.asks = { ...ALLOWED, unsolicited: 'deny' };
  });

  test.each(['sampling/createMessage', 'elicitation/create', 'sampling/other', 'demo/ask'])(
    '%s asks nobody',
    (method) => {
      const client = join('sampling');
      ask(1, { method });
      expect(client.heard).toEqual([]);
      expect(lastTold()).toMatchObject({
        id: 9007199254740992,
        error: { code: -32000, message: expect.stringContaining('asks.unsolicited') },
      });
      server.calls.set(client, '1');
      ask(1, { method });
      expect(client.heard).toHaveLength(1);
    },
  );

  test('roots are told', () => {
    const client = join('roots');
    ask(1, { method: 'roots/list', needs: ['roots'] });
    expect(client.heard).toHaveLength(1);
  });

  test('the client whose instance it is is not asked either', () => {
    const [own, other] = [join('sampling'), join('sampling')];
    server.owner = own;
    server.calls.set(other, '1');
    ask();
    expect([own.heard, other.heard]).toEqual([[], []]);
    server.calls.set(own, '2');
    ask();
    expect([own.heard.length, other.heard.length]).toEqual([1, 0]);
  });

  test('a task is a cause while it runs, named or not, and none when it has ended', () => {
    const client = join('sampling');
    const note = { id: 't', idAt: [0, 0], at: [0, 0], ended: false, ttlMs: null } as const;
    const call = { id: 1, tokenRaw: null };
    const maker = { client: client.client, server: server.server, call };
    const task = tasks.made(maker, note, performance.now());
    ask();
    ask(1, { relatedTask: note });
    expect(client.heard).toHaveLength(2);
    tasks.ended(task, performance.now());
    ask();
    ask(1, { relatedTask: note });
    expect(client.heard).toHaveLength(2);
    server.calls.set(client, '1');
    ask(1, { relatedTask: note });
    expect(client.heard).toHaveLength(3);
  });
});

describe('what is denied to the server', () => {
  test.each([
    ['elicitation', 'elicitation/create', 'sampling/createMessage'],
    ['sampling', 'sampling/createMessage', 'elicitation/create'],
    ['sampling', 'sampling/createMessage', 'roots/list'],
  ] as const)('%s: %s is refused, %s is not', (kind, refused, allowed) => {
    server.config.asks = { ...ALLOWED, [kind]: 'deny' };
    const client = join('sampling');
    server.calls.set(client, '1');
    ask(1, { method: refused });
    expect(client.heard).toEqual([]);
    expect(lastTold().error).toMatchObject({
      code: -32601,
      message: expect.stringContaining(`asks.${kind}`),
    });
    ask(1, { method: allowed });
    expect(client.heard).toHaveLength(1);
  });

  test('is what its successor may not ask, for one that is being replaced', () => {
    const successor = new Server();
    successor.config.asks = { ...ALLOWED, sampling: 'deny' };
    server.current = successor;
    const client = join('sampling');
    ask();
    expect(client.heard).toEqual([]);
  });

  test('is withdrawn when it was asked before, with the tasks that the client made of it', () => {
    const client = join('sampling', 'elicitation');
    makeTask(client, 't');
    ask(1, { method: 'tasks/result', taskId: 't' });
    ask();
    ask(1, { method: 'elicitation/create', needs: ['elicitation'] });
    const [, result, sampling] = client.heard.map(({ message }) => message.id);
    client.heard.length = 0;
    server.told.length = 0;
    server.config.asks = { ...ALLOWED, sampling: 'deny' };
    requests.reconsider();
    expect(client.heard.map(({ message: { method, params } }) => [method, params])).toEqual([
      ['notifications/cancelled', expect.objectContaining({ requestId: result })],
      ['notifications/cancelled', expect.objectContaining({ requestId: sampling })],
      ['tasks/cancel', { taskId: 't' }],
    ]);
    expect(server.told.map(({ text }) => JSON.parse(text).error.code)).toEqual([-32601, -32601]);
    ask(1, { method: 'tasks/result', taskId: 't' });
    expect(lastTold().error.message).toContain('unknown task');
    requests.reconsider();
    expect(client.heard).toHaveLength(3);
  });
});

describe('under HALT', () => {
  const error = (outcome: string) => ({
    code: -32000,
    message: 'sampling/createMessage: the gateway is halted: stop',
    data: {
      'rea/error': {
        code: 'ERR_HALTED',
        server: 'evil',
        phase: 'ready',
        outcome,
        retryable: outcome === 'not_sent',
      },
    },
  });

  test('nobody is asked, whatever is in flight, and roots are told', () => {
    const client = join('sampling', 'roots');
    server.calls.set(client, '1');
    makeTask(client, 't');
    setHalt({ active: true, reason: 'stop' });
    client.heard.length = 0;
    ask();
    expect(lastTold().error).toEqual(error('not_sent'));
    for (const method of ['elicitation/create', 'demo/ask', 'tasks/result']) {
      ask(1, { method, taskId: 't' });
      expect(lastTold().error.data['rea/error'].code).toBe('ERR_HALTED');
    }
    expect(client.heard).toEqual([]);
    ask(1, { method: 'roots/list', needs: ['roots'] });
    expect(client.heard).toHaveLength(1);
  });

  test('an open question is withdrawn, once, and a late answer is for nobody', () => {
    const client = join('sampling');
    server.calls.set(client, '"c7"');
    ask();
    setHalt({ active: true, reason: 'stop' });
    requests.reconsider();
    requests.reconsider();
    expect(client.heard).toHaveLength(2);
    expect(client.heard[1]).toMatchObject({
      message: {
        method: 'notifications/cancelled',
        params: {
          requestId: client.heard[0]?.message.id,
          reason: 'the gateway is halted: stop',
        },
      },
      relatedTo: '"c7"',
    });
    expect(server.told).toHaveLength(1);
    expect(lastTold().error).toEqual(error('unknown'));
    setHalt({ active: false, reason: null });
    answer(client);
    expect(server.told).toHaveLength(1);
  });

  test('an answer that comes before that is not passed on', () => {
    const client = join('sampling');
    ask();
    setHalt({ active: true, reason: 'stop' });
    answer(client);
    expect(server.told).toHaveLength(1);
    expect(lastTold().error).toEqual(error('unknown'));
    requests.reconsider();
    expect(client.heard).toHaveLength(1);
  });
});
