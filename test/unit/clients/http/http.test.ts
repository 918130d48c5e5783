import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, expect, test } from 'vitest';
import { type HttpEdge, type HttpOptions, startHttp } from '#src/main/clients/http/listener.ts';
import { bigResult, EchoRouter } from '../../../support/echo-router.ts';
import { until } from '../../../support/wait-for.ts';

type Edge = Extract<HttpEdge, { ok: true }>;

const cleanup: (() => Promise<void>)[] = [];
const errors: string[] = [];

afterEach(async () => {
  for (const end of cleanup.splice(0).reverse()) await end();
  if (errors.length > 0) throw new Error(errors.splice(0).join('\n'));
});

async function start(router: EchoRouter, options: Partial<HttpOptions> = {}): Promise<Edge> {
  const edge = await startHttp({
    host: '127.0.0.1',
    port: 0,
    open: router.open,
    maxBodyBytes: 1_000_000,
    credit: { addUnits: () => {} },
    log: {
      debug: () => {},
      warn: () => {},
      error: (fields, message) => errors.push(`${message} ${JSON.stringify(fields)}`),
    },
    ...options,
  });
  if (!edge.ok) throw new Error(edge.message);
  cleanup.push(() => edge.close());
  return edge;
}

async function connect(edge: Edge): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(edge.url)));
  cleanup.push(() => client.close());
  return client;
}

const HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};
const INITIALIZE =
  '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}';

test('a message with a longer id than anybody keeps is refused', async () => {
  const edge = await start(new EchoRouter());
  const withId = (id: string) => INITIALIZE.replace('"id":1', `"id":"${id}"`);
  const refused = await post(edge, null, withId('i'.repeat(1023)));
  expect([refused.status, await refused.json()]).toMatchObject([
    400,
    { id: null, error: { code: -32600, message: 'The id may have at most 1024 bytes' } },
  ]);
  expect((await post(edge, null, withId('i'.repeat(1022)))).status).toBe(200);
});

function post(edge: Edge, session: string | null, body: string): Promise<Response> {
  const headers = session === null ? HEADERS : { ...HEADERS, 'mcp-session-id': session };
  return fetch(edge.url, { method: 'POST', headers, body });
}

async function openSession(edge: Edge): Promise<string> {
  const response = await post(edge, null, INITIALIZE);
  await response.text();
  return response.headers.get('mcp-session-id') ?? '';
}

/** The payloads of a finished event stream, or the one that is the whole response, as text. */
async function payloads(response: Response): Promise<string[]> {
  const text = await response.text();
  if (response.headers.get('content-type') === 'application/json') return [text];
  return text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
}

function callTool(name: string, id: string, rest = ''): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}"${rest}}}`;
}

/** Waits for the next message that satisfies the condition. */
function received(router: EchoRouter, text: string): Promise<void> {
  return new Promise((resolve) => {
    router.onMessage = (client) => {
      if (client.received.at(-1)?.includes(text)) resolve();
    };
  });
}

/** A request whose body is written by hand. */
function openPost(edge: Edge, headers: Record<string, string> = {}): ClientRequest {
  const request = httpRequest(edge.url, { method: 'POST', headers: { ...HEADERS, ...headers } });
  request.on('error', () => {});
  return request;
}

async function statusOf(
  edge: Edge,
  path: string,
  headers: Record<string, string>,
): Promise<number> {
  const request = httpRequest(new URL(path, edge.url), { headers });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode ?? 0;
}

test('an SDK client initializes, lists tools and calls one', async () => {
  const router = new EchoRouter();
  const edge = await start(router);
  const client = await connect(edge);
  expect(client.getServerVersion()).toEqual({ name: 'echo', version: '1' });
  expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(['echo']);
  const result = await client.callTool({ name: 'echo', arguments: { a: 1 } });
  expect(JSON.stringify(result)).toContain('{\\"name\\":\\"echo\\",\\"arguments\\":{\\"a\\":1}}');
  expect(router.sessions).toBe(1);
});

test('an SDK client gets its progress before the answer', async () => {
  const client = await connect(await start(new EchoRouter()));
  const steps: number[] = [];
  await client.callTool({ name: 'progress' }, undefined, {
    onprogress: (progress) => steps.push(progress.progress),
  });
  expect(steps).toEqual([1, 2, 3]);
});

test('a result of 1 MB with integers above 2^53 arrives byte for byte', async () => {
  const edge = await start(new EchoRouter());
  const session = await openSession(edge);
  const messages = await payloads(await post(edge, session, callTool('big', '7')));
  expect(messages).toHaveLength(1);
  expect(messages[0] === `{"jsonrpc":"2.0","result":${bigResult()},"id":7}`).toBe(true);
});

test('ids come back as they were written', async () => {
  const edge = await start(new EchoRouter());
  const session = await openSession(edge);
  for (const id of ['0', '-1', '18446744073709551615', '"x"', '"5"', '5', '"\\u0041\\n"', '""']) {
    const [message] = await payloads(await post(edge, session, callTool('echo', id)));
    expect(message?.endsWith(`,"id":${id}}`), id).toBe(true);
  }
});

test('two clients with the same ids never get each other’s answers', async () => {
  const edge = await start(new EchoRouter());
  const sessions = [await openSession(edge), await openSession(edge)];
  expect(sessions[0]).not.toBe(sessions[1]);
  const calls = Array.from({ length: 100 }, (_, i) => ({ who: i % 2, id: Math.floor(i / 2) }));
  const answers = await Promise.all(
    calls.map(async ({ who, id }) => {
      const body = callTool('echo', String(id), `,"arguments":{"who":${who},"id":${id}}`);
      return payloads(await post(edge, sessions[who] ?? '', body));
    }),
  );
  calls.forEach(({ who, id }, i) => {
    expect(answers[i]).toHaveLength(1);
    expect(answers[i]?.[0]).toContain(`{\\"who\\":${who},\\"id\\":${id}}`);
    expect(answers[i]?.[0]).toContain(`"id":${id}}`);
  });
});

test('a body may be formatted over several lines and reaches the router as one', async () => {
  const router = new EchoRouter();
  const edge = await start(router);
  const session = await openSession(edge);
  const body = JSON.stringify(JSON.parse(callTool('echo', '1')), null, 2).replaceAll('\n', '\r\n');
  expect(await payloads(await post(edge, session, body))).toHaveLength(1);
  expect(router.clients[0]?.received.at(-1)).not.toMatch(/[\r\n]/);
});

test('a notification is accepted with 202 and reaches the router', async () => {
  const router = new EchoRouter();
  const edge = await start(router);
  const session = await openSession(edge);
  const line = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
  expect((await post(edge, session, line)).status).toBe(202);
  expect(router.clients[0]?.received.at(-1)).toBe(line);
});

test('a cancelled call gets no answer and its stream ends', async () => {
  const router = new EchoRouter();
  const edge = await start(router);
  const session = await openSession(edge);
  const arrived = received(router, '"never"');
  const call = await post(edge, session, callTool('never', '"c"'));
  await arrived;
  await post(
    edge,
    session,
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c"}}',
  );
  expect(await payloads(call)).toEqual([]);
  expect(await payloads(await post(edge, session, callTool('echo', '"c"')))).toHaveLength(1);
});

test('an id in flight cannot be used a second time', async () => {
  const edge = await start(new EchoRouter());
  const session = await openSession(edge);
  await post(edge, session, callTool('never', '3'));
  const second = await post(edge, session, callTool('echo', '3'));
  expect(second.status).toBe(400);
  expect(await second.json()).toMatchObject({ error: { code: -32600 } });
  expect((await post(edge, session, callTool('echo', '"3"'))).status).toBe(200);
});

test('what the gateway sends by itself goes to the GET stream, also from before it was open', async () => {
  const router = new EchoRouter();
  const edge = await start(router);
  const session = await openSession(edge);
  const notify = (n: number) =>
    router.clients[0]?.port.send(
      [Buffer.from(`{"jsonrpc":"2.0","method":"notifications/test","params":{"n":${n}}}`)],
      null,
    );
  notify(1);
  notify(2);
  const headers = { accept: 'text/event-stream', 'mcp-session-id': session };
  const stream = await fetch(edge.url, { headers });
  expect(stream.status).toBe(200);
  expect((await fetch(edge.url, { headers })).status).toBe(409);
  notify(3);
  await fetch(edge.url, { method: 'DELETE', headers });
  const got = await payloads(stream);
  expect(got.map((text) => JSON.parse(text).params.n)).toEqual([1, 2, 3]);
});

test('an SDK client hears of a changed tool list', async () => {
  const router = new EchoRouter();
  const client = await connect(await start(router));
  const heard = new Promise<string>((resolve) => {
    client.setNotificationHandler(ToolListChangedNotificationSchema, ({ method }) =>
      resolve(method),
    );
  });
  const line = '{"method":"notifications/tools/list_changed","jsonrpc":"2.0"}';
  router.clients[0]?.port.send([Buffer.from(line)], null);
  expect(await heard).toBe('notifications/tools/list_changed');
});

test('a session that is deleted is unknown from then on', async () => {
  const router = new EchoRouter();
  const edge = await start(router);
  const session = await openSession(edge);
  const headers = { 'mcp-session-id': session };
  expect((await fetch(edge.url, { method: 'DELETE', headers })).status).toBe(200);
  expect(router.clients[0]?.closedBecause).toBe('the client ended the session');
  expect(router.sessions).toBe(0);
  expect((await fetch(edge.url, { method: 'DELETE', headers })).status).toBe(404);
});

test('unknown sessions get 404, missing ones 400, before the router hears of them', async () => {
  const router = new EchoRouter();
  const edge = await start(router);
  for (const body of [callTool('echo', '1'), INITIALIZE]) {
    const unknown = await post(edge, '00000000-0000-4000-8000-000000000000', body);
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: { code: -32001 }, id: null });
  }
  expect((await post(edge, null, callTool('echo', '1'))).status).toBe(400);
  expect((await fetch(edge.url, { headers: HEADERS })).status).toBe(400);
  expect(router.clients).toEqual([]);
});

test('foreign hosts and origins get 403 on every path', async () => {
  const edge = await start(new EchoRouter());
  for (const path of ['/mcp', '/healthz', '/other']) {
    expect(await statusOf(edge, path, { host: 'rebound.example' })).toBe(403);
    expect(await statusOf(edge, path, { host: 'rebound.example:7332' })).toBe(403);
    expect(await statusOf(edge, path, { origin: 'https://evil.example' })).toBe(403);
    expect(await statusOf(edge, path, { origin: 'null' })).toBe(403);
  }
  for (const host of ['localhost', '127.0.0.1:1', '[::1]:99']) {
    expect(await statusOf(edge, '/healthz', { host, origin: `http://${host}` })).toBe(200);
  }
});

test('/healthz says ok, other paths are 404, other methods 405', async () => {
  const edge = await start(new EchoRouter());
  const health = await fetch(new URL('/healthz', edge.url));
  expect([health.status, await health.text()]).toEqual([200, 'ok']);
  expect((await fetch(new URL('/', edge.url))).status).toBe(404);
  const put = await fetch(edge.url, { method: 'PUT', body: '{}' });
  expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, POST, DELETE']);
});

test('bodies that are not one JSON-RPC message are refused with 400', async () => {
  const router = new EchoRouter();
  const edge = await start(router);
  const session = await openSession(edge);
  const before = router.clients[0]?.received.length;
  const bodies = ['', '{', '[]', `[${callTool('echo', '1')}]`, `\n [1`, '{}', '{"jsonrpc":"2.0"}'];
  for (const body of [
    ...bodies,
    '{"a":"x\ny"}',
    `${callTool('echo', '1')}\n${callTool('echo', '2')}`,
  ]) {
    const response = await post(edge, session, body);
    expect(response.status, body).toBe(400);
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', id: null });
  }
  expect(router.clients[0]?.received.length).toBe(before);
});

test('a declared body over the cap is refused unread', async () => {
  const edge = await start(new EchoRouter());
  const request = openPost(edge, { 'content-length': '1000001' });
  request.flushHeaders();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(413);
  request.destroy();
});

test('a body that grows over the cap is refused while it streams in', async () => {
  const edge = await start(new EchoRouter());
  const request = openPost(edge);
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  request.write(`{"x":"${'a'.repeat(900_000)}`);
  request.write('a'.repeat(200_000));
  const [response] = await answered;
  expect(response.statusCode).toBe(413);
  const body = (await response.toArray()).join('');
  expect(JSON.parse(body)).toMatchObject({
    error: { message: expect.stringContaining('1000000') },
  });
  request.destroy();
});

test('a client that reads only after writing its whole body still gets the refusal', async () => {
  const edge = await start(new EchoRouter());
  const { host, port } = new URL(edge.url);
  const socket = connectSocket(Number(port), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString())).pause();
  const size = 20_000_000;
  const head = Object.entries({ host, ...HEADERS, 'content-length': size });
  const lines = head.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(`POST /mcp HTTP/1.1\r\n${lines}\r\n`);
  await new Promise((resolve) => socket.write(Buffer.alloc(size, ' '), resolve));
  socket.resume();
  await once(socket, 'end');
  expect(text).toMatch(/^HTTP\/1\.1 413 [^]*Body too large/);
});

test('a body of exactly the cap is taken', async () => {
  const edge = await start(new EchoRouter());
  const session = await openSession(edge);
  const empty = callTool('echo', '1', ',"x":""').length;
  const body = callTool('echo', '1', `,"x":"${'a'.repeat(1_000_000 - empty)}"`);
  expect((await post(edge, session, body)).status).toBe(200);
  expect((await post(edge, session, `${body} `)).status).toBe(413);
});

test('clients that vanish in the middle disturb nobody', async () => {
  const router = new EchoRouter();
  const edge = await start(router);
  const session = await openSession(edge);
  // While its body is under way.
  const half = openPost(edge);
  half.write('{"jsonrpc":');
  await once(half, 'socket').then(([socket]) => socket.connecting && once(socket, 'connect'));
  half.destroy();
  // While it waits for an answer, which is then sent to nobody.
  const leave = new AbortController();
  const arrived = received(router, '"never"');
  const call = await fetch(edge.url, {
    method: 'POST',
    headers: { ...HEADERS, 'mcp-session-id': session },
    body: callTool('never', '9'),
    signal: leave.signal,
  });
  await arrived;
  leave.abort();
  await call.text().catch(() => {});
  const { port } = router.clients[0] ?? {};
  const big = Buffer.alloc(1_000_000, 'x');
  for (let i = 0; i < 20; i++) {
    port?.send(
      [Buffer.from('{"method":"notifications/progress","x":"'), big, Buffer.from('"}')],
      '9',
    );
  }
  port?.answer([Buffer.from('{"id":9,"result":{}}')], '9');
  expect(await payloads(await post(edge, session, callTool('echo', '9')))).toHaveLength(1);
});

test('a client that stops reading is cut off and may come back', async () => {
  const router = new EchoRouter();
  const edge = await start(router, { slowClientMs: 300 });
  const session = await openSession(edge);
  const headers = { accept: 'text/event-stream', 'mcp-session-id': session };
  const request = httpRequest(edge.url, { headers });
  request.end();
  const [stream] = (await once(request, 'response')) as [IncomingMessage];
  const cut = new Promise((resolve) => stream.on('close', resolve));
  stream.on('error', () => {});
  const megabyte = Buffer.alloc(1_000_000, 'x');
  for (let i = 0; i < 100; i++) {
    await setImmediate();
    const parts = [Buffer.from(`{"method":"notifications/m","n":${i},"x":"`), megabyte];
    router.clients[0]?.port.send([...parts, Buffer.from('"}')], null);
  }
  expect(router.clients[0]?.port.needsDrain).toBe(true);
  await until(() => router.clients[0]?.port.needsDrain === false, {
    limitMs: 20_000,
    what: 'the stream to be closed',
  });
  stream.resume();
  await cut;
  const next = Buffer.from('{"method":"notifications/m","n":100,"x":""}');
  router.clients[0]?.port.send([next], null);
  const again = await fetch(edge.url, { headers });
  expect(again.status).toBe(200);
  await fetch(edge.url, { method: 'DELETE', headers });
  expect(await payloads(again)).toEqual([expect.stringContaining('"n":100,')]);
});

test('a session that nobody uses ends, one with an open stream stays', async () => {
  const router = new EchoRouter();
  const edge = await start(router, { idleMs: 400 });
  await openSession(edge);
  const kept = await openSession(edge);
  await fetch(edge.url, { headers: { accept: 'text/event-stream', 'mcp-session-id': kept } });
  const ended = new Promise<void>((resolve) => {
    router.onClosed = () => resolve();
  });
  if (router.clients[0]?.closedBecause === null) await ended;
  expect(router.clients.map((client) => client.closedBecause)).toEqual(['idle for too long', null]);
  expect(router.sessions).toBe(1);
});

test('a client cannot initialize twice in one session, nor with a wrong Accept', async () => {
  const router = new EchoRouter();
  const edge = await start(router);
  const session = await openSession(edge);
  expect((await post(edge, session, INITIALIZE)).status).toBe(400);
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const plain = await fetch(edge.url, { method: 'POST', headers, body: INITIALIZE });
  expect(plain.status).toBe(406);
  expect(router.clients).toHaveLength(1);
  expect(router.sessions).toBe(1);
});

test('closing ends all sessions and streams and frees the port', async () => {
  const router = new EchoRouter();
  const edge = await start(router);
  const session = await openSession(edge);
  const stream = await fetch(edge.url, {
    headers: { accept: 'text/event-stream', 'mcp-session-id': session },
  });
  const call = await post(edge, session, callTool('never', '1'));
  await edge.close();
  expect(await payloads(stream)).toEqual([]);
  expect(await payloads(call)).toEqual([]);
  expect(router.clients[0]?.closedBecause).toBe('the gateway is stopping');
  const port = Number(new URL(edge.url).port);
  await start(new EchoRouter(), { port });
});

test('a port in use and an address that is not loopback are one clear line', async () => {
  const edge = await start(new EchoRouter());
  const port = Number(new URL(edge.url).port);
  const again = await startHttp({ ...baseOptions(), port });
  expect(again).toEqual({
    ok: false,
    message: expect.stringMatching(
      /^cannot listen on 127\.0\.0\.1:\d+: the port is in use; .*--http/,
    ),
  });
  const open = await startHttp({ ...baseOptions(), host: '0.0.0.0' });
  expect(open).toEqual({
    ok: false,
    message: expect.stringMatching(/^cannot listen on 0\.0\.0\.0:0: .*--token-file/),
  });
});

function baseOptions(): HttpOptions {
  const log = { debug: () => {}, warn: () => {}, error: () => {} };
  const credit = { addUnits: () => {} };
  const { open } = new EchoRouter();
  return { host: '127.0.0.1', port: 0, open, maxBodyBytes: 1000, credit, log };
}

test('a connection beyond the limit is closed, and those that are open go on', async () => {
  const edge = await start(new EchoRouter(), { maxConnections: 2 });
  const { hostname, port } = new URL(edge.url);
  const open = async () => {
    const socket = connectSocket(Number(port), hostname);
    socket.on('error', () => {});
    cleanup.push(async () => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  const [first] = [await open(), await open()];
  const third = await open();
  third.resume();
  await once(third, 'close');
  const answer = once(first, 'data');
  first.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect(String((await answer)[0])).toContain('200 OK');
});
