/** What passes between clients and a server behind HTTP: bytes, errors, streams, questions. */
import { afterAll, expect, test, vi } from 'vitest';
import { type HttpServer, startFixture, stopHttpServers } from '../support/http-server.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(async () => {
  await tidy();
  await stopHttpServers();
});

/** One gateway in front of all servers here, for a client that can be asked; the first test that asks starts it. */
let started: Promise<House> | null = null;
/** By the name of the server: its options, and those of its entry. */
const SERVERS = {
  plain: [[], {}],
  events: [['--answer', 'events'], {}],
  streams: [[], {}],
  resumes: [[], {}],
  asks: [[], { client_capabilities: { elicitation: {} } }],
  bare: [['--no-session', '--no-get'], {}],
  notified: [['--stream-for-notifications'], {}],
  faulty: [[], { max_message_bytes: 262_144 }],
} as const;
type Name = keyof typeof SERVERS;
interface House {
  readonly rea: Rea;
  readonly servers: Readonly<Record<Name, HttpServer>>;
}

function house(): Promise<House> {
  started ??= start();
  return started;
}

async function start(): Promise<House> {
  const fixtures = Object.entries(SERVERS).map(
    async ([name, [own]]) => [name, await startFixture(...own)] as const,
  );
  const servers = Object.fromEntries(await Promise.all(fixtures)) as House['servers'];
  // One program under many names looks like servers that shadow each other.
  const entries = Object.entries(SERVERS).map(
    ([name, [, own]]) => [name, { url: servers[name as Name].url, pin: 'off', ...own }] as const,
  );
  const rea = await startRea({ initialize: false, config: registry(Object.fromEntries(entries)) });
  const { answer } = rea.wire.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'rea-test', version: '1.0.0' },
  });
  await answer;
  rea.wire.notify('notifications/initialized');
  return { rea, servers };
}

/** The gateway and this server behind it, ready. */
async function fronted(name: Name): Promise<{ rea: Rea; server: HttpServer }> {
  const { rea, servers } = await house();
  await rea.waitForPhase(name, 'ready');
  return { rea, server: servers[name] };
}

test.concurrent('answers pass byte for byte, as JSON in one line or many, and as events', async () => {
  const { rea } = await fronted('plain');
  const integers = rea.begin('plain__integers');
  expect((await integers.answer).raw).toBe(
    `{"result":{"content":[],"n":9007199254740993,"e":"\\u00e9\\/"},"jsonrpc":"2.0","id":"${integers.id}"}`,
  );
  const pretty = await rea.call('plain__pretty');
  expect(pretty.message.result).toEqual({ content: [{ type: 'text', text: 'a\nb' }], n: [1, 2] });
  expect((await rea.call('plain__lines-of-data')).text).toBe('in lines');
  expect((await rea.call('plain__junk-event')).text).toBe('after junk');
  await fronted('events');
  expect((await rea.call('events__echo', { text: 'über' })).text).toBe('über');
});

const FAULTS = [
  ['bad-utf8', {}, 'ERR_MALFORMED_MESSAGE', 'answered', 'not UTF-8'],
  ['break-in-string', {}, 'ERR_MALFORMED_MESSAGE', 'answered', 'malformed'],
  ['other-type', { type: 'text/html' }, 'ERR_MALFORMED_MESSAGE', 'answered', 'HTTP 200, text/html'],
  ['gzip', {}, 'ERR_MALFORMED_MESSAGE', 'answered', 'content-encoding'],
  ['big', { bytes: 300_000 }, 'ERR_MESSAGE_TOO_LARGE', 'answered', '262144 are allowed'],
  [
    'big',
    { bytes: 300_000, json: true },
    'ERR_MESSAGE_TOO_LARGE',
    'answered',
    '262144 are allowed',
  ],
  ['endless', {}, 'ERR_MESSAGE_TOO_LARGE', 'unknown', 'does not end'],
  ['endless', { json: true }, 'ERR_MESSAGE_TOO_LARGE', 'answered', 'does not end'],
  ['end-without-answer', {}, 'ERR_OUTCOME_UNKNOWN', 'unknown', 'ended without the answer'],
  ['break', {}, 'ERR_OUTCOME_UNKNOWN', 'unknown', 'the connection broke'],
  ['status', { code: 500, body: 'oh\nno' }, 'ERR_HTTP_STATUS', 'unknown', 'HTTP 500; oh no'],
  ['status', { code: 403, body: '' }, 'ERR_HTTP_STATUS', 'answered', 'token_file'],
  [
    'redirect',
    { code: 307, to: 'https://elsewhere.example/x?secret=1' },
    'ERR_HTTP_STATUS',
    'answered',
    'a redirect to https://elsewhere.example/x?secret=1 that',
  ],
  ['redirect', { code: 302, to: '/mcp' }, 'ERR_HTTP_STATUS', 'answered', 'HTTP 302'],
] as const;

test.concurrent.each(FAULTS.map(([tool, args, ...costs]) => [tool, args, costs] as const))(
  '%s %j costs the call %s and nothing else',
  async (tool, args, [code, outcome, text]) => {
    const { rea } = await fronted('faulty');
    const pid = (await rea.call('faulty__pid')).text;
    const answer = await rea.call(`faulty__${tool}`, args);
    expect(answer.failure).toMatchObject({ code, outcome, retryable: false });
    expect(answer.text).toContain(text);
    expect((await rea.call('faulty__pid')).text).toBe(pid);
    const faulty = rea.state()?.downstreams.find(({ name }) => name === 'faulty');
    expect(faulty).toMatchObject({ restarts: 0, circuit_state: 'closed' });
  },
);

test.concurrent('a redirect within the origin is followed, five times at most', async () => {
  const { rea, server } = await fronted('plain');
  const once = await rea.call('plain__redirect', { code: 308, to: '/other?place' });
  expect(once.text).toBe('served at /other?place');
  const always = await rea.call('plain__redirect', { code: 307, to: '/mcp' });
  expect(always.failure?.code).toBe('ERR_HTTP_STATUS');
  expect(await server.written({ tool: 'redirect' })).toHaveLength(2 + 6);
});

test.concurrent("a protocol error under an HTTP error is the call's answer", async () => {
  const { rea } = await fronted('plain');
  const { message, failure } = await rea.call('plain__status-with-error');
  expect(failure).toBeNull();
  expect(message.error).toEqual({ code: -32602, message: 'no such file' });
});

test.concurrent('progress keeps its order, and a stream that breaks is taken up after its last event', async () => {
  const { rea, server } = await fronted('resumes');
  const many = rea.begin('resumes__progress', { count: 20 }, { progressToken: 7 });
  expect((await many.answer).text).toBe('done');
  const progressOf = (token: unknown) =>
    rea.wire
      .notifications('notifications/progress')
      .filter(({ params }) => params.progressToken === token)
      .map(({ params }) => params.progress);
  expect(progressOf(7)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  const resumed = rea.begin('resumes__resume', { retry: 10, breaks: 3 }, { progressToken: 8 });
  expect((await resumed.answer).text).toBe('resumed');
  expect(progressOf(8)).toEqual([1, 2]);
  expect(await server.written({ tool: 'resume' })).toHaveLength(1);
  expect(await server.written({ lastEventId: 'stream-2' })).toHaveLength(3);
});

test.concurrent('a cancelled call is cancelled at the server and its stream is closed', async () => {
  const { rea, server } = await fronted('plain');
  const call = rea.begin('plain__hang');
  await server.written({ tool: 'hang' });
  rea.cancel(call);
  await server.written({ method: 'notifications/cancelled' });
  await server.written({ closed: 'hang' });
  expect(call.answered()).toBe(false);
});

test.concurrent('the stream of notifications is opened again, and nothing that was missed stays unknown', async () => {
  const { rea, server } = await fronted('streams');
  await server.written({ http: 'GET' });
  await rea.call('streams__add-tool', { name: 'told', tell: true });
  await until(async () => (await names(rea)).includes('streams__told'), {
    what: 'the new tool',
  });
  expect((await rea.call('streams__drop-stream')).text).toBe('1');
  await rea.call('streams__add-tool', { name: 'missed', tell: false });
  await until(async () => (await names(rea)).includes('streams__missed'), {
    what: 'the tool that nobody told of',
  });
  expect(await server.written({ http: 'GET' })).toHaveLength(2);
  const streams = rea.state()?.downstreams.find(({ name }) => name === 'streams');
  expect(streams).toMatchObject({ restarts: 0 });
});

test.concurrent('a server asks the client that called it', async () => {
  const { rea } = await fronted('asks');
  rea.wire.onForeign = ({ id, method }) => {
    if (method !== 'elicitation/create') return;
    const result = { action: 'accept', content: { why: 'because' } };
    rea.wire.writeRaw(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
  };
  expect(JSON.parse((await rea.call('asks__ask')).text)).toEqual({
    action: 'accept',
    content: { why: 'because' },
  });
});

test.concurrent('a server without sessions and without a stream is served', async () => {
  const { rea } = await fronted('bare');
  expect((await rea.call('bare__echo', { text: 'stateless' })).text).toBe('stateless');
});

test.concurrent('log messages of a server reach the client', async () => {
  const { rea, server } = await fronted('plain');
  await server.written({ http: 'GET' });
  expect((await rea.call('plain__log', { text: 'said by itself' })).text).toBe('1');
  await rea.waitForFrames(({ message }) => message.params?.data === 'said by itself', 1);
});

test.concurrent('a server that answers notifications with a stream does not hold the handshake up', async () => {
  const { rea } = await fronted('notified');
  expect((await rea.call('notified__echo', { text: 'here' })).text).toBe('here');
});

async function names(rea: Rea): Promise<string[]> {
  return (await rea.tools()).map(({ name }) => name);
}
