/** What passes between clients and a server behind HTTP: bytes, errors, streams, questions. */
import { afterAll, expect, test, vi } from 'vitest';
import { front, frontOfCases } from '../support/http-front.ts';
import { startFixture, stopHttpServers } from '../support/http-server.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(async () => {
  await tidy();
  await stopHttpServers();
});

test.concurrent('answers pass byte for byte, as JSON in one line or many, and as events', async () => {
  const rea = await front(await startFixture());
  const integers = rea.begin('web__integers');
  expect((await integers.answer).raw).toBe(
    `{"result":{"content":[],"n":9007199254740993,"e":"\\u00e9\\/"},"jsonrpc":"2.0","id":"${integers.id}"}`,
  );
  const pretty = await rea.call('web__pretty');
  expect(pretty.message.result).toEqual({ content: [{ type: 'text', text: 'a\nb' }], n: [1, 2] });
  expect((await rea.call('web__lines-of-data')).text).toBe('in lines');
  expect((await rea.call('web__junk-event')).text).toBe('after junk');
  const events = await front(await startFixture('--answer', 'events'));
  expect((await events.call('web__echo', { text: 'über' })).text).toBe('über');
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
const faulty = frontOfCases(
  FAULTS.map(() => []),
  { max_message_bytes: 262_144 },
);

test.concurrent.each(FAULTS.map(([tool, args, ...costs], at) => [tool, args, costs, at] as const))(
  '%s %j costs the call %s and nothing else',
  async (tool, args, [code, outcome, text], at) => {
    const { rea, name } = await faulty(at);
    const pid = (await rea.call(`${name}__pid`)).text;
    const answer = await rea.call(`${name}__${tool}`, args);
    expect(answer.failure).toMatchObject({ code, outcome, retryable: false });
    expect(answer.text).toContain(text);
    expect((await rea.call(`${name}__pid`)).text).toBe(pid);
    const web = rea.state()?.downstreams.find((one) => one.name === name);
    expect(web).toMatchObject({ restarts: 0, circuit_state: 'closed' });
  },
);

test.concurrent('a redirect within the origin is followed, five times at most', async () => {
  const server = await startFixture();
  const rea = await front(server);
  const once = await rea.call('web__redirect', { code: 308, to: '/other?place' });
  expect(once.text).toBe('served at /other?place');
  const always = await rea.call('web__redirect', { code: 307, to: '/mcp' });
  expect(always.failure?.code).toBe('ERR_HTTP_STATUS');
  expect(await server.written({ tool: 'redirect' })).toHaveLength(2 + 6);
});

test.concurrent("a protocol error under an HTTP error is the call's answer", async () => {
  const rea = await front(await startFixture());
  const { message, failure } = await rea.call('web__status-with-error');
  expect(failure).toBeNull();
  expect(message.error).toEqual({ code: -32602, message: 'no such file' });
});

test.concurrent('progress keeps its order, and a stream that breaks is taken up after its last event', async () => {
  const server = await startFixture();
  const rea = await front(server);
  const many = rea.begin('web__progress', { count: 20 }, { progressToken: 7 });
  expect((await many.answer).text).toBe('done');
  const progressOf = (token: unknown) =>
    rea.wire
      .notifications('notifications/progress')
      .filter(({ params }) => params.progressToken === token)
      .map(({ params }) => params.progress);
  expect(progressOf(7)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  const resumed = rea.begin('web__resume', { retry: 10, breaks: 3 }, { progressToken: 8 });
  expect((await resumed.answer).text).toBe('resumed');
  expect(progressOf(8)).toEqual([1, 2]);
  expect(await server.written({ tool: 'resume' })).toHaveLength(1);
  expect(await server.written({ lastEventId: 'stream-2' })).toHaveLength(3);
});

test.concurrent('a cancelled call is cancelled at the server and its stream is closed', async () => {
  const server = await startFixture();
  const rea = await front(server);
  const call = rea.begin('web__hang');
  await server.written({ tool: 'hang' });
  rea.cancel(call);
  await server.written({ method: 'notifications/cancelled' });
  await server.written({ closed: 'hang' });
  expect(call.answered()).toBe(false);
});

test.concurrent('the stream of notifications is opened again, and nothing that was missed stays unknown', async () => {
  const server = await startFixture();
  const rea = await front(server);
  await server.written({ http: 'GET' });
  await rea.call('web__add-tool', { name: 'told', tell: true });
  await until(async () => (await names(rea)).includes('web__told'), {
    what: 'the new tool',
  });
  expect((await rea.call('web__drop-stream')).text).toBe('1');
  await rea.call('web__add-tool', { name: 'missed', tell: false });
  await until(async () => (await names(rea)).includes('web__missed'), {
    what: 'the tool that nobody told of',
  });
  expect(await server.written({ http: 'GET' })).toHaveLength(2);
  expect(rea.state()?.downstreams[0]).toMatchObject({ restarts: 0 });
});

test.concurrent('a server asks the client that called it', async () => {
  const rea = await startRea({
    initialize: false,
    config: registry({
      web: { url: (await startFixture()).url, client_capabilities: { elicitation: {} } },
    }),
  });
  const { answer } = rea.wire.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'rea-test', version: '1.0.0' },
  });
  await answer;
  rea.wire.notify('notifications/initialized');
  rea.wire.onForeign = ({ id, method }) => {
    if (method !== 'elicitation/create') return;
    const result = { action: 'accept', content: { why: 'because' } };
    rea.wire.writeRaw(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
  };
  await rea.waitForPhase('web', 'ready');
  expect(JSON.parse((await rea.call('web__ask')).text)).toEqual({
    action: 'accept',
    content: { why: 'because' },
  });
});

test.concurrent('a server without sessions and without a stream is served', async () => {
  const rea = await front(await startFixture('--no-session', '--no-get'));
  expect((await rea.call('web__echo', { text: 'stateless' })).text).toBe('stateless');
});

test.concurrent('log messages of a server reach the client', async () => {
  const server = await startFixture();
  const rea = await front(server);
  await server.written({ http: 'GET' });
  expect((await rea.call('web__log', { text: 'said by itself' })).text).toBe('1');
  await rea.waitForFrames(({ message }) => message.params?.data === 'said by itself', 1);
});

test.concurrent('a server that answers notifications with a stream does not hold the handshake up', async () => {
  const rea = await front(await startFixture('--stream-for-notifications'));
  expect((await rea.call('web__echo', { text: 'here' })).text).toBe('here');
});

async function names(rea: Rea): Promise<string[]> {
  return (await rea.tools()).map(({ name }) => name);
}
