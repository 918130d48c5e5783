/** Requests about tasks, on their way to the process that has the task. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { closeClients, house } from '../../support/calls-house.ts';

afterEach(closeClients);

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
    const { ask, set, ready, died, starting, calls, answers, router, server } = atWork();
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
    const { first, set, ready, died, starting, calls, router, server } = atWork();
    const capabilities = '{"tasks":{"cancel":{}}}';
    router.profiles.update('echo', { capabilities, instructions: '', name: 'e', version: '1' });
    set({ reachable: false });
    first.close();
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
      const { ask, reply, calls, answers, server } = atWork();
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
      const { ask, reply, calls, router, server } = atWork();
      ask('b', method);
      expect(router.hasTasks(server)).toBe(true);
      reply(calls()[1]?.call ?? 0, '', { isError: true });
      expect([method, router.hasTasks(server)]).toEqual([method, false]);
    }
  });
});
