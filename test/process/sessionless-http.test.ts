/**
 * Clients of revision 2026-07-28 over HTTP, which have no session: what they are told, what reaches them and
 * nobody else, and what they cause at servers that speak revisions with a handshake.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { negotiateWithSdk2, SAID } from '../support/clients.ts';
import { urlOf } from '../support/http-door.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { ask, begin, LEVEL, messagesOf, type Sent, SUBSCRIPTION } from '../support/sessionless.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const journal = join(makeDirectory(), 'journal');
/** Of a server that no request of these tests goes to. */
const quiet = join(makeDirectory(), 'journal');
const CLIENTS = 8;
const IDS = 12;
let rea: Rea;
let url: string;

const call = (name: string, args: object = {}, more: Partial<Sent> = {}): Sent => ({
  method: 'tools/call',
  params: { name, arguments: args },
  ...more,
});
const journalled = () => readFileSync(journal, 'utf8');

beforeAll(async () => {
  rea = await startRea({
    args: ['--http', '127.0.0.1:0', '--no-token'],
    initialize: false,
    config: registry({
      echo: fixture('echo', '--journal', journal),
      quiet: fixture('echo', '--journal', quiet),
      asks: fixture('asks-client'),
      changes: fixture('list-changes', '--prompts'),
      resources: fixture('resources'),
    }),
  });
  for (const name of ['echo', 'quiet', 'asks', 'changes', 'resources']) {
    await rea.waitForPhase(name, 'ready');
  }
  url = await urlOf(rea);
});

afterAll(tidy);

test.each([null, 'auto', { pin: '2026-07-28' }] as const)(
  'an SDK client that negotiates %o lists and calls',
  async (mode) => {
    const visit = await negotiateWithSdk2({ url }, mode);
    expect(visit.tools).toContain('echo__echo');
    expect(visit.content).toEqual([{ type: 'text', text: SAID }]);
    expect(visit.era).toBe(mode === null ? 'legacy' : 'modern');
  },
);

test('every result says its type, the gateway’s own included, and what may be kept says for how long', async () => {
  const kept = { ttlMs: 0, cacheScope: 'private' };
  const complete = { resultType: 'complete' };
  const { answer: found } = await ask(url, { method: 'server/discover' });
  expect(found.result).toMatchObject({
    ...complete,
    ...kept,
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'rea' } },
  });
  for (const list of ['tools', 'prompts', 'resources', 'resources/templates']) {
    const { answer } = await ask(url, { method: `${list}/list` });
    expect(answer.result, list).toMatchObject({ ...complete, ...kept });
  }
  const read = await ask(url, { method: 'resources/read', params: { uri: 'res://a' } });
  expect(read.answer.result).toEqual({
    ...complete,
    ...kept,
    contents: [{ uri: 'res://a', text: 'res://a' }],
  });
  const health = await ask(url, call('__rea__health'));
  expect(health.answer.result).toMatchObject(complete);
  const failed = await ask(url, call('echo__is-error'));
  expect(failed.answer.result).toMatchObject({ ...complete, isError: true });
});

test('a server’s bytes stay as they are, and errors have codes of the revision', async () => {
  const raw = await (await begin(url, call('echo__big-integers', {}, { id: 'x"1' }))).text();
  // Whatever the response is by now, JSON or a stream.
  expect(raw.trim().replace('event: message\ndata: ', '')).toBe(
    '{"result":{"resultType":"complete","content":[{"type":"text","text":"9007199254740993"}],"structuredContent":{"a":9007199254740993,"b":-18446744073709551616,"c":1.10,"d":1E400,"e":"\\u00e9\\/"}},"jsonrpc":"2.0","id":"x\\"1"}',
  );
  const unknown = await ask(url, { method: 'prompts/get', params: { name: 'none' } });
  expect([unknown.status, unknown.answer.error?.code]).toEqual([200, -32602]);
  writeFileSync(join(rea.dir, '.rea', 'HALT'), 'a test');
  const halted = await until(
    async () => {
      const one = await ask(url, call('echo__echo', { text: 'x' }));
      return one.answer.result.isError === true && one;
    },
    { what: 'HALT' },
  );
  const why = { code: 'ERR_HALTED', outcome: 'not_sent' };
  expect(halted.answer.result).toMatchObject({
    resultType: 'complete',
    _meta: { 'rea/error': why },
  });
  const other = await ask(url, { method: 'resources/read', params: { uri: 'res://a' } });
  expect([other.status, other.answer.error]).toEqual([
    200,
    {
      code: -32603,
      message: expect.any(String),
      data: { 'rea/error': expect.objectContaining(why) },
    },
  ]);
  rmSync(join(rea.dir, '.rea', 'HALT'));
  await until(async () => (await ask(url, call('echo__echo'))).answer.result.isError !== true, {
    what: 'the end of HALT',
  });
});

test('what a server asks is refused to it where the request does not say that its client can be asked', async () => {
  const { messages } = await ask(
    url,
    call('asks__ask', { method: 'roots/list' }, { meta: { [CAPABILITIES]: { sampling: {} } } }),
  );
  expect(messages).toHaveLength(1);
  expect(messages[0]?.result.content[0].text).toContain('-32601');
});

const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

test(`of ${CLIENTS} clients with the same ids each gets its own answers and progress, and no log message of another`, async () => {
  const visits = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let id = 1; id <= IDS; id++) {
      const text = `${client}/${id}`;
      const [said, steps, log] = await Promise.all([
        ask(url, call('echo__echo', { text }, { id })),
        ask(
          url,
          call('echo__progress', { steps: 3, ms: 1 }, { id, meta: { progressToken: text } }),
        ),
        ask(url, call('echo__log', { text, level: 'error' }, { id, meta: { [LEVEL]: 'info' } })),
      ]);
      expect(said.messages).toHaveLength(1);
      expect(said.answer).toMatchObject({ id, result: { content: [{ text }] } });
      expect(steps.answer).toMatchObject({ id, result: { content: [{ text: '3 steps' }] } });
      const progress = steps.messages.slice(0, -1);
      expect(progress.map(({ params }) => [params.progressToken, params.progress])).toEqual(
        [1, 2, 3].map((step) => [text, step]),
      );
      expect(log.answer).toMatchObject({ id });
      // Where other calls are at the server the message could be theirs, and is for nobody.
      for (const { params } of log.messages.slice(0, -1)) expect(params.data).toBe(text);
    }
  });
  await Promise.all(visits);
});

test('log messages come to a request that wants them, on its stream, and to no other', async () => {
  const log = (meta: object) =>
    ask(url, call('echo__log', { text: 'm', level: 'warning' }, { meta: { ...meta } }));
  const wanted = await log({ [LEVEL]: 'info' });
  expect(wanted.messages.map(({ method }) => method)).toEqual(['notifications/message', undefined]);
  expect((await log({})).messages).toHaveLength(1);
  expect(journalled()).toContain('logging/setLevel');
  expect(readFileSync(quiet, 'utf8')).not.toContain('logging/setLevel');
  expect((await log({ [LEVEL]: 'error' })).messages).toHaveLength(1);
  const unknown = await log({ [LEVEL]: 'loud' });
  expect([unknown.status, unknown.answer.error?.code]).toEqual([200, -32602]);
});

test('a client that closes the response cancels its call, and that one only', async () => {
  const dir = join(rea.dir, 'holds');
  mkdirSync(dir);
  const hold = (name: string, signal?: AbortSignal) =>
    ask(url, call('echo__hold', { file: join(dir, name) }, { id: 7, ...(signal && { signal }) }));
  const leaves = new AbortController();
  const gone = hold('gone', leaves.signal).catch(() => 'gone');
  const stays = hold('stays');
  await until(() => existsSync(join(dir, 'gone.begun')) && existsSync(join(dir, 'stays.begun')), {
    what: 'both calls',
  });
  leaves.abort();
  expect(await gone).toBe('gone');
  await until(() => journalled().includes('notifications/cancelled'), { what: 'the cancellation' });
  writeFileSync(join(dir, 'stays'), '');
  expect((await stays).answer.result.content[0].text).toBe('held');
  expect(journalled().split('notifications/cancelled')).toHaveLength(2);
});

test('streams of changes are told what they asked for, tagged with their id', async () => {
  const listen = async (id: string | number, notifications: object) => {
    const leaves = new AbortController();
    const { signal } = leaves;
    const response = await begin(url, {
      id,
      method: 'subscriptions/listen',
      params: { notifications },
      signal,
    });
    const messages = messagesOf(response);
    const { value: acknowledged } = await messages.next();
    return { messages, acknowledged, leave: () => leaves.abort() };
  };
  const tools = await listen(1, { toolsListChanged: true, taskIds: ['t'] });
  const others = await listen('1', {
    promptsListChanged: true,
    resourceSubscriptions: ['res://a', 'res://none'],
  });
  expect(tools.acknowledged).toMatchObject({
    method: 'notifications/subscriptions/acknowledged',
    params: { _meta: { [SUBSCRIPTION]: 1 }, notifications: { toolsListChanged: true } },
  });
  expect(others.acknowledged?.params).toEqual({
    _meta: { [SUBSCRIPTION]: '1' },
    notifications: { promptsListChanged: true, resourceSubscriptions: ['res://a'] },
  });
  await ask(url, call('changes__add-tool', { name: 'new' }));
  expect((await tools.messages.next()).value).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/tools/list_changed',
    params: { _meta: { [SUBSCRIPTION]: 1 } },
  });
  await ask(url, call('resources__touch', { uri: 'res://b' }));
  await ask(url, call('resources__touch', { uri: 'res://a' }));
  await ask(url, call('changes__add-prompt', { name: 'new' }));
  const heard = [await others.messages.next(), await others.messages.next()];
  expect(heard.map(({ value }) => [value?.method, value?.params])).toEqual([
    ['notifications/resources/updated', { _meta: { [SUBSCRIPTION]: '1' }, uri: 'res://a' }],
    ['notifications/prompts/list_changed', { _meta: { [SUBSCRIPTION]: '1' } }],
  ]);
  tools.leave();
  const bad = await ask(url, { method: 'subscriptions/listen' });
  expect([bad.status, bad.answer.error?.code]).toEqual([200, -32602]);
  // The last one is told that nothing will come any more.
  rea.kill('SIGTERM');
  const { value: last } = await others.messages.next();
  expect(last).toMatchObject({ id: '1', result: { resultType: 'complete' } });
});
