/** Sessions, router and downstream together, with the posts to the thread kept in a list. */
import pino from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CallTable } from '#src/main/calls/call-table.ts';
import { NO_OBSERVER } from '#src/main/calls/observer.ts';
import { free } from '#src/main/calls/owned-lines.ts';
import { Catalogs } from '#src/main/catalog/catalogs.ts';
import { Profiles } from '#src/main/catalog/profiles.ts';
import type { ClientFace } from '#src/main/clients/port.ts';
import { sessionsOf } from '#src/main/clients/session.ts';
import { Router } from '#src/main/routing/router.ts';
import { Server } from '#src/main/servers/server.ts';
import { scanFrame } from '#src/shared/json/frame.ts';
import type { ServerFeatures } from '#src/shared/model/server.ts';
import type { SupervisorRecord } from '#src/shared/model/snapshot.ts';
import type { AnswerMessage, LifecycleMessage } from '#src/shared/protocol/from-supervisor.ts';
import type { CallMessage, ToSupervisor } from '#src/shared/protocol/to-supervisor.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

const RECORD: SupervisorRecord = {
  phase: 'ready',
  since: '2026-01-01T00:00:00.000Z',
  pid: 1,
  pgid: 1,
  child_started: null,
  incarnation: 1,
  restarts: 0,
  last_exit: null,
  next_restart_at: null,
  last_error: null,
  connection_state: 'ok',
  tools_count: 1,
  noise_lines: 0,
};

const FEATURES: ServerFeatures = {
  tools: true,
  prompts: false,
  resources: false,
  logging: false,
};

const open: { peer: ClientFace }[] = [];
afterEach(() => {
  for (const { peer } of open.splice(0)) peer.closed('the test is over');
});

/** A router over one server whose thread only remembers what it was sent. */
function house(
  settings: { maxQueue?: number; maxConcurrency?: number; callTimeoutMs?: number } = {},
  failures = 5,
) {
  const config = { ...serverConfig('echo'), name: 'echo', prefix: 'echo', ...settings };
  const calls = new CallTable();
  const posted: ToSupervisor[] = [];
  const world = { reachable: true, halted: false, heldBack: false, awaited: 0 };
  const catalogs = new Catalogs({
    servers: [config],
    listWaitMs: 0,
    onChange: () => {},
    onCollision: () => {},
  });
  const server = new Server({
    config: { ...config, breaker: { failures, cooldownMs: 60_000 } },
    owner: null,
    calls,
    uses: { reliesOn: () => false, hasTasks: () => false },
    onAwaited: () => {
      world.awaited += 1;
    },
    thread: {
      slot: 0,
      threadRecord: { state: 'running', restarts: 0, heap_mb: null, mates: 0 },
      get heldBack() {
        return world.heldBack;
      },
      post: (message) => {
        if (world.reachable) posted.push(message);
        return world.reachable;
      },
      wake: () => {},
    },
    halted: () => ({ active: world.halted, reason: 'test' }),
    log: pino({ level: 'silent' }),
    observer: NO_OBSERVER,
    onChange: () => {},
  });
  const router = new Router({
    catalogs,
    profiles: new Profiles([config]),
    calls,
    servers: {
      names: ['echo'],
      all: () => [server],
      of: () => [server],
      serving: () => server,
    },
    version: '0',
    halted: () => ({ active: world.halted, reason: 'test' }),
    health: () => '{}',
    observer: NO_OBSERVER,
    events: {
      onLogLevel: () => {},
      onClients: () => {},
      onClient: () => {},
      onClientGone: () => {},
    },
  });
  const connect = () => {
    const answers: { id: unknown; code: string | number | null; outcome: string | null }[] = [];
    const sent: string[] = [];
    const state = { congested: false, parts: [] as readonly Uint8Array[] };
    const take = (parts: readonly Uint8Array[]) => {
      state.parts = parts;
      const message = JSON.parse(Buffer.concat(parts).toString());
      if (message.method !== undefined) return void sent.push(message.method);
      const error = message.result?._meta?.['rea/error'];
      answers.push({
        id: message.id,
        code: error?.code ?? message.error?.code ?? null,
        outcome: error?.outcome ?? null,
      });
    };
    const peer = sessionsOf(router)({
      answer: take,
      send: take,
      get needsDrain() {
        return state.congested;
      },
      finished: () => {},
    });
    open.push({ peer });
    const receive = (message: object): void => {
      const frame = scanFrame(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
      if ('error' in frame) throw new Error('the test wrote a bad message');
      peer.receive(frame);
    };
    const call = (id: unknown, more: object = {}) =>
      receive({ id, method: 'tools/call', params: { name: 'echo__say', ...more } });
    const drained = () => {
      state.congested = false;
      peer.drained();
    };
    return { answers, sent, state, receive, call, drained };
  };
  const first = connect();
  const { answers, receive } = first;
  const json = new TextEncoder().encode('{"name":"say"}');
  catalogs.shared.update('echo', 'tools', [{ key: 'say', json, keyAt: [8, 13] }]);
  const event = (incarnation: number, phase: SupervisorRecord['phase'], of: object): void => {
    server.lifecycle({
      type: 'lifecycle',
      slot: 0,
      server: 'echo',
      incarnation,
      at: RECORD.since,
      event: of,
      record: { ...RECORD, phase, incarnation },
      nextStartInMs: null,
    } as LifecycleMessage);
  };
  return {
    answers,
    first,
    connect,
    router,
    calls: () => posted.filter((message): message is CallMessage => message.type === 'call'),
    posted,
    downstream: server,
    receive,
    awaited: () => [server.awaited, world.awaited],
    set: (state: Partial<typeof world>) => Object.assign(world, state),
    ready: (incarnation: number) =>
      event(incarnation, 'ready', { event: 'ready', features: FEATURES }),
    died: (incarnation: number) =>
      event(incarnation, 'backoff', {
        event: 'child_died_unexpectedly',
        reason: 'exit',
        code: 1,
        signal: null,
        detail: 'exit 1',
      }),
    starting: (incarnation: number) => event(incarnation, 'starting', { event: 'starting' }),
    call: (id: unknown) => receive({ id, method: 'tools/call', params: { name: 'echo__say' } }),
    reply: (call: number, text = '', more: Partial<AnswerMessage> = {}) => {
      const json = Buffer.from(`{"jsonrpc":"2.0","id":${call},"result":{"text":"${text}"}}`);
      const line = Buffer.allocUnsafeSlow(json.length);
      line.set(json);
      server.answer({
        type: 'answer',
        slot: 0,
        incarnation: 1,
        call,
        line,
        id: [22, 22 + String(call).length],
        isError: false,
        toolError: false,
        ...more,
      });
      return line;
    },
    unsent: (call: number, incarnation: number) =>
      server.callFailed({
        type: 'call_failed',
        slot: 0,
        incarnation,
        call,
        code: null,
        outcome: 'not_sent',
        message: '',
      }),
  };
}

describe('a server that starts', () => {
  test('is needed by a call that waits for it', () => {
    const { call, starting, ready, awaited } = house();
    starting(1);
    expect(awaited()).toEqual([false, 0]);
    call('a');
    expect(awaited()).toEqual([true, 1]);
    ready(1);
    expect(awaited()).toEqual([false, 1]);
  });

  test('is needed by who waits for what it offers, until it is ready', () => {
    const { downstream: server, starting, ready, died, awaited } = house();
    starting(1);
    server.wake();
    expect(awaited()).toEqual([true, 1]);
    died(1);
    starting(2);
    expect(server.awaited).toBe(true);
    ready(2);
    server.wake();
    expect(server.awaited).toBe(false);
  });
});

test('a large answer belongs to the client alone, and is freed once that has taken it', () => {
  const { call, calls, ready, reply, first } = house();
  ready(1);
  call('a');
  const line = reply(calls()[0]?.call ?? 0, 'x'.repeat(100_000));
  expect(first.answers).toEqual([{ id: 'a', code: null, outcome: null }]);
  expect(line.length).toBeGreaterThan(100_000);
  free(first.state.parts);
  expect(line.length).toBe(0);
});

describe('a request about a task', () => {
  const note = { id: 'task-1', idAt: [0, 1], at: [0, 1], ended: false, ttlMs: null } as const;

  /** A client has a task at the server. */
  function atWork() {
    const all = house();
    all.ready(1);
    all.receive({ id: 'a', method: 'tools/call', params: { name: 'echo__say', task: {} } });
    const call = all.calls()[0]?.call ?? 0;
    // The id is replaced by itself.
    const idAt = [22, 22 + String(call).length] as const;
    all.reply(call, '', { tasks: { notes: [{ ...note, idAt }], nextCursor: null } });
    const ask = (id: string, method: string) =>
      all.receive({ id, method, params: { taskId: 'task-1' } });
    return { ...all, ask };
  }

  test('is not sent to a process that knows nothing of it, which may use the same id', () => {
    const {
      ask,
      set,
      ready,
      died,
      starting,
      calls,
      answers,
      router,
      downstream: server,
    } = atWork();
    expect(router.hasTasks(server)).toBe(true);
    set({ reachable: false });
    ask('b', 'tasks/result');
    died(1);
    router.serverGone(server);
    expect(router.hasTasks(server)).toBe(false);
    starting(2);
    set({ reachable: true });
    ready(2);
    expect(calls()).toHaveLength(1);
    expect(answers.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(answers[1]?.code).not.toBeNull();
  });

  test('cancels nothing in a process that knows nothing of it when its client is gone', () => {
    const { set, ready, died, starting, calls, router, downstream: server } = atWork();
    const capabilities = '{"tasks":{"cancel":{}}}';
    router.profiles.update('echo', { capabilities, instructions: '', name: 'e', version: '1' });
    set({ reachable: false });
    open[0]?.peer.closed('gone');
    expect(server.record.queued).toBe(1);
    died(1);
    router.serverGone(server);
    starting(2);
    set({ reachable: true });
    ready(2);
    expect([calls().length, server.record.queued]).toEqual([1, 0]);
  });

  test('waits like others for the process that has it', () => {
    const { ask, set, ready, calls, answers } = atWork();
    set({ reachable: false });
    ask('b', 'tasks/get');
    set({ reachable: true });
    ready(1);
    expect(calls()).toHaveLength(2);
    expect(answers.map(({ id }) => id)).toEqual(['a']);
  });

  test('may take any time, which is not counted as latency', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const { ask, reply, calls, answers, downstream: server } = atWork();
      ask('b', 'tasks/result');
      vi.advanceTimersByTime(10_000);
      reply(calls()[1]?.call ?? 0);
      expect(answers.map(({ id }) => id)).toEqual(['a', 'b']);
      expect(server.record.p99_ms).toBeLessThan(1);
    } finally {
      vi.useRealTimers();
    }
  });

  test('ends it when the server says that it failed, or does not know it', () => {
    for (const method of ['tasks/result', 'tasks/get']) {
      const { ask, reply, calls, router, downstream: server } = atWork();
      ask('b', method);
      expect(router.hasTasks(server)).toBe(true);
      reply(calls()[1]?.call ?? 0, '', { isError: true });
      expect([method, router.hasTasks(server)]).toEqual([method, false]);
    }
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
    const { connect, router, downstream: server, ready } = house();
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

describe('a call', () => {
  test('returned unsent waits for the next incarnation instead of going back and forth', () => {
    const { call, calls, ready, unsent, answers } = house();
    ready(1);
    call('a');
    expect(calls()).toHaveLength(1);
    unsent(1, 1);
    expect(calls()).toHaveLength(1);
    expect(answers).toEqual([]);
    ready(2);
    expect(calls().map(({ incarnation }) => incarnation)).toEqual([1, 2]);
  });

  test('that finds no thread keeps its place and is sent by the next one', () => {
    const { call, calls, ready, set, answers, downstream: server } = house({ maxConcurrency: 1 });
    ready(1);
    call('a');
    call('b');
    set({ reachable: false });
    // The answer of the first makes room for the second, whose thread is gone by now.
    server.threadLost(1, 'gone', 0);
    expect(answers).toEqual([{ id: 'a', code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown' }]);
    set({ reachable: true });
    ready(2);
    expect(calls()).toHaveLength(2);
  });

  test('posted to a thread that is being lost is not taken for sent', () => {
    const {
      call,
      calls,
      ready,
      reply,
      set,
      answers,
      downstream: server,
    } = house({ maxConcurrency: 1 });
    ready(1);
    call('a');
    call('b');
    set({ reachable: false });
    reply(1);
    server.threadLost(1, 'gone', 0);
    expect(answers).toEqual([{ id: 'a', code: null, outcome: null }]);
    set({ reachable: true });
    ready(2);
    expect(calls()).toHaveLength(2);
  });

  test('waits no longer than its queue allows while a probe is under way', () => {
    const { call, calls, ready, died, starting, answers } = house({ maxQueue: 2 }, 1);
    ready(1);
    died(1);
    starting(2);
    // The circuit is open: refused at once, also while the server starts.
    call('refused');
    expect(answers.at(-1)).toMatchObject({ id: 'refused', code: 'ERR_BREAKER_OPEN' });
    ready(2);
    for (let i = 0; i < 50; i++) call(`c${i}`);
    expect(calls()).toHaveLength(1);
    expect(answers.slice(1)).toHaveLength(49);
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['ERR_BREAKER_OPEN']));
  });

  test('with an id in use is refused, and the first one keeps its answer', () => {
    const { call, calls, ready, reply, answers } = house();
    ready(1);
    call('same');
    call('same');
    expect(calls()).toHaveLength(1);
    expect(answers).toEqual([{ id: 'same', code: -32600, outcome: null }]);
    reply(1);
    expect(answers.at(-1)).toEqual({ id: 'same', code: null, outcome: null });
  });

  test('that expires while its server is not read says nothing about the server', () => {
    vi.useFakeTimers();
    try {
      const { call, ready, answers, set, downstream: server } = house({ callTimeoutMs: 1000 }, 1);
      ready(1);
      set({ heldBack: true });
      call('held back');
      vi.advanceTimersByTime(1000);
      expect(answers).toEqual([{ id: 'held back', code: 'ERR_TIMEOUT', outcome: 'unknown' }]);
      expect(server.record.circuit_state).toBe('closed');
      set({ heldBack: false });
      call('too slow');
      vi.advanceTimersByTime(1000);
      expect(answers.at(-1)).toEqual({ id: 'too slow', code: 'ERR_TIMEOUT', outcome: 'unknown' });
      expect(server.record.circuit_state).toBe('open');
    } finally {
      vi.useRealTimers();
    }
  });

  test('open at a stop is answered: lost if it was sent, not sent if it waited', () => {
    const { call, ready, downstream: server, answers, posted } = house({ maxConcurrency: 1 });
    ready(1);
    call('sent');
    call('waiting');
    server.abandon();
    expect(answers).toEqual(
      expect.arrayContaining([
        { id: 'sent', code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown' },
        { id: 'waiting', code: 'ERR_DOWNSTREAM_DOWN', outcome: 'not_sent' },
      ]),
    );
    expect(posted.at(-1)).toMatchObject({ type: 'cancel', call: 1 });
  });

  test('under HALT is refused with nothing posted', () => {
    const { call, posted, ready, set, answers } = house();
    ready(1);
    set({ halted: true });
    call('a');
    expect(posted).toEqual([]);
    expect(answers).toEqual([{ id: 'a', code: 'ERR_HALTED', outcome: 'not_sent' }]);
  });
});

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
    rea.downstream.progress({
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
