/** Names, URIs and messages made to keep the gateway busy: whoever is beside them goes on being served. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

afterAll(tidy);

interface Lists {
  readonly tools?: readonly string[];
  readonly prompts?: readonly string[];
  readonly resources?: readonly string[];
  readonly templates?: readonly string[];
}

/** A hostile server whose lists are in a file, and a healthy one beside it. */
async function besideHostile(
  lists: Lists,
  tools: object,
): Promise<{ rea: Rea; write: (lists: Lists) => void }> {
  const cwd = makeDirectory();
  const file = join(cwd, 'lists.json');
  const write = (next: Lists) => writeFileSync(file, JSON.stringify(next));
  write(lists);
  const hostile = { ...fixture('lists', '--lists', file, '--as', 'hostile'), tools };
  const rea = await startRea({ cwd, config: registry({ hostile, healthy: fixture('echo') }) });
  return { rea, write };
}

/** Every ping that is sent while `work` goes on is answered, one after the other. */
async function whilePinging<T>(rea: Rea, work: Promise<T>): Promise<T> {
  let done = false;
  const pings = async () => {
    do expect((await rea.request('ping')).message.result).toEqual({});
    while (!done);
  };
  const [result] = await Promise.all([work.finally(() => (done = true)), pings()]);
  return result;
}

const long = (unit: string, length: number) => unit.repeat(Math.ceil(length / unit.length));

/** One that lists nothing, for whoever only sends messages; the first test that asks starts it. */
let started: Promise<{ rea: Rea }> | null = null;

async function quiet(): Promise<Rea> {
  started ??= besideHostile({}, {});
  const { rea } = await started;
  await rea.tools();
  return rea;
}

const PATTERNS = ['*_*_*_*x', '*a*a*a*a*b', '*{_,a}*{_,a}*{_,a}*x', '*[_a]*[_a]*[_a]*[_a]x'];

test('no name of a tool makes a pattern try for long', async () => {
  const cwd = makeDirectory();
  const units = ['_', 'a', 'a_', '_a', 'x'];
  const lengths = [100, 128, 129, 2000, 100_000];
  const tools = units.flatMap((unit) =>
    lengths.map((length) => long(unit, length).slice(0, length)),
  );
  const file = join(cwd, 'lists.json');
  writeFileSync(file, JSON.stringify({ tools }));
  const hostile = PATTERNS.map((pattern, at) => {
    const server = fixture('lists', '--lists', file, '--as', 'hostile');
    return [`hostile${at}`, { ...server, tools: { deny: [pattern] } }] as const;
  });
  const servers = { ...Object.fromEntries(hostile), healthy: fixture('echo') };
  const rea = await startRea({ cwd, config: registry(servers) });
  const listed = await whilePinging(rea, rea.tools());
  expect((await rea.call('healthy__echo', { text: 'hi' })).text).toBe('hi');
  for (const [server] of hostile) {
    const own = listed.filter(({ name }) => name.startsWith(`${server}__`));
    // Those that end in the denied letter, and those that are too long, are not there.
    expect(own.length).toBeGreaterThanOrEqual(2);
    expect(own.length).toBeLessThanOrEqual(2 + 2 * units.length);
  }
  const left = 'tools/list: entries were left out: 15 whose name is longer than 128 characters';
  await until(() => rea.stderr.split(left).length === 1 + hostile.length, {
    what: 'a warning about each of them',
  });
});

test('what is too long is left out of every list, with one warning that counts it', async () => {
  const names = ['n'.repeat(128), '🙂'.repeat(128), 'n'.repeat(129), '🙂'.repeat(129)];
  const uris = [`u://${'u'.repeat(8188)}`, `u://${'u'.repeat(8189)}`, `u://${'ü'.repeat(4095)}`];
  const lists = { tools: names, prompts: names, resources: uris, templates: uris };
  const { rea, write } = await besideHostile(lists, {});
  const size = async (method: string, member: string) =>
    (await rea.request(method)).message.result[member].length;
  // Its own two tools, those of the healthy one, and that of the gateway.
  const tools = (await rea.tools()).filter(({ name }) => name.startsWith('hostile__'));
  expect(tools).toHaveLength(4);
  expect(await size('prompts/list', 'prompts')).toBe(2);
  expect(await size('resources/list', 'resources')).toBe(1);
  expect(await size('resources/templates/list', 'resourceTemplates')).toBe(1);
  for (const left of [
    'tools/list: entries were left out: 2 whose name is longer than 128 characters',
    'prompts/list: entries were left out: 2 whose name is longer than 128 characters',
    'resources/list: entries were left out: 2 whose uri is longer than 8192 bytes',
    'resources/templates/list: entries were left out: 2 whose uriTemplate is longer than 8192 bytes',
  ]) {
    await rea.waitForLog(left);
  }
  const warnings = () => rea.stderr.match(/entries were left out/g)?.length ?? 0;
  expect(warnings()).toBe(4);

  // The same number again, of others: nothing new.
  const changed = () =>
    rea.wire.frames.filter(({ message }) => message.method === 'notifications/tools/list_changed')
      .length;
  const before = changed();
  write({ ...lists, tools: ['m', 'm'.repeat(200), 'o'.repeat(200)] });
  await rea.call('hostile__changed', { list: 'tools' });
  await until(() => changed() > before, { what: 'the new tool to be announced' });
  expect(warnings()).toBe(4);
  write({ ...lists, tools: ['m', 'm'.repeat(200)] });
  await rea.call('hostile__changed', { list: 'tools' });
  await rea.waitForLog(
    'tools/list: entries were left out: 1 whose name is longer than 128 characters',
  );
  expect(warnings()).toBe(5);
  // A restart is no reason to say it again.
  const { pid } = await rea.waitForPhase('hostile', 'ready');
  process.kill(pid ?? 0, 'SIGKILL');
  write({ ...lists, tools: ['after', 'm'.repeat(200)] });
  await until(async () => (await rea.tools()).some(({ name }) => name === 'hostile__after'), {
    what: 'the tool of the next process',
  });
  expect(warnings()).toBe(5);
});

test('no URI of a client and no template of a server makes a lookup take long', async () => {
  const nearly = (unit: string) => `res://{a}${long(unit, 4000)}!{b}`;
  const templates = [
    ...Array.from({ length: 990 }, (_, at) => `${nearly('a')}${at}`.slice(-8000)),
    nearly('/'),
    nearly('a/'),
    `res://${'{+a}/'.repeat(1000)}!`,
    `res://${'{'.repeat(8000)}`,
  ];
  const { rea } = await besideHostile({ templates }, {});
  await rea.request('resources/templates/list');
  for (const unit of ['a', '/', 'a/', '?a=1,b=2']) {
    const uri = `res://${long(unit, 8000)}`;
    const { message } = await whilePinging(rea, rea.request('resources/read', { uri }));
    expect(message.result ?? message.error).toBeDefined();
    const beyond = await whilePinging(
      rea,
      rea.request('resources/read', { uri: `res://${long(unit, 20_000)}` }),
    );
    expect(beyond.message.error?.code).toBe(-32602);
  }
  expect((await rea.call('healthy__echo', { text: 'hi' })).text).toBe('hi');
});

test('what is long in a message of a client is refused, and said in few words', async () => {
  const rea = await quiet();
  const huge = 'x'.repeat(1_000_000);
  const requests: [string, object][] = [
    ['tools/call', { name: huge }],
    ['prompts/get', { name: huge }],
    ['resources/read', { uri: huge }],
    ['resources/subscribe', { uri: huge }],
    ['resources/unsubscribe', { uri: huge }],
    ['completion/complete', { ref: { type: 'ref/resource', uri: huge } }],
    ['completion/complete', { ref: { type: 'ref/prompt', name: huge } }],
    ['completion/complete', { ref: { type: huge, name: 'n' } }],
    ['tasks/get', { taskId: huge }],
    ['tasks/result', { taskId: huge }],
    ['logging/setLevel', { level: huge }],
    [huge, { name: huge }],
    ['some/thing', { name: huge, uri: huge }],
    ['tools/call', { name: 'healthy__echo', arguments: {}, _meta: { progressToken: huge } }],
  ];
  for (const [method, params] of requests) {
    const { message, raw } = await whilePinging(rea, rea.request(method, params));
    expect(message.error?.code).toBeLessThan(0);
    expect(raw.length).toBeLessThan(1000);
  }
  const id = 'i'.repeat(2000);
  rea.wire.expectAnswer(id);
  rea.wire.writeRaw(`${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list' })}\n`);
  await until(() => rea.wire.frames.find(({ message }) => message.id === id), {
    what: 'the answer to a request with a long id',
  }).then(({ message }) => expect(message.error?.code).toBe(-32600));
  for (const method of [
    huge,
    'notifications/progress',
    'notifications/cancelled',
    'notifications/x',
  ]) {
    rea.wire.notify(method, { progressToken: huge, requestId: huge, taskId: huge, reason: huge });
  }
  expect((await rea.call('healthy__echo', { text: 'hi' })).text).toBe('hi');
});

test('what is long in a message of a server reaches nobody', async () => {
  const rea = await quiet();
  const huge = 'y'.repeat(500_000);
  const meta = { _meta: { progressToken: huge } };
  const requests = [
    { id: huge, method: 'sampling/createMessage', params: {} },
    { id: 1, method: 'sampling/createMessage', params: meta },
    { id: 2, method: huge, params: {} },
    { id: 3, method: 'tasks/get', params: { taskId: huge } },
    { id: 4, method: 'elicitation/create', params: { elicitationId: huge, mode: huge } },
  ];
  const notifications = [
    { method: 'notifications/cancelled', params: { requestId: huge } },
    { method: 'notifications/progress', params: { progressToken: huge } },
    { method: 'notifications/tasks/status', params: { taskId: huge, status: huge } },
    { method: 'notifications/elicitation/complete', params: { elicitationId: huge } },
  ];
  for (const message of [...requests, ...notifications]) {
    const line = JSON.stringify({ jsonrpc: '2.0', ...message });
    expect((await whilePinging(rea, rea.call('hostile__say', { line }))).text).toBe('hostile: say');
  }
  expect((await rea.call('healthy__echo', { text: 'hi' })).text).toBe('hi');
  // Whatever was told or asked: the client has seen none of it.
  expect(rea.wire.frames.filter(({ raw }) => raw.includes('yyyyyyyy'))).toEqual([]);
  expect(rea.stderr).not.toContain('y'.repeat(10_000));
});
