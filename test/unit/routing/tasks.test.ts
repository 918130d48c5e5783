/** Whose task is whose. */
import { beforeEach, expect, test } from 'vitest';
import type { Client } from '#src/main/routing/client.ts';
import { MAX_TASKS, MAX_TASKS_OF_ALL, Tasks } from '#src/main/routing/tasks/tasks.ts';
import type { Server } from '#src/main/servers/server.ts';

const [a, b] = [{}, {}] as unknown as [Client, Client];
const server = () => ({ released: () => {} });
const [x, y] = [server(), server()] as unknown as [Server, Server];

let tasks: Tasks;
let calls: number;
beforeEach(() => {
  tasks = new Tasks();
  calls = 0;
});

function make(
  client: Client,
  server: Server,
  id: string,
  { ended = false, ttlMs = null as number | null, isHandle = false } = {},
) {
  calls += 1;
  const call = { id: calls, tokenRaw: null };
  const note = { id, idAt: [0, 0], at: [0, 0], ended, ttlMs } as const;
  return tasks.made({ client, server, call, isHandle }, note, 0);
}

test('a task is known to its client by its own id, or a free one', () => {
  const ids = [make(a, x, '1'), make(a, y, '1'), make(b, y, '2'), make(a, y, '1~2')];
  expect(ids.map(({ shownId }) => shownId)).toEqual(['1', '1~2', '2', '1~2~2']);
  expect(tasks.ofClient(a, '1~2')).toMatchObject({ id: '1', server: y });
  expect(tasks.ofClient(b, '1')).toBeNull();
  expect(tasks.ofServer(y, '1~2')?.shownId).toBe('1~2~2');
});

test('a server that uses an id again means the new task', () => {
  make(a, x, '1');
  make(b, x, '1');
  expect(tasks.ofClient(a, '1')).toBeNull();
  expect(tasks.ofServer(x, '1')?.client).toBe(b);
  expect(tasks.ofCall(1)).toBeNull();
});

test('a call means its task until that has ended', () => {
  const task = make(a, x, '1');
  expect(tasks.ofCall(task.call)).toBe(task);
  tasks.ended(task, 0);
  expect(tasks.ofCall(task.call)).toBeNull();
  expect(tasks.ofClient(a, '1')?.state).toBe('ended');
  expect(tasks.ofCall(make(a, x, '2', { ended: true }).call)).toBeNull();
});

test('a task is at work while it runs and its time is not over', () => {
  const task = make(a, x, '1', { ttlMs: 100 });
  expect(tasks.atWork(a, x, 50)).toBe(true);
  expect([tasks.atWork(a, y, 50), tasks.atWork(b, x, 50), tasks.atWork(a, x, 100)]).toEqual([
    false,
    false,
    false,
  ]);
  tasks.ended(task, 0);
  expect(tasks.atWork(a, x, 50)).toBe(false);
});

test('a server is busy with a task until its client has the result, or lets it lie', () => {
  const [first, second] = [make(a, x, '1'), make(b, x, '2')];
  make(a, y, '3', { ttlMs: 100 });
  expect([tasks.isBusy(x, 0), tasks.isBusy(y, 99), tasks.isBusy(y, 100)]).toEqual([
    true,
    true,
    false,
  ]);
  tasks.ended(first, 1000);
  tasks.ended(second, 1000);
  tasks.settled(first);
  expect(tasks.isBusy(x, 1002)).toBe(true);
  expect(tasks.isBusy(x, 31_000)).toBe(false);
  tasks.settled(second);
  expect(tasks.isBusy(x, 1003)).toBe(false);
  // Nobody knows how long one may take that has no time of its own.
  const endless = make(a, x, '4');
  tasks.told(endless, 2_000_000);
  expect(tasks.isBusy(x, 5_599_999)).toBe(true);
  expect(tasks.isBusy(x, 5_600_000)).toBe(false);
  tasks.settled(endless);
  // What the server says again of a task that is done with does not matter.
  tasks.ended(second, 1004);
  expect(tasks.isBusy(x, 1004)).toBe(false);
});

test('a client is busy with its own tasks, and not with those that died with their server', () => {
  make(a, x, '1');
  const other = make(a, y, '2', { ttlMs: 100 });
  expect([tasks.isClientBusy(a, 50), tasks.isClientBusy(b, 50)]).toEqual([true, false]);
  tasks.serverGone(x);
  expect([tasks.isClientBusy(a, 50), tasks.isClientBusy(a, 100)]).toEqual([true, false]);
  tasks.ended(other, 50);
  expect(tasks.isClientBusy(a, 60)).toBe(true);
  tasks.settled(other);
  expect(tasks.isClientBusy(a, 60)).toBe(false);
});

test('the tasks of a server that died are lost, and its next ones are not', () => {
  make(a, x, '1');
  make(a, y, '2');
  tasks.serverGone(x);
  expect(tasks.ofClient(a, '1')?.state).toBe('lost');
  expect(tasks.ofClient(a, '2')?.state).toBe('running');
  expect(tasks.serversOf(a)).toEqual(new Set([y]));
  const again = make(a, x, '1');
  expect(again).toMatchObject({ shownId: '1~2', state: 'running' });
  expect(tasks.ofServer(x, '1')).toBe(again);
});

test('a client that goes leaves nothing, and what it left running is named', () => {
  tasks.ended(make(a, x, '1'), 0);
  const running = make(a, x, '2');
  make(b, x, '3');
  expect(tasks.drop(a)).toEqual([running]);
  expect(tasks.drop(a)).toEqual([]);
  expect([tasks.ofServer(x, '1'), tasks.ofServer(x, '2'), tasks.ofCall(2)]).toEqual([
    null,
    null,
    null,
  ]);
  expect(tasks.ofServer(x, '3')).not.toBeNull();
});

test('a client may have so many tasks, of which those that are over make room', () => {
  const all = Array.from({ length: MAX_TASKS }, (_, at) =>
    make(a, x, `${at}`, { ttlMs: at === 1 ? 100 : null }),
  );
  expect(tasks.isFull(a, 50)).toBe(true);
  expect(tasks.isFull(b, 50)).toBe(false);
  if (all[7] !== undefined) tasks.ended(all[7], 0);
  expect(tasks.isFull(a, 50)).toBe(false);
  expect(tasks.ofClient(a, '7')).toBeNull();
  make(a, x, 'next');
  expect(tasks.isFull(a, 50)).toBe(true);
  expect(tasks.isFull(a, 100)).toBe(false);
  expect(tasks.ofClient(a, '1')).toBeNull();
});

test('a task in place of a result has an id that nobody can guess, and only its client knows it', () => {
  const ids = new Set(
    Array.from({ length: 100 }, () => make(a, x, 'task-1', { isHandle: true }).shownId),
  );
  expect(ids.size).toBe(100);
  for (const id of ids) expect(id).toMatch(/^rea\.[\w-]{24}$/);
  const mine = make(a, x, '7', { isHandle: true });
  expect(tasks.ofClient(a, mine.shownId)).toBe(mine);
  expect([tasks.ofClient(a, '7'), tasks.ofClient(b, mine.shownId)]).toEqual([null, null]);
});

test('a server may keep a task for longer than it said first', () => {
  const task = make(a, x, '1', { ttlMs: 100, isHandle: true });
  expect(tasks.isBusy(x, 150)).toBe(false);
  const note = { id: '1', idAt: [0, 0], at: [0, 0], ended: false } as const;
  tasks.kept(task, { ...note, ttlMs: 200 });
  expect([tasks.isBusy(x, 150), tasks.isBusy(x, 200)]).toEqual([true, false]);
  tasks.kept(task, { ...note, ttlMs: null });
  expect(tasks.isBusy(x, 200)).toBe(true);
});

test('all clients together may have so many, too', () => {
  const clients = Array.from({ length: MAX_TASKS_OF_ALL / MAX_TASKS }, () => ({}) as Client);
  let last = make(a, x, 'first');
  for (const [at, client] of clients.entries()) {
    for (let n = 1; n < MAX_TASKS; n++) last = make(client, x, `${at}.${n}`);
  }
  for (let n = 1; n < clients.length; n++) make(b, x, `b${n}`);
  expect(tasks.isFull(a, 0)).toBe(true);
  tasks.ended(last, 0);
  expect(tasks.isFull(a, 0)).toBe(false);
  expect(tasks.ofServer(x, last.id)).toBeNull();
  make(a, x, 'second');
  expect(tasks.isFull(a, 0)).toBe(true);
  tasks.drop(b);
  expect(tasks.isFull(a, 0)).toBe(false);
});
