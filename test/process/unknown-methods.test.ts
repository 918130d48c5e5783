/** What the gateway does not know reaches whom it is for, and nobody else. */
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import { type HttpVisitor, visit } from '../support/http-client.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';
import type { Message } from '../support/wire.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(async () => {
  if (visited !== null) await stop(await visited);
  await tidy();
});

const speaks = (as: string, capabilities: object = {}): ServerSpec =>
  fixture('speaks', '--as', as, '--capabilities', JSON.stringify(capabilities));

/** It speaks a revision without a handshake, and has tasks. */
const later: ServerSpec = {
  command: process.execPath,
  args: [fileURLToPath(new URL('../fixtures/stateless/tasks.mjs', import.meta.url))],
};

async function serve(servers: Record<string, ServerSpec>, args: string[] = []): Promise<Rea> {
  const rea = await startRea({ config: registry(servers), args, initialize: args.length === 0 });
  await Promise.all(Object.keys(servers).map((name) => rea.waitForPhase(name, 'ready')));
  if (args.length === 0) await rea.tools();
  return rea;
}

const serveHttp = (servers: Record<string, ServerSpec>) =>
  serve(servers, ['--http', '127.0.0.1:0', '--no-token']);

/** One server that speaks, alone behind its gateway; the first test that asks starts it. */
let alone: Promise<Rea> | null = null;

function single(): Promise<Rea> {
  alone ??= serve({ a: speaks('a') });
  return alone;
}

/** The same over HTTP, to which each test comes with clients of its own. */
let visited: Promise<Rea> | null = null;

function singleOverHttp(): Promise<Rea> {
  visited ??= serveHttp({
    a: { ...speaks('a'), client_capabilities: { elicitation: { url: {} } } },
  });
  return visited;
}

async function stop(rea: Rea): Promise<void> {
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
}

async function call(one: HttpVisitor, tool: string, args: object = {}, more = {}): Promise<string> {
  const { content } = await one.ask('tools/call', { name: tool, arguments: args, ...more });
  return content[0].text;
}

/** Everything that was said to it before now. When the server's lists came is another matter. */
async function settled(one: HttpVisitor, server: string): Promise<HttpVisitor['heard']> {
  const mark = `notifications/demo/${Math.random()}`;
  await call(one, `${server}__say`, { method: mark });
  await until(() => one.heard.some(({ method }) => method === mark), {
    what: 'the last notification',
  });
  return one.heard.filter(({ method }) => !/0\.\d+$|\/list_changed$/.test(method));
}

async function heardBy(rea: Rea, server: string): Promise<Message[]> {
  const heard: Message[] = JSON.parse((await rea.call(`${server}__heard`)).text);
  return heard.filter(({ method }) => method !== 'notifications/initialized');
}

test('an unknown method goes to the one server that advertises it, as it is', async () => {
  const rea = await serve({
    a: speaks('a', { extensions: { 'example.com/demo': {} } }),
    b: speaks('b', { experimental: { other: {} } }),
  });
  const params = { deep: [1, { x: null }], name: 'not a tool' };
  const echoed = await rea.request('demo/echo', params);
  expect(echoed.message.result).toEqual({ method: 'demo/echo', params, by: 'a' });
  expect((await rea.request('other/echo')).message.result).toMatchObject({ by: 'b' });
  expect((await rea.request('demo/missing')).message.error).toMatchObject({ code: -32601 });
  expect((await rea.request('nobody/has')).message.error).toEqual({
    code: -32601,
    message: 'Method not found: nobody/has',
  });
});

test('an unknown method that names a tool or a resource goes to its owner', async () => {
  const demo = { extensions: { 'example.com/demo': {} } };
  const rea = await serve({ a: speaks('a', demo), b: speaks('b', demo), c: fixture('offers') });
  const named = await rea.request('demo/echo', { name: 'b__say', x: 1 });
  expect(named.message.result).toEqual({
    method: 'demo/echo',
    params: { name: 'say', x: 1 },
    by: 'b',
  });
  // Two servers have it, and nothing says which is meant.
  expect((await rea.request('demo/echo', { x: 1 })).message.error?.code).toBe(-32601);
  // The owner of the resource does not have it.
  const foreign = await rea.request('demo/echo', { uri: 'offers://one' });
  expect(foreign.message.error).toMatchObject({ code: -32601 });
  const unhinted = await rea.request('other/echo', { name: 'a__say' });
  expect(unhinted.message.result).toMatchObject({ by: 'a', params: { name: 'say' } });
});

test('in front of a single server everything is passed on, but not the handshake of later revisions', async () => {
  const rea = await single();
  expect((await rea.request('other/echo', { q: '"' })).message.result).toMatchObject({ by: 'a' });
  const odd = await rea.request('no"such\\method');
  expect(odd.message.error).toMatchObject({ message: 'Method not found: no"such\\method' });
  const discover = await rea.request('server/discover');
  expect(discover.message.error).toEqual({
    code: -32601,
    message: 'Method not found: server/discover',
  });
});

test('what the gateway says to its own threads about tasks cannot be said by a client', async () => {
  const rea = await serve({ only: later });
  for (const method of ['tasks/listen', 'tasks/leave']) {
    const { message } = await rea.request(method, { taskId: 'task-1' });
    expect(message.error).toEqual({ code: -32601, message: `Method not found: ${method}` });
  }
});

test('unknown notifications of a client reach the servers that advertise them, else all', async () => {
  const rea = await serve({
    a: speaks('a', { extensions: { 'example.com/demo': {} } }),
    b: speaks('b'),
  });
  rea.wire.notify('notifications/demo/size', { w: 9007199254740991 });
  rea.wire.notify('notifications/other');
  rea.wire.notify('notifications/demo/task', { taskId: 'nobody has it' });
  rea.wire.notify('notifications/demo/progress', { progressToken: 'nobody has it' });
  expect(await heardBy(rea, 'a')).toEqual([
    {
      jsonrpc: '2.0',
      method: 'notifications/demo/size',
      params: { w: 9007199254740991 },
    },
    { jsonrpc: '2.0', method: 'notifications/other' },
  ]);
  expect(await heardBy(rea, 'b')).toEqual([{ jsonrpc: '2.0', method: 'notifications/other' }]);
});

test('a server asks its client something unknown, and is answered', async () => {
  const rea = await single();
  rea.wire.onForeign = ({ id, method, params }) => {
    if (method === 'demo/question') rea.wire.send({ jsonrpc: '2.0', id, result: { got: params } });
  };
  const answered = await rea.call('a__ask', { method: 'demo/question', params: { n: 1 } });
  expect(JSON.parse(answered.text)).toMatchObject({ id: 'ask-1', result: { got: { n: 1 } } });
  for (const method of ['initialize', 'tasks/list']) {
    const refused = await rea.call('a__ask', { method });
    expect(JSON.parse(refused.text).error).toMatchObject({ code: -32601 });
  }
  rea.wire.onForeign = () => undefined;
});

test('unknown notifications of a server reach all clients, unless they name a call or a task', async () => {
  const rea = await singleOverHttp();
  const [one, two] = [await visit(rea), await visit(rea)];
  await call(one, 'a__say', { method: 'notifications/demo/news', params: { x: 1 } });
  const method = 'notifications/demo/partial';
  const params = { progressToken: 'of this call', part: 1 };
  await call(one, 'a__say', { method, params }, { _meta: { progressToken: 'mine' } });
  const related = { _meta: { 'io.modelcontextprotocol/related-task': { taskId: 'some' } } };
  await call(one, 'a__say', { method: 'notifications/demo/secret', params: related });
  await call(one, 'a__say', {
    method: 'notifications/message',
    params: { level: 'error', data: 'secret', ...related },
  });
  const news = { method: 'notifications/demo/news', params: { x: 1 } };
  expect(await settled(one, 'a')).toMatchObject([
    news,
    { method, params: { progressToken: 'mine', part: 1 } },
  ]);
  expect(await settled(two, 'a')).toMatchObject([news]);
  await Promise.all([one.leave(), two.leave()]);
});

test('a URL that a client must visit is told to it alone, and so is that it was visited', async () => {
  const rea = await singleOverHttp();
  const url = { elicitation: { url: {} } };
  const [one, two, three] = [await visit(rea, url), await visit(rea, url), await visit(rea)];
  const asked = one.ask('tools/call', { name: 'a__url', arguments: { id: 'e1' } });
  await expect(asked).rejects.toMatchObject({ code: -32042 });
  const complete = (id: string) =>
    call(two, 'a__say', {
      method: 'notifications/elicitation/complete',
      params: { elicitationId: id },
    });
  await complete('e1');
  await complete('nobody was asked');
  const ids = async (visitor: HttpVisitor) =>
    (await settled(visitor, 'a')).map(({ params }) => params.elicitationId);
  expect(await ids(one)).toEqual(['e1', 'nobody was asked']);
  expect(await ids(two)).toEqual(['nobody was asked']);
  expect(await ids(three)).toEqual([]);
  await Promise.all([one, two, three].map((visitor) => visitor.leave()));
});

test('the error that asks for a visit says who asks, and is passed on byte for byte otherwise', async () => {
  const rea = await single();
  const { raw, message } = await rea.call('a__url', { id: 'e1' });
  const error =
    '{"code":-32042,"message":"visit first","data":{"elicitations":[{"_meta":{"rea/server":"a"},"mode":"url","elicitationId":"e1","url":"https://a.example/","message":"[a] m"}],"exact":"é"}}';
  expect(raw).toBe(`{"jsonrpc":"2.0","id":"${message.id}","error":${error}}`);
});

test('a client is asked only in the ways that it declared', async () => {
  const rea = await startRea({ initialize: false, config: registry({ a: speaks('a') }) });
  const capabilities = { elicitation: { url: {} }, sampling: {} };
  const clientInfo = { name: 'test', version: '1' };
  await rea.request('initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo });
  rea.wire.notify('notifications/initialized');
  await rea.waitForPhase('a', 'ready');
  const asked: Message[] = [];
  rea.wire.onForeign = (message) => {
    if (message.id === undefined) return;
    asked.push(message);
    rea.wire.send({ jsonrpc: '2.0', id: message.id, result: { action: 'accept' } });
  };
  const ask = async (method: string, params: object) =>
    JSON.parse((await rea.call('a__ask', { method, params })).text);
  const url = { mode: 'url', elicitationId: 'e', url: 'https://a.example/', message: 'm' };
  expect((await ask('elicitation/create', url)).result).toEqual({ action: 'accept' });
  const form = await ask('elicitation/create', { message: 'm', requestedSchema: {} });
  expect(form.error).toMatchObject({ code: -32602 });
  expect(form.error.message).toContain('elicitation.form');
  expect((await ask('sampling/createMessage', { messages: [], maxTokens: 1 })).result).toBeTruthy();
  const tools = { messages: [], maxTokens: 1, tools: [] };
  expect((await ask('sampling/createMessage', tools)).error).toMatchObject({ code: -32602 });
  expect((await ask('roots/list', {})).error).toMatchObject({ code: -32601 });
  const _meta = { 'rea/server': 'a' };
  expect(asked.map(({ params }) => params)).toEqual([
    { ...url, message: '[a] m', _meta },
    { messages: [], maxTokens: 1, _meta },
  ]);
});
