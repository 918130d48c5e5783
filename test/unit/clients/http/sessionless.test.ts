/** Requests without a session over HTTP: which are refused, with what, and how the others are answered. */
import { request as httpRequest } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { bigResult, EchoRouter } from '../../../support/echo-router.ts';
import { initializeWith, startEdge, tidyEdges } from '../../../support/http-edge.ts';
import { ask, begin, bodyOf, CLAIM, type Sent, VERSION } from '../../../support/sessionless.ts';
import { until } from '../../../support/wait-for.ts';

afterEach(tidyEdges);

const KEY = 'io.modelcontextprotocol/';
const CALL: Sent = { id: 'c', method: 'tools/call', params: { name: 'plain', arguments: {} } };
const tool = (name: string, args: object = {}): Sent => ({
  ...CALL,
  params: { name, arguments: args },
});

const withMeta = (meta: unknown) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 'c',
    method: 'tools/call',
    params: { name: 'plain', _meta: meta },
  });
const without = (name: string) => {
  const { [name as keyof typeof CLAIM]: _, ...rest } = CLAIM;
  return withMeta(rest);
};

test.each<[string, string | undefined, Sent['headers'], number, number]>([
  ['no claim', withMeta({}), {}, 400, -32602],
  ['no `_meta` at all', '{"jsonrpc":"2.0","id":"c","method":"tools/call"}', {}, 400, -32602],
  ['`_meta` null', withMeta(null), {}, 400, -32602],
  ['`_meta` an array', withMeta([]), {}, 400, -32602],
  ['no version', without(`${KEY}protocolVersion`), {}, 400, -32602],
  ['no capabilities', without(`${KEY}clientCapabilities`), {}, 400, -32602],
  [
    'a version that is no string',
    withMeta({ ...CLAIM, [`${KEY}protocolVersion`]: 1 }),
    {},
    400,
    -32602,
  ],
  [
    'another version in the header',
    undefined,
    { 'mcp-protocol-version': '2025-11-25' },
    400,
    -32020,
  ],
  ['no version in the header', undefined, { 'mcp-protocol-version': undefined }, 400, -32020],
  ['no method in the header', undefined, { 'mcp-method': undefined }, 400, -32020],
  ['another method in the header', undefined, { 'mcp-method': 'Tools/Call' }, 400, -32020],
  ['no name in the header', undefined, { 'mcp-name': undefined }, 400, -32020],
  ['another name in the header', undefined, { 'mcp-name': 'other' }, 400, -32020],
  ['a name that cannot be decoded', undefined, { 'mcp-name': '=?base64?A?=' }, 400, -32020],
  [
    'a header for an argument that is not there',
    bodyOf(tool('echo')),
    { 'mcp-name': 'echo', 'mcp-param-region': 'eu' },
    400,
    -32020,
  ],
  [
    'no header for an argument',
    bodyOf(tool('echo', { region: 'eu' })),
    { 'mcp-name': 'echo' },
    400,
    -32020,
  ],
  ['a response', '{"jsonrpc":"2.0","id":1,"result":{}}', {}, 400, -32600],
  ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', {}, 400, -32600],
  ['two messages', `${bodyOf(CALL)}${bodyOf(CALL)}`, {}, 400, -32600],
  ['a message and something else', `${bodyOf(CALL)}x`, {}, 400, -32700],
  ['half a message', bodyOf(CALL).slice(0, -1), {}, 400, -32700],
  ['an id that is null', '{"jsonrpc":"2.0","id":null,"method":"tools/list"}', {}, 400, -32600],
  ['another type', undefined, { 'content-type': 'text/plain' }, 415, -32600],
  ['a client that takes neither', undefined, { accept: 'text/html' }, 406, -32600],
])('%s is refused, and no server hears of it', async (_what, body, headers, status, code) => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const refused = await ask(edge.url, { ...CALL, ...(headers && { headers }) }, body);
  expect([refused.status, refused.answer.error?.code]).toEqual([status, code]);
  // The id is the request's own, where there is one.
  const isRequest = code !== -32600 && code !== -32700;
  expect(refused.answer.id).toBe(isRequest || status > 400 ? 'c' : null);
  expect(router.clients.flatMap(({ received }) => received)).toEqual([]);
});

test.each(['1900-01-01', '2025-11-25', '2027-01-01', 'v999.0.0'])(
  'the revision %s is refused with what is spoken',
  async (version) => {
    const edge = await startEdge(new EchoRouter());
    const meta = { [`${KEY}protocolVersion`]: version };
    const headers = { 'mcp-protocol-version': version };
    const { status, answer } = await ask(edge.url, { ...CALL, meta, headers });
    expect([status, answer.id, answer.error]).toEqual([
      400,
      'c',
      {
        code: -32022,
        message: expect.any(String),
        data: { supported: [VERSION], requested: version },
      },
    ]);
  },
);

test('a header that comes twice is refused', async () => {
  const edge = await startEdge(new EchoRouter());
  const status = await new Promise((resolve, reject) => {
    const request = httpRequest(edge.url, { method: 'POST' }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', reject);
    request.setHeader('content-type', 'application/json');
    request.setHeader('mcp-protocol-version', VERSION);
    request.setHeader('mcp-method', ['tools/call', 'tools/call']);
    request.setHeader('mcp-name', 'plain');
    request.end(bodyOf(CALL));
  });
  expect(status).toBe(400);
});

test('an unknown method is 404, GET and DELETE are 405, notifications are taken', async () => {
  const edge = await startEdge(new EchoRouter());
  const unknown = await ask(edge.url, { id: 5, method: 'unknown/method' });
  expect([unknown.status, unknown.answer.error?.code, unknown.answer.id]).toEqual([404, -32601, 5]);
  for (const method of ['GET', 'DELETE']) {
    const headers = { 'mcp-protocol-version': VERSION, accept: 'text/event-stream' };
    const response = await fetch(edge.url, { method, headers });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  }
  const cancelled = { method: 'notifications/cancelled', params: { requestId: 5 } };
  const body = JSON.stringify({ jsonrpc: '2.0', ...cancelled });
  expect((await ask(edge.url, cancelled, body)).status).toBe(202);
});

test('clients with a session are served beside, whatever their header says of it', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const headers = { 'mcp-protocol-version': VERSION };
  const hello = await ask(
    edge.url,
    { method: 'initialize', headers },
    initializeWith('2025-11-25'),
  );
  expect(hello.headers.get('mcp-session-id')).not.toBeNull();
  const session = hello.headers.get('mcp-session-id') ?? '';
  const both = await ask(edge.url, { ...CALL, headers: { 'mcp-session-id': session } });
  expect([both.status, both.headers.get('mcp-session-id')]).toEqual([200, null]);
  expect(router.clients).toHaveLength(2);
  // What a proxy puts in does not make it another revision's.
  const stray = { params: { name: 'plain', _meta: { [`${KEY}clientInfo`]: {} } } };
  const legacy = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' };
  const inSession = { ...CALL, headers: legacy };
  const say = (message: object) =>
    ask(edge.url, inSession, JSON.stringify({ jsonrpc: '2.0', ...message, ...stray }));
  expect((await say({ id: 's', method: 'tools/call' })).answer).toMatchObject({
    id: 's',
    result: {},
  });
  expect((await say({ method: 'notifications/stray' })).status).toBe(202);
  expect(router.clients[0]?.received.at(-1)).toContain('notifications/stray');
  expect(router.clients).toHaveLength(2);
});

test('an answer that is there at once is JSON, what comes before it makes a stream', async () => {
  const edge = await startEdge(new EchoRouter());
  const prompt = await begin(edge.url, CALL);
  expect(prompt.headers.get('content-type')).toBe('application/json');
  const steps = await begin(edge.url, tool('progress'));
  expect(steps.headers.get('content-type')).toBe('text/event-stream');
  expect(steps.headers.get('x-accel-buffering')).toBe('no');
  const text = await steps.text();
  expect(text).not.toContain('id: ');
  expect(text.match(/notifications\/progress/g)).toHaveLength(3);
  const accept = { accept: 'text/event-stream' };
  const streamed = await begin(edge.url, { ...CALL, headers: accept });
  expect(streamed.headers.get('content-type')).toBe('text/event-stream');
  const alone = await begin(edge.url, {
    ...tool('progress'),
    headers: { accept: 'application/json' },
  });
  expect(alone.headers.get('content-type')).toBe('application/json');
  expect(JSON.parse(await alone.text()).id).toBe('c');
});

test('a large answer is streamed, byte for byte', async () => {
  const edge = await startEdge(new EchoRouter());
  const response = await begin(edge.url, tool('big'));
  const answer = `{"jsonrpc":"2.0","result":${bigResult()},"id":"c"}`;
  expect(await response.text()).toBe(`event: message\ndata: ${answer}\n\n`);
});

test('a silent stream says now and then that it is there', async () => {
  const edge = await startEdge(new EchoRouter(), { wholeMs: 1, keepAliveMs: 5 });
  const leaves = new AbortController();
  const response = await begin(edge.url, { ...tool('never'), signal: leaves.signal });
  const { value } = (await response.body?.getReader().read()) ?? {};
  expect(Buffer.from(value ?? []).toString()).toMatch(/^: keep-alive\n\n/);
  leaves.abort();
});

test('requests with the same id are apart, and end with their response', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router);
  const client = () => router.clients[0];
  const leaves = new AbortController();
  const ended: string[] = [];
  const never = (who: string, signal?: AbortSignal) =>
    ask(edge.url, { ...tool('never', { who }), id: 1, ...(signal && { signal }) }).then(
      ({ answer }) => ended.push(`${who} ${answer.result}`),
      () => ended.push(`${who} left`),
    );
  const first = never('first', leaves.signal);
  await until(() => client()?.keys.length === 1, { what: 'the first call' });
  const second = never('second');
  await until(() => client()?.keys.length === 2, { what: 'the second call' });
  leaves.abort();
  await first;
  await until(() => client()?.cancelled.length === 1, { what: 'the end of the first' });
  expect(client()?.cancelled).toEqual([`${client()?.keys[0]} the client has closed the response`]);
  client()?.port.answer([Buffer.from('{"id":1,"result":"its own"}')], client()?.keys[1] ?? '');
  await second;
  expect(ended).toEqual(['first left', 'second its own']);
  // An answer that was given ends no call.
  expect(client()?.cancelled).toHaveLength(1);
});

test('one principal stands for all requests of its token, up to a limit, and goes when it is idle', async () => {
  const router = new EchoRouter();
  const tokens = ['a'.repeat(32), 'b'.repeat(32)];
  const edge = await startEdge(router, { tokens, maxInFlight: 2, idleMs: 200 });
  const [first, second] = tokens.map((token) => ({ authorization: `Bearer ${token}` }));
  const leaves = new AbortController();
  const { signal } = leaves;
  for (const id of [1, 2]) {
    begin(edge.url, { ...tool('never'), id, headers: first ?? {}, signal }).catch(() => undefined);
  }
  await until(() => router.clients[0]?.received.length === 2, { what: 'both calls' });
  const full = await ask(edge.url, { ...CALL, headers: first ?? {} });
  expect(full.answer.result).toMatchObject({
    resultType: 'complete',
    isError: true,
    _meta: { 'rea/error': { code: 'ERR_QUEUE_FULL' } },
  });
  const other = await ask(edge.url, { ...CALL, headers: second ?? {} });
  expect(other.answer.result.isError).toBeUndefined();
  expect(router.clients.map(({ port }) => port.several)).toEqual([false, false]);
  await until(() => router.clients[1]?.closedBecause, { what: 'the end of the idle one' });
  expect(router.clients[0]?.closedBecause).toBeNull();
  leaves.abort();
  await until(() => router.clients[0]?.closedBecause, { what: 'the end of the other' });
});

test('a gateway that stops says so in the client’s revision', async () => {
  const edge = await startEdge(new EchoRouter());
  edge.stopAccepting();
  const { status, headers, answer } = await ask(edge.url, CALL);
  expect([status, answer.id, answer.error?.code]).toEqual([503, 'c', -32603]);
  expect(headers.get('rea-outcome')).toBe('not_sent');
});
