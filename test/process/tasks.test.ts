/** Tasks through the gateway: each belongs to one client and one server, whatever their ids are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, expect, test, vi } from 'vitest';
import { type HttpVisitor, visit } from '../support/http-client.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { connectSdkClient } from '../support/sdk-client.ts';
import { fixture, realServer, registry, type ServerSpec } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const RELATED = 'io.modelcontextprotocol/related-task';

async function serveHttp(
  servers: Record<string, ServerSpec>,
  defaults: Record<string, unknown> = {},
): Promise<Rea> {
  const rea = await startRea({
    args: ['--http', '127.0.0.1:0', '--no-token'],
    config: registry(servers, defaults),
    initialize: false,
  });
  await Promise.all(Object.keys(servers).map((name) => rea.waitForPhase(name, 'ready')));
  return rea;
}

async function stop(rea: Rea): Promise<void> {
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
}

/** Asks for a task and returns its id. */
async function begin(visitor: HttpVisitor, server: string, token?: string): Promise<string> {
  const meta = token === undefined ? {} : { _meta: { progressToken: token } };
  const params = { name: `${server}__work`, task: { ttl: 60_000 }, ...meta };
  const { task } = await visitor.ask('tools/call', params);
  expect(task.status).toBe('working');
  return task.taskId;
}

async function control(visitor: HttpVisitor, tool: string, args: object): Promise<string> {
  const { content } = await visitor.ask('tools/call', { name: tool, arguments: args });
  return content[0].text;
}

async function listed(visitor: HttpVisitor): Promise<string[]> {
  const { tasks } = await visitor.ask('tasks/list');
  return tasks.map(({ taskId }: { taskId: string }) => taskId).sort();
}

test.concurrent('a real server runs a task that outlasts the call timeout and asks its client in its course', async () => {
  const rea = await startRea({
    initialize: false,
    config: registry({ every: realServer('everything') }, { call_timeout_ms: 3_000 }),
  });
  const client = await connectSdkClient(rea.wire, { elicitation: { form: {} } });
  const asked: unknown[] = [];
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params._meta?.[RELATED]);
    return { action: 'accept', content: { interpretation: 'snake' } };
  });
  await rea.waitForPhase('every', 'ready');
  await client.listTools();
  const made = await rea.wire.request('tools/call', {
    name: 'every__simulate-research-query',
    arguments: { topic: 'python', ambiguous: true },
    task: { ttl: 60_000 },
  }).answer;
  const { taskId } = made.message.result.task;
  const result = rea.wire.request('tasks/result', { taskId });
  const status = await rea.request('tasks/get', { taskId });
  // It waits for its client before it is done.
  const underWay = expect.stringMatching(/^(working|input_required)$/);
  expect(status.message.result).toMatchObject({ taskId, status: underWay });
  expect((await rea.request('tasks/list')).message.result.tasks).toMatchObject([{ taskId }]);
  const { message, text } = await result.answer;
  expect(text).toContain('Research Report: python (snake)');
  expect(message.result._meta[RELATED]).toEqual({ taskId });
  expect(asked).toEqual([{ taskId }]);
  const after = await rea.request('tasks/get', { taskId });
  expect(after.message.result.status).toBe('completed');
});

test.concurrent('two servers that give the same id do not meet, nor do two clients', async () => {
  const rea = await serveHttp({ x: fixture('tasks'), y: fixture('tasks') });
  const [a, b] = [await visit(rea), await visit(rea)];
  expect(a.client.getServerCapabilities()?.tasks).toEqual({
    list: {},
    cancel: {},
    requests: { tools: { call: {} } },
  });
  const ax = await begin(a, 'x');
  const ay = await begin(a, 'y');
  const bx = await begin(b, 'x');
  // Both servers called it task-1.
  expect([ax, ay, bx]).toEqual(['task-1', 'task-1~2', 'task-2']);
  expect(await listed(a)).toEqual([ax, ay]);
  expect(await listed(b)).toEqual([bx]);
  const unknown = await a.ask('tasks/get', { taskId: 'none' }).catch((error: Error) => error);
  expect(String(unknown)).toContain('Unknown task: none');
  for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
    const foreign = await a.ask(method, { taskId: bx }).catch((error: Error) => error);
    expect(String(foreign)).toBe(String(unknown).replace('none', bx));
  }

  const result = a.ask('tasks/result', { taskId: ay });
  await control(b, 'y__finish', { taskId: 'task-1' });
  expect(await result).toEqual({
    content: [{ type: 'text', text: 'result of task-1' }],
    _meta: { [RELATED]: { taskId: ay } },
  });
  expect(await a.ask('tasks/get', { taskId: ay })).toMatchObject({
    taskId: ay,
    status: 'completed',
  });
  expect(await a.ask('tasks/cancel', { taskId: ax })).toMatchObject({
    taskId: ax,
    status: 'cancelled',
  });
  expect(await control(a, 'x__status', { taskId: 'task-1' })).toBe('cancelled');
  expect(await control(a, 'x__status', { taskId: bx })).toBe('working');
  await Promise.all([a.leave(), b.leave()]);
  await stop(rea);
});

test.concurrent('progress and status of a task reach its client alone, until it has ended', async () => {
  const rea = await serveHttp({ x: fixture('tasks'), y: fixture('tasks') });
  const [a, b] = [await visit(rea), await visit(rea)];
  await begin(a, 'x', 'first');
  const taskId = await begin(a, 'y', 'mine');
  await control(b, 'y__advance', { taskId: 'task-1', progress: 1 });
  await control(b, 'y__advance', { taskId: 'task-1', progress: 2 });
  await control(b, 'y__finish', { taskId: 'task-1' });
  await control(b, 'y__advance', { taskId: 'task-1', progress: 3 });
  const status = (one: HttpVisitor) =>
    one.heard.filter(({ method }) => method === 'notifications/tasks/status');
  await until(() => status(a).length === 4, { what: 'four words of status' });
  expect(status(a).map(({ params }) => [params.taskId, params.status])).toEqual([
    [taskId, 'working'],
    [taskId, 'working'],
    [taskId, 'completed'],
    [taskId, 'completed'],
  ]);
  const progress = a.heard.filter(({ method }) => method === 'notifications/progress');
  expect(progress.map(({ params }) => params)).toEqual([
    { progressToken: 'mine', progress: 1 },
    { progressToken: 'mine', progress: 2 },
  ]);
  // Lists may be announced to everybody.
  expect(b.heard.filter(({ method }) => !method.endsWith('list_changed'))).toEqual([]);
  await Promise.all([a.leave(), b.leave()]);
  await stop(rea);
});

test.concurrent('a question in the course of a task goes to its client, and to nobody when that one is gone', async () => {
  const rea = await serveHttp({
    x: { ...fixture('tasks'), client_capabilities: { elicitation: {} } },
    y: { ...fixture('tasks'), client_capabilities: { elicitation: {} } },
  });
  const asked: unknown[] = [];
  const answering = async (name: string) => {
    const visitor = await visit(rea, { elicitation: { form: {} } });
    visitor.client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push([name, params._meta?.[RELATED]]);
      return { action: 'decline', _meta: { [RELATED]: params._meta?.[RELATED] } };
    });
    return visitor;
  };
  const [a, b] = [await answering('a'), await answering('b')];
  await begin(a, 'x');
  const taskId = await begin(a, 'y');
  expect(taskId).toBe('task-1~2');
  const question = {
    method: 'elicitation/create',
    params: { message: 'well?', requestedSchema: { type: 'object', properties: {} } },
  };
  // The call in flight is the other client's.
  const answer = await control(b, 'y__ask', { ...question, taskId: 'task-1' });
  expect(JSON.parse(answer).result).toEqual({
    action: 'decline',
    _meta: { [RELATED]: { taskId: 'task-1' } },
  });
  expect(asked).toEqual([['a', { taskId }]]);
  // It may as well be for the task that runs.
  expect(await control(b, 'y__ask', question)).toContain('not clear');

  await a.leave();
  await until(async () => (await control(b, 'y__status', { taskId: 'task-1' })) === 'cancelled', {
    what: 'the task of the client that left to be cancelled',
  });
  expect(await control(b, 'y__ask', { ...question, taskId: 'task-1' })).toContain('unknown task');
  expect(JSON.parse(await control(b, 'y__ask', question)).result.action).toBe('decline');
  expect(asked.at(-1)).toEqual(['b', undefined]);
  await b.leave();
  await stop(rea);
});

test.concurrent('a task that comes after its call was cancelled is cancelled too', async () => {
  const journal = join(makeDirectory(), 'journal');
  const rea = await startRea({ config: registry({ x: fixture('tasks', '--journal', journal) }) });
  await rea.waitForPhase('x', 'ready');
  const args = { waitMs: 3_000 };
  const params = { name: 'x__work', arguments: args, task: {} };
  const pending = rea.wire.request('tools/call', params);
  await until(() => readFileSync(journal, 'utf8').includes('"waitMs":3000'), {
    what: 'the call to arrive',
  });
  rea.cancel(pending);
  const cancelled = await until(
    () => readFileSync(journal, 'utf8').match(/.*"method":"tasks\/cancel".*/),
    { what: 'tasks/cancel' },
  );
  expect(JSON.parse(cancelled[0]).params).toEqual({ taskId: 'task-1' });
  expect((await rea.request('tasks/list')).message.result).toEqual({ tasks: [] });
});

test.concurrent('a server that dies takes its tasks with it, and their client is told when it asks', async () => {
  const rea = await startRea({ config: registry({ x: fixture('tasks') }) });
  const { pid } = await rea.waitForPhase('x', 'ready');
  const made = await rea.wire.request('tools/call', { name: 'x__work', task: {} }).answer;
  const { taskId } = made.message.result.task;
  const result = rea.wire.request('tasks/result', { taskId });
  await rea.waitForServer('x', ({ in_flight }) => in_flight === 1, { what: 'waiting' });
  killOne(pid ?? 0);
  expect((await result.answer).failure).toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN' });
  await rea.waitForServer('x', (one) => one.phase === 'ready' && one.restarts === 1, {
    what: 'its restart',
  });
  for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
    const { failure, text } = await rea.request(method, { taskId });
    expect(failure).toMatchObject({
      code: 'ERR_OUTCOME_UNKNOWN',
      server: 'x',
      outcome: 'unknown',
      retryable: false,
    });
    expect(text).toContain('died and its tasks with it');
  }
  expect((await rea.request('tasks/list')).message.result).toEqual({ tasks: [] });
});

test.concurrent('waiting for results takes no place of other calls, and can be cancelled', async () => {
  const rea = await startRea({
    config: registry({ x: fixture('tasks') }, { max_concurrency: 1, call_timeout_ms: 3_000 }),
  });
  await rea.waitForPhase('x', 'ready');
  const made = await rea.wire.request('tools/call', { name: 'x__work', task: {} }).answer;
  const { taskId } = made.message.result.task;
  const [first, second] = [1, 2].map(() => rea.wire.request('tasks/result', { taskId }));
  for (let n = 0; n < 5; n++) {
    expect((await rea.request('tasks/get', { taskId })).message.result.status).toBe('working');
    await rea.call('x__work', { waitMs: 1_000 });
  }
  expect([first?.answered(), second?.answered()]).toEqual([false, false]);
  if (first !== undefined) rea.cancel(first);
  await rea.call('x__finish', { taskId });
  expect((await second?.answer)?.text).toBe(`result of ${taskId}`);
  expect(first?.answered()).toBe(false);
});
