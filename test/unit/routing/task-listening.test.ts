/** Streams that are told of tasks: a server is told that nobody listens any more, whatever has become of the task. */
import { expect, test } from 'vitest';
import type { Client } from '#src/main/routing/client.ts';
import { TaskRequests, type TaskRequestsOptions } from '#src/main/routing/tasks/task-requests.ts';
import { MAX_TASKS, Tasks } from '#src/main/routing/tasks/tasks.ts';
import type { Server } from '#src/main/servers/server.ts';

const server = { released: () => {} } as unknown as Server;
const client = {} as Client;

/** Everything that its server is asked, and with what it ends. */
function world(agrees = true) {
  const asked: string[] = [];
  const tasks = new Tasks();
  const sender = {
    ask: (
      _server: Server,
      method: string,
      { taskId }: { taskId: string },
      { hooks }: { hooks: { onEnd?: (ok: boolean) => void } },
    ) => {
      asked.push(`${method} ${taskId}`);
      hooks.onEnd?.(agrees);
      return {};
    },
  } as unknown as TaskRequestsOptions['sender'];
  const rest = {} as Pick<TaskRequestsOptions, 'profiles' | 'observer'>;
  const requests = new TaskRequests({ ...rest, sender, tasks });
  let calls = 0;
  const make = (id: string, ended = false) => {
    calls += 1;
    const note = { id, idAt: [0, 0], at: [0, 0], ended, ttlMs: null } as const;
    const call = { id: calls, tokenRaw: null };
    return tasks.made({ client, server, call, isHandle: true }, note, 0).shownId;
  };
  const listen = (taskId: string, on: boolean) => {
    let outcome: boolean | null = null;
    requests.listen({ client, taskId, can: 0 }, on, (ok) => {
      outcome = ok;
    });
    return outcome;
  };
  return { asked, tasks, requests, make, listen };
}

test('a task that is forgotten while a stream is told of it is left with that stream', () => {
  const { asked, tasks, make, listen } = world();
  const shown = make('one', true);
  expect(listen(shown, true)).toBe(true);
  for (let count = 0; count < MAX_TASKS; count += 1) {
    tasks.isFull(client, 0);
    make(`more-${count}`);
  }
  expect(tasks.ofClient(client, shown)).toBeNull();
  expect(listen(shown, false)).toBe(true);
  // Once.
  expect(listen(shown, false)).toBe(false);
  expect(asked).toEqual(['tasks/listen one', 'tasks/leave one']);
});

test('what a client that goes has listened to is left', () => {
  const { asked, requests, make, listen } = world();
  listen(make('one'), true);
  listen(make('two'), true);
  make('three');
  requests.forget(client);
  expect(asked.slice(2).sort()).toEqual([
    'tasks/cancel one',
    'tasks/cancel three',
    'tasks/cancel two',
    'tasks/leave one',
    'tasks/leave two',
  ]);
});

test('nothing is asked of a process that is gone, or about what was never agreed to', () => {
  const gone = world();
  const shown = gone.make('one');
  gone.listen(shown, true);
  gone.tasks.serverGone(server);
  expect(gone.listen(shown, false)).toBe(false);
  expect(gone.asked).toEqual(['tasks/listen one']);
  const refused = world(false);
  const other = refused.make('one');
  expect(refused.listen(other, true)).toBe(false);
  expect(refused.listen(other, false)).toBe(false);
  expect(refused.asked).toEqual(['tasks/listen one']);
});
