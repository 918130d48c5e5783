/**
 * Tasks of revision 2026-07-28: a server answers a call with the id of a task. Each has an id of the gateway's own,
 * which is good for the client that it was given to and for nobody else, over HTTP and over stdio.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { startWeb, stopHttpServers } from '../support/http-server.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { CLAIM, SUBSCRIPTION } from '../support/sessionless.ts';
import {
  type Asks,
  CAPABILITIES,
  called,
  EXTENSION,
  gotIn,
  listenTo,
  made,
  overHttp,
  PROGRAM,
  say,
  server,
  TAKES,
  TOKENS,
} from '../support/task-clients.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(async () => {
  await tidy();
  await stopHttpServers();
});

const SECRET = `ghp_${'Ab3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6'}`;

/** One gateway for tests that leave it as it was; the first test that asks starts it. */
let started: ReturnType<typeof start> | null = null;

function house() {
  started ??= start();
  return started;
}

async function start() {
  const dir = makeDirectory();
  const [file, untaken] = [join(dir, 'journal'), join(dir, 'untaken')];
  const web = await startWeb(PROGRAM);
  const rest = await overHttp({
    s: server(file),
    none: server(untaken),
    shy: { ...server(join(dir, 'shy')), asks: { elicitation: 'deny' } },
    web: { url: web.url },
  });
  for (const name of ['none', 'shy', 'web']) await rest.rea.waitForPhase(name, 'ready');
  return { ...rest, web, file, untaken };
}

test('a task is its client’s alone, under an id that nobody can guess', async () => {
  const file = join(makeDirectory(), 'journal');
  const { url, first, second } = await overHttp({ s: server(file), old: fixture('echo') });
  const { result: found } = await first('server/discover', {});
  expect(found.capabilities.extensions).toEqual({ [EXTENSION]: {} });
  expect(found.capabilities.tasks).toBeUndefined();

  const mine = await made(first);
  const theirs = await made(second);
  expect(theirs).not.toBe(mine);
  const { result } = await first('tasks/get', { taskId: mine });
  expect(result).toMatchObject({ resultType: 'complete', taskId: mine, status: 'working' });
  expect(JSON.stringify(result)).not.toContain('task-1');

  // Of another client, the server's own, made up, and of no form at all: each the same, and nothing of it leaves.
  const before = gotIn(file, 'tasks/get').length;
  for (const taskId of [theirs, 'task-1', 'task-2', `rea.${'A'.repeat(24)}`, '']) {
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const more = method === 'tasks/update' ? { inputResponses: {} } : {};
      const { error } = await first(method, { taskId, ...more });
      expect(error, taskId).toEqual({ code: -32602, message: `Unknown task: ${taskId}` });
    }
  }
  expect(gotIn(file, 'tasks/get')).toHaveLength(before);
  expect(gotIn(file, 'tasks/cancel').concat(gotIn(file, 'tasks/update'))).toEqual([]);
  expect((await second('tasks/get', { taskId: theirs })).result.status).toBe('working');

  // The header says the same as the body, and a request says that its client takes tasks.
  const get = { method: 'tasks/get', params: { taskId: mine } };
  for (const name of [undefined, theirs]) {
    const odd = await say(url, TOKENS[0], { ...get, headers: { 'mcp-name': name } }, TAKES);
    expect([odd.status, odd.answer.error?.code]).toEqual([400, -32020]);
  }
  const bare = await say(url, TOKENS[0], get, {});
  expect(bare.status).toBe(400);
  expect(bare.answer.error).toMatchObject({
    code: -32021,
    data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } },
  });
  expect((await first('tasks/list', {})).error?.code).toBe(-32601);

  // What it says at its end is looked through like the answer of a call.
  await called(first, 's__finish', { id: 'task-1', said: `token ${SECRET}` });
  const done = (await first('tasks/get', { taskId: mine })).result;
  expect(done).toMatchObject({ status: 'completed', taskId: mine });
  expect(done.result.content[0].text).toBe('token [REDACTED:github-token]');
  await called(second, 's__finish', { id: 'task-2', error: 'broken' });
  expect((await second('tasks/get', { taskId: theirs })).result).toMatchObject({
    status: 'failed',
    error: { message: 'broken' },
  });
  const other = await made(first);
  expect((await first('tasks/cancel', { taskId: other })).result).toEqual({
    resultType: 'complete',
  });
  expect((await first('tasks/get', { taskId: other })).result.status).toBe('cancelled');
  // One whose time is over is like one that never was.
  const brief = await made(first, 's__work', { ttl: 0 });
  expect((await first('tasks/get', { taskId: brief })).error?.code).toBe(-32602);
});

test('a client that takes no tasks gets none', async () => {
  const { first, untaken } = await house();
  const { error } = await called(first, 'none__work', {}, {});
  expect(error).toMatchObject({ code: -32021 });
  const { result } = await called(first, 'none__odd', {}, {});
  expect(result).toMatchObject({ resultType: 'complete', isError: true });
  expect(result._meta['rea/error']).toMatchObject({ code: 'ERR_MALFORMED_MESSAGE' });
  expect(result.content[0].text).toContain('is a task, and its client takes none');
  const told = gotIn(untaken, 'tools/call').map(({ params }) => params._meta[CAPABILITIES]);
  expect(told.map((one) => one.extensions?.[EXTENSION])).toEqual([undefined, undefined]);
  expect((await called(first, 'none__plain')).result).toMatchObject({ resultType: 'complete' });
});

test('what a task asks is signed, bounded by what its client declares, and answered once', async () => {
  const { rea, first, second, file } = await house();
  const taskId = await made(first, 's__asks');
  const { result } = await first('tasks/get', { taskId });
  expect(result).toMatchObject({ status: 'input_required', taskId });
  expect(result.inputRequests.who.params).toMatchObject({
    message: '[s] Who?',
    _meta: { 'rea/server': 's' },
  });
  const undeclared = await first('tasks/get', { taskId }, { extensions: { [EXTENSION]: {} } });
  expect(undeclared.error?.message).toContain('asks for elicitation');
  const denied = await made(first, 'shy__asks');
  expect((await first('tasks/get', { taskId: denied })).error?.message).toContain(
    'asks for elicitation',
  );
  const inputResponses = { who: { action: 'accept', content: { name: 'ada' } } };
  expect((await second('tasks/update', { taskId, inputResponses })).error?.code).toBe(-32602);

  const halt = join(rea.dir, '.rea', 'HALT');
  writeFileSync(halt, 'a test');
  const halted = await until(
    async () => {
      const one = await first('tasks/update', { taskId, inputResponses: {} });
      return one.error !== undefined && one;
    },
    { what: 'HALT' },
  );
  expect(halted.error?.data['rea/error']).toMatchObject({ code: 'ERR_HALTED', server: 's' });
  rmSync(halt);
  await until(async () => (await first('tasks/get', { taskId })).error === undefined, {
    what: 'no HALT',
  });
  expect((await first('tasks/update', { taskId, inputResponses })).result).toEqual({
    resultType: 'complete',
  });
  expect(gotIn(file, 'tasks/update').at(-1)?.params).toMatchObject({
    taskId: 'task-1',
    inputResponses,
  });
  expect((await first('tasks/get', { taskId })).result.result.content[0].text).toBe('hello ada');
});

test.each(['pipe', 'web'] as const)(
  'news of a task go to the streams of its client that ask for it, over a %s',
  async (how) => {
    const file = join(makeDirectory(), 'journal');
    const s = how === 'pipe' ? server(file) : { url: (await startWeb(PROGRAM)).url };
    const { url, first, second } = await overHttp({ s });
    const mine = await made(first, 's__asks');
    const theirs = await made(second);
    const both = { taskIds: [mine, theirs, 'task-1'] };
    const [own, foreign] = [
      await listenTo(url, TOKENS[0], { ...both, toolsListChanged: true }),
      await listenTo(url, TOKENS[1], both),
    ];
    expect(own.promised).toEqual({ toolsListChanged: true, taskIds: [mine] });
    expect(foreign.promised).toEqual({ taskIds: [theirs] });
    const bare = { method: 'subscriptions/listen', params: { notifications: both } };
    expect((await say(url, TOKENS[0], bare, {})).answer.error?.code).toBe(-32021);

    await called(first, 's__tell', { id: 'task-1' });
    const { method, params } = await own.next();
    expect(method).toBe('notifications/tasks');
    expect(params).toMatchObject({
      taskId: mine,
      status: 'input_required',
      inputRequests: { who: { params: { message: '[s] Who?' } } },
      _meta: { [SUBSCRIPTION]: 'l' },
    });
    await called(first, 's__finish', { id: 'task-2', said: `token ${SECRET}` });
    await called(first, 's__tell', { id: 'task-2' });
    // The first that comes there: nothing came of the other's task.
    const theirNews = (await foreign.next()).params;
    expect(theirNews).toMatchObject({ taskId: theirs, status: 'completed' });
    expect(theirNews.result.content[0].text).toBe('token [REDACTED:github-token]');
    await called(second, 's__finish', { id: 'task-1', said: 'done' });
    await called(second, 's__tell', { id: 'task-1' });
    const later = (await own.next()).params;
    expect(later).toMatchObject({ taskId: mine, status: 'completed' });
    expect(JSON.stringify([params, theirNews, later])).not.toContain('task-');
    own.leave();
    foreign.leave();
  },
);

test('the tasks of a server end with its process, and each request says so', async () => {
  const file = join(makeDirectory(), 'journal');
  const idle = { idle_stop_ms: 1000 };
  const { rea, first, second } = await overHttp({
    s: { ...server(file), ...idle },
    other: { ...fixture('echo'), ...idle },
  });
  const taskId = await made(first);
  const pid = rea.state()?.downstreams[0]?.pid;
  // One without a task, which was used later, is stopped for want of use.
  await called(second, 'other__echo', { text: 'x' });
  await rea.waitForPhase('other', 'idle');
  expect(rea.state()?.downstreams[0]).toMatchObject({ phase: 'ready', pid });
  await called(second, 's__die');
  await rea.waitForState(
    ({ downstreams: [one] }) => one?.phase === 'ready' && one.pid !== pid && one,
    { what: 'another process' },
  );
  const again = await made(second);
  for (const method of ['tasks/get', 'tasks/cancel']) {
    const { error } = await first(method, { taskId });
    expect(error?.data['rea/error']).toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN', server: 's' });
    expect(error?.message).toContain('died and its tasks with it');
  }
  // It has given the same id again, to somebody else.
  expect((await second('tasks/get', { taskId: again })).result.status).toBe('working');
  expect(gotIn(file, 'tasks/cancel')).toEqual([]);
  expect(gotIn(file, 'tasks/get')).toHaveLength(1);
});

test('a server over HTTP is asked with the header that names its own task', async () => {
  const { first, web } = await house();
  const taskId = await made(first, 'web__work');
  expect((await first('tasks/get', { taskId })).result).toMatchObject({ taskId });
  const got = web.journal().filter(({ message }: any) => message?.method === 'tasks/get');
  expect(got).toMatchObject([{ name: 'task-1', message: { params: { taskId: 'task-1' } } }]);
});

test('over stdio, too; and a client with a session sees nothing of it on the same pipe', async () => {
  const file = join(makeDirectory(), 'journal');
  const rea: Rea = await startRea({ config: registry({ s: server(file) }) });
  await rea.waitForPhase('s', 'ready');
  const asks: Asks = async (method, params, capabilities = TAKES) => {
    const _meta = { ...CLAIM, [CAPABILITIES]: capabilities };
    return (await rea.request(method, { ...params, _meta })).message;
  };
  const taskId = await made(asks);
  expect((await asks('tasks/get', { taskId })).result).toMatchObject({ taskId });
  for (const method of ['tasks/get', 'tasks/result', 'tasks/update', 'tasks/cancel']) {
    for (const id of [taskId, 'task-1']) {
      const { message } = await rea.request(method, { taskId: id });
      expect(message.error?.code, method).toBe(-32602);
    }
  }
  expect(
    (await rea.request('tools/call', { name: 's__work', arguments: {} })).message,
  ).toMatchObject({ error: { code: -32603 } });
  expect(gotIn(file, 'tasks/get')).toHaveLength(1);
});
