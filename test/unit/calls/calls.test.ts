/** One client's calls on their way to a server and back. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { free } from '#src/main/calls/owned-lines.ts';
import { closeClients, house } from '../../support/calls-house.ts';

afterEach(closeClients);

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

  test('is needed by a client that waits for what it offers, until it is ready', () => {
    const { server, starting, ready, died, awaited } = house();
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

describe('a call', () => {
  test('returned unsent waits for the next incarnation instead of going back and forth', () => {
    const { call, calls, ready, unsent, answers } = house();
    ready(1);
    call('a');
    expect(calls()).toHaveLength(1);
    unsent(2, 1);
    expect(calls()).toHaveLength(1);
    expect(answers).toEqual([]);
    ready(2);
    expect(calls().map(({ incarnation }) => incarnation)).toEqual([1, 2]);
  });

  test('that fails when nobody waits for it any more changes nothing', () => {
    const { call, receive, server, ready, starting, unsent, awaited } = house();
    ready(1);
    call('a');
    receive({ method: 'notifications/cancelled', params: { requestId: 'a' } });
    starting(2);
    call('b');
    const before = awaited();
    unsent(2, 1);
    expect(awaited()).toEqual(before);
    expect(server.record.queued).toBe(1);
  });

  test('that finds no thread keeps its place and is sent by the next one', () => {
    const { call, calls, ready, set, answers, server } = house({ maxConcurrency: 1 });
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
    const { call, calls, ready, reply, set, answers, server } = house({ maxConcurrency: 1 });
    ready(1);
    call('a');
    call('b');
    set({ reachable: false });
    reply(2);
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
    reply(2);
    expect(answers.at(-1)).toEqual({ id: 'same', code: null, outcome: null });
  });

  test('that expires while its server is not read says nothing about the server', () => {
    vi.useFakeTimers();
    try {
      const { call, ready, answers, set, server } = house({ callTimeoutMs: 1000 }, 1);
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
    const { call, ready, server, answers, posted } = house({ maxConcurrency: 1 });
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
    expect(posted.at(-1)).toMatchObject({ type: 'cancel', call: 2 });
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

describe('a server that asks', () => {
  /** It asks for roots while it has a call. */
  function asking({ router, server }: ReturnType<typeof house>, incarnation: number) {
    const line = Buffer.from('{"jsonrpc":"2.0","id":7,"method":"roots/list"}');
    router.serverRequests.ask(server, {
      type: 'reverse_request',
      slot: 0,
      incarnation,
      method: 'roots/list',
      line,
      id: [22, 23],
      token: null,
      needs: [],
      name: null,
      calls: [],
      mayBeOfOthers: false,
      call: null,
      relatedTask: null,
      makesTask: false,
      taskId: null,
      elicitationId: null,
    });
  }

  test('on the way of a probe does not keep all others waiting for its client', () => {
    const one = house({}, 1);
    one.ready(1);
    one.died(1);
    one.ready(2);
    one.call('a');
    one.call('b');
    expect(one.answers).toEqual([{ id: 'b', code: 'ERR_BREAKER_OPEN', outcome: 'not_sent' }]);
    asking(one, 2);
    one.call('c');
    expect(one.calls()).toHaveLength(2);
    one.reply(one.calls()[1]?.call ?? 0);
    one.call('d');
    expect(one.calls()).toHaveLength(3);
  });

  test('is not slow because its client is', () => {
    vi.useFakeTimers();
    try {
      const one = house();
      one.ready(1);
      one.call('a');
      asking(one, 1);
      vi.advanceTimersByTime(600_000);
      one.reply(one.calls()[0]?.call ?? 0);
      expect(one.server.record.p99_ms).toBeLessThan(10);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a server over HTTP', () => {
  const endpoint = { url: 'http://127.0.0.1:1/mcp', headers: {}, tokenFile: null, oauth: null };

  test.each(['unknown', 'not_sent'] as const)('says of an expired call: %s', (outcome) => {
    vi.useFakeTimers();
    try {
      const { call, ready, answers, posted, expired, server } = house(
        { callTimeoutMs: 1000, endpoint },
        1,
      );
      ready(1);
      call('a');
      vi.advanceTimersByTime(1000);
      expect([answers, posted.at(-1)]).toEqual([[], { type: 'expire', slot: 0, call: 2 }]);
      expired(2, outcome);
      expect(answers).toEqual([{ id: 'a', code: 'ERR_TIMEOUT', outcome }]);
      // What never left says nothing about the server.
      expect(server.record.circuit_state).toBe(outcome === 'unknown' ? 'open' : 'closed');
      vi.advanceTimersByTime(5000);
      expect([answers.length, server.inFlight]).toEqual([1, 0]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('may still answer an expired call, and one of a thread that says nothing is unknown', () => {
    vi.useFakeTimers();
    try {
      const { call, ready, answers, reply } = house({ callTimeoutMs: 1000, endpoint });
      ready(1);
      call('answered');
      call('forgotten');
      vi.advanceTimersByTime(1000);
      reply(2);
      expect(answers).toEqual([{ id: 'answered', code: null, outcome: null }]);
      vi.advanceTimersByTime(999);
      expect(answers).toHaveLength(1);
      vi.advanceTimersByTime(1);
      expect(answers.at(-1)).toEqual({ id: 'forgotten', code: 'ERR_TIMEOUT', outcome: 'unknown' });
    } finally {
      vi.useRealTimers();
    }
  });

  test('that gives an expired call back unsent is not asked again', () => {
    vi.useFakeTimers();
    try {
      const { call, calls, ready, answers, unsent } = house({ callTimeoutMs: 1000, endpoint });
      ready(1);
      call('a');
      vi.advanceTimersByTime(1000);
      unsent(2, 1);
      expect(answers).toEqual([{ id: 'a', code: 'ERR_TIMEOUT', outcome: 'not_sent' }]);
      ready(2);
      expect(calls()).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });

  test('is waited for while it is away, but not for longer than five seconds', () => {
    const { call, calls, ready, away, answers, server } = house({ endpoint }, 1);
    ready(1);
    away(1, 0);
    call('a');
    expect(answers).toEqual([]);
    away(3, 4999);
    expect(answers).toEqual([]);
    away(9, 5000);
    call('b');
    expect(answers).toEqual(
      ['a', 'b'].map((id) => ({ id, code: 'ERR_BACKOFF', outcome: 'not_sent' })),
    );
    expect(server.record.circuit_state).toBe('closed');
    ready(10);
    call('c');
    expect(calls()).toHaveLength(1);
  });
});
