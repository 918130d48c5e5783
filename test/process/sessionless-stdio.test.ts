/**
 * Clients of revision 2026-07-28 over stdio: each message says itself what it is, so that both kinds of client, and
 * one that is both, are served on one pipe.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { negotiateWithSdk2, SAID } from '../support/clients.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { CLAIM, LEVEL, SUBSCRIPTION, VERSION } from '../support/sessionless.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const HELLO = { protocolVersion: '2025-11-25', capabilities: { roots: {} }, clientInfo: {} };
const KEY = 'io.modelcontextprotocol/';

const asked = (rea: Rea, method: string, params: object = {}, meta: object = {}) =>
  rea.request(method, { ...params, _meta: { ...CLAIM, ...meta } });
const called = (rea: Rea, name: string, args: object = {}, meta: object = {}) =>
  asked(rea, 'tools/call', { name, arguments: args }, meta);

test.each([null, 'auto', { pin: VERSION }] as const)(
  'an SDK client that negotiates %o lists and calls',
  async (mode) => {
    const dir = makeDirectory();
    writeRegistry(dir, registry({ echo: fixture('echo') }));
    const { command, args } = reaCommand();
    const visit = await negotiateWithSdk2(
      { command, args: [...args, 'serve', '--cwd', dir] },
      mode,
    );
    expect(visit.tools).toContain('echo__echo');
    expect(visit.content).toEqual([{ type: 'text', text: SAID }]);
    expect(visit.era).toBe(mode === null ? 'legacy' : 'modern');
  },
);

test('to be asked what it is starts no server, to be asked for more does', async () => {
  const journal = join(makeDirectory(), 'journal');
  const config = registry({ echo: fixture('echo', '--journal', journal) });
  const rea = await startRea({ initialize: false, config });
  const { message } = await asked(rea, 'server/discover');
  expect(message.result).toMatchObject({
    resultType: 'complete',
    supportedVersions: [VERSION],
    ttlMs: 0,
    cacheScope: 'private',
  });
  const discovered = Date.now();
  // Longer than the gateway waits for a client that says nothing.
  await rea.waitForState(({ updated_at }) => Date.parse(updated_at) > discovered + 2000, {
    what: 'later',
  });
  expect(existsSync(journal)).toBe(false);
  const tools = await asked(rea, 'tools/list');
  expect(tools.message.result.tools.map(({ name }: { name: string }) => name)).toContain(
    'echo__echo',
  );
  expect(readFileSync(journal, 'utf8')).toContain('"started"');
});

test('both eras on one pipe, in any order', async () => {
  const journal = join(makeDirectory(), 'journal');
  const rea = await startRea({
    initialize: false,
    config: registry({
      echo: fixture('echo', '--journal', journal),
      asks: fixture('asks-client'),
    }),
  });
  await asked(rea, 'server/discover');
  expect((await rea.request('initialize', HELLO)).message.result.protocolVersion).toBe(
    '2025-11-25',
  );
  rea.wire.notify('notifications/initialized');
  const [then, now] = await Promise.all([
    rea.call('echo__echo', { text: 'then' }),
    called(rea, 'echo__echo', { text: 'now' }, { progressToken: 'mine', other: 1.5 }),
  ]);
  expect([then.text, then.message.result.resultType]).toEqual(['then', undefined]);
  expect([now.text, now.message.result.resultType]).toEqual(['now', 'complete']);
  const stray = {
    [`${KEY}clientInfo`]: {},
    b: 2,
    [`${KEY}clientCapabilities`]: {},
    [LEVEL]: 'info',
  };
  rea.wire.notify('notifications/roots/list_changed', { _meta: stray });
  await rea.call('echo__echo', { text: 'later' });
  const lines = readFileSync(journal, 'utf8').split('\n');
  const told = lines.find((line) => line.includes('notifications/roots/list_changed'));
  expect(JSON.parse(told ?? '{}').params).toEqual({ _meta: { b: 2 } });
  const got = JSON.parse(lines.find((line) => line.includes('"text":"now"')) ?? '{}');
  expect(Object.keys(got.params._meta)).toEqual(['progressToken', 'other']);
  expect(lines.join('\n')).not.toContain('io.modelcontextprotocol/');
  // What a request without a session can be asked it says itself, whatever the other one can do.
  const refused = await called(rea, 'asks__ask', { method: 'roots/list' });
  expect(refused.text).toContain('-32601');
  expect((await rea.request('tools/list')).message.result.resultType).toBeUndefined();
  expect((await asked(rea, 'tools/list')).message.result.resultType).toBe('complete');
});

test('a claim that is not whole, or of a revision that is not spoken, is refused; what else is wrong with a message is said, and the next one is served', async () => {
  const rea = await startRea({
    initialize: false,
    config: registry({ echo: fixture('echo'), resources: fixture('resources') }),
  });
  const VERSION_KEY = `${KEY}protocolVersion`;
  for (const [key, value] of [
    [VERSION_KEY, undefined],
    [VERSION_KEY, 5],
    [`${KEY}clientCapabilities`, undefined],
    [`${KEY}clientCapabilities`, 'none'],
  ] as const) {
    const { error } = (await asked(rea, 'tools/list', {}, { [key]: value })).message;
    expect(error?.code).toBe(-32602);
    expect(error?.message).toContain(key);
  }
  for (const requested of ['1900-01-01', '2025-11-25', '2027-01-01']) {
    const { error } = (await asked(rea, 'tools/list', {}, { [VERSION_KEY]: requested })).message;
    expect(error).toMatchObject({ code: -32022, data: { supported: [VERSION], requested } });
  }

  const codes = async (method: string, params?: object) =>
    (await rea.request(method, params)).message.error?.code;
  for (const _meta of [null, [], undefined]) {
    expect(await codes('server/discover', { _meta }), String(_meta)).toBe(-32602);
  }
  const claimed = (params: object = {}) => ({ ...params, _meta: CLAIM });
  for (const removed of ['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'x/y']) {
    expect(await codes(removed, claimed({ uri: 'res://a' })), removed).toBe(-32601);
  }
  const call = { name: 'echo__echo', arguments: { text: 'x' } };
  expect(await codes('tools/call', claimed({ ...call, inputResponses: [] }))).toBe(-32602);
  expect(await codes('tools/call', { ...call, _meta: { ...CLAIM, [LEVEL]: 'loud' } })).toBe(-32602);
  expect(await codes('subscriptions/listen', claimed())).toBe(-32602);
  expect(await codes('tools/list', claimed({ cursor: 'x' }))).toBe(-32602);
  const full = Array.from({ length: 65 }, () => {
    const { id, answer } = rea.wire.request('subscriptions/listen', claimed({ notifications: {} }));
    answer.catch(() => undefined);
    return id;
  });
  const told = await until(
    () => rea.wire.frames.find(({ message }) => message.id === full.at(-1)),
    { what: 'the refusal of one stream too many' },
  );
  expect(told.message.error?.code).toBe(-32603);
  expect((await called(rea, 'echo__echo', { text: 'still' })).text).toBe('still');
});

test('streams, log messages and cancellation', async () => {
  const rea = await startRea({
    initialize: false,
    config: registry({
      echo: fixture('echo'),
      changes: fixture('list-changes'),
      resources: fixture('resources'),
    }),
  });
  const frames = (method: string) =>
    rea.wire.frames
      .filter(({ message }) => message.method === method)
      .map(({ message }) => message);
  const open = (notifications: object) => {
    const pending = rea.wire.request('subscriptions/listen', { notifications, _meta: CLAIM });
    pending.answer.catch(() => undefined);
    return pending;
  };
  const tools = open({ toolsListChanged: true });
  const resource = open({ resourceSubscriptions: ['res://a'] });
  await rea.waitForFrames(
    ({ message }) => message.method === 'notifications/subscriptions/acknowledged',
    2,
  );
  await called(rea, 'changes__add-tool', { name: 'new' });
  await called(rea, 'resources__touch', { uri: 'res://a' });
  await rea.waitForFrames(
    ({ message }) => message.method === 'notifications/tools/list_changed',
    1,
  );
  expect(frames('notifications/resources/updated').map(({ params }) => params)).toEqual([
    { _meta: { [SUBSCRIPTION]: resource.id }, uri: 'res://a' },
  ]);
  for (const { params } of frames('notifications/tools/list_changed')) {
    expect(params._meta).toEqual({ [SUBSCRIPTION]: tools.id });
  }
  // Nobody wanted the message that came with the update.
  expect(frames('notifications/message')).toEqual([]);
  await called(rea, 'echo__log', { text: 'mine' }, { [LEVEL]: 'info' });
  expect(frames('notifications/message').map(({ params }) => params.data)).toEqual(['mine']);
  rea.wire.notify('notifications/cancelled', { requestId: resource.id });
  await called(rea, 'resources__touch', { uri: 'res://a' });
  expect(frames('notifications/resources/updated')).toHaveLength(1);
  const sleeping = rea.begin('echo__sleep', { ms: 600_000 }, CLAIM);
  sleeping.answer.catch(() => undefined);
  rea.cancel(sleeping);
  await called(rea, 'echo__echo', { text: 'after' });
  expect(sleeping.answered()).toBe(false);
  // The other stream ends with the gateway, and is told so.
  await rea.stop();
  expect((await tools.answer).message.result).toEqual({
    resultType: 'complete',
    _meta: { [SUBSCRIPTION]: tools.id },
  });
});
