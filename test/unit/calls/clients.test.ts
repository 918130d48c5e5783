/** Several clients at one server, those that do not read, and what is no request. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CallMessage } from '#src/shared/protocol/to-supervisor.ts';
import { closeClients, house } from '../../support/calls-house.ts';

afterEach(closeClients);

describe('several clients', () => {
  /** The ids as clients gave them, in the order in which calls were posted. */
  const idsOf = (calls: readonly CallMessage[]) =>
    calls.map(({ line }) => JSON.parse(Buffer.from(line).toString()).params.arguments.of);

  test('take turns at a server, however many calls one of them has waiting', () => {
    const rea = house({ maxConcurrency: 1 });
    rea.ready(1);
    const second = rea.connect();
    for (const of of ['a1', 'a2', 'a3']) rea.first.call(of, { arguments: { of } });
    for (const of of ['b1', 'b2']) second.call(of, { arguments: { of } });
    for (let at = 0; at < 5; at += 1) rea.reply(rea.calls()[at]?.call ?? 0);
    expect(idsOf(rea.calls())).toEqual(['a1', 'a2', 'b1', 'a3', 'b2']);
  });

  test('that do not read get no call sent and nothing but answers, and what they went without is counted', () => {
    const rea = house();
    rea.ready(1);
    const meta = { _meta: { progressToken: 'p' } };
    rea.first.call('before', meta);
    rea.first.state.congested = true;
    rea.first.call('waits');
    const [before] = rea.calls();
    expect(rea.calls()).toHaveLength(1);
    const progress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${before?.call},"progress":1}}`;
    const at = progress.indexOf(':', progress.indexOf('progressToken')) + 1;
    rea.server.progress({
      type: 'progress',
      slot: 0,
      incarnation: 1,
      call: before?.call ?? 0,
      line: Buffer.from(progress),
      token: [at, at + String(before?.call).length],
    });
    expect(rea.first.sent).toEqual([]);
    expect(rea.router.droppedMessages).toBe(1);
    rea.reply(before?.call ?? 0);
    expect(rea.answers).toEqual([{ id: 'before', code: null, outcome: null }]);
    rea.first.drained();
    expect(rea.calls()).toHaveLength(2);
  });
});

describe('what servers say by themselves', () => {
  const note = (method: string, level: string | null = null) => ({
    type: 'notification' as const,
    slot: 0,
    incarnation: 1,
    method,
    level,
    concerns: { kind: 'all' as const },
    line: Buffer.from(JSON.stringify({ jsonrpc: '2.0', method })),
  });

  test('is dropped, and counted, for a client that does not read, and reaches the others', () => {
    const { connect, router, server, ready } = house();
    const [reads, stuck] = [connect(), connect()];
    for (const { receive } of [reads, stuck]) {
      const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} };
      receive({ id: 'i', method: 'initialize', params });
      receive({ method: 'notifications/initialized' });
    }
    ready(1);
    stuck.state.congested = true;
    const before = router.droppedMessages;
    router.fanOut.notification(server, note('notifications/message', 'error'));
    router.fanOut.notification(server, note('notifications/own'));
    expect([reads.sent, stuck.sent]).toEqual([['notifications/message', 'notifications/own'], []]);
    expect(router.droppedMessages - before).toBe(2);
    stuck.drained();
    router.fanOut.notification(server, note('notifications/own'));
    expect(stuck.sent).toEqual(['notifications/own']);
  });
});

describe('lists for a client that does not read', () => {
  test('are made in order when it reads again, 10,000 of them, and no more are promised', () => {
    const rea = house();
    rea.ready(1);
    rea.first.state.congested = true;
    for (let id = 1; id <= 10_001; id += 1) rea.first.receive({ id, method: 'tools/list' });
    expect(rea.answers).toEqual([{ id: 10_001, code: -32_000, outcome: null }]);
    rea.first.drained();
    expect(rea.answers.slice(1).map(({ id }) => id)).toEqual(
      Array.from({ length: 10_000 }, (_, at) => at + 1),
    );
    rea.first.receive({ id: 'next', method: 'tools/list' });
    expect(rea.answers.at(-1)).toEqual({ id: 'next', code: null, outcome: null });
  });
});

describe('a message of the client', () => {
  test('that is no request gets no answer that could be taken for one', () => {
    const { receive, answers } = house();
    receive({ id: 7, result: {}, error: {} });
    receive({ method: 'notifications/cancelled', params: [1] });
    expect(answers).toEqual([]);
    receive({ id: { odd: 1 }, method: 'ping' });
    expect(answers).toEqual([{ id: null, code: -32600, outcome: null }]);
  });
});

test('a request with a session leaves one without a session alone that has its id', () => {
  const { first, ready, receive, calls, reply } = house();
  ready(1);
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  first.call('c', { _meta });
  const seen: unknown[] = [];
  const last = () => JSON.parse(Buffer.concat(first.state.parts as Uint8Array[]).toString());
  const methods = ['tools/call', 'tools/list', 'ping', 'logging/setLevel', 'initialize'];
  for (const method of methods) {
    receive({ id: 'c', method, params: { name: 'echo__say' } });
    seen.push(last().error);
  }
  const error = { code: -32600, message: 'this id is in use by another call' };
  expect(seen).toEqual(methods.map(() => error));
  reply(calls()[0]?.call ?? 0, '', { at: -1 });
  expect(last()).toMatchObject({ id: 'c' });
  const { length } = first.answers;
  first.call('c', { _meta });
  expect([calls().length, first.answers.length]).toEqual([2, length]);
  receive({ id: 'c', method: 5 });
  first.call('c', { _meta });
  expect(last()).toMatchObject({ id: 'c', error });
});

test('a request with a session leaves a stream of changes alone that has its id', () => {
  const { first, receive } = house();
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const notifications = { toolsListChanged: true };
  receive({ id: 'l', method: 'subscriptions/listen', params: { notifications, _meta } });
  expect(first.sent).toEqual(['notifications/subscriptions/acknowledged']);
  expect(first.answers).toEqual([]);
  for (const method of ['tools/call', 'tools/list', 'ping', 'initialize']) {
    receive({ id: 'l', method, params: { name: 'echo__say' } });
    expect(first.answers.splice(0)).toEqual([{ id: 'l', code: -32_600, outcome: null }]);
  }
  receive({ method: 'notifications/cancelled', params: { requestId: 'l' } });
  receive({ id: 'l', method: 'ping' });
  expect(first.answers).toEqual([{ id: 'l', code: null, outcome: null }]);
});

test('a server is asked for what its calls want, and goes back to what it had once they have ended', () => {
  vi.useFakeTimers();
  try {
    const { first, ready, receive, calls, reply, levels } = house();
    ready(1);
    const asks = (id: string, level: string) =>
      first.call(id, {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
          'io.modelcontextprotocol/logLevel': level,
        },
      });
    asks('a', 'debug');
    asks('b', 'notice');
    reply(calls()[0]?.call ?? 0, '', { at: -1 });
    vi.advanceTimersByTime(5000);
    expect(levels).toEqual(['echo: debug', 'echo: notice']);
    receive({ method: 'notifications/cancelled', params: { requestId: 'b' } });
    vi.advanceTimersByTime(5000);
    expect(levels).toEqual(['echo: debug', 'echo: notice', 'echo: info']);
    receive({ id: 'l', method: 'logging/setLevel', params: { level: 'warning' } });
    asks('c', 'debug');
    reply(calls()[2]?.call ?? 0, '', { at: -1 });
    vi.advanceTimersByTime(5000);
    expect(levels.slice(3)).toEqual(['warning', 'echo: warning', 'echo: debug', 'echo: warning']);
  } finally {
    vi.useRealTimers();
  }
});
