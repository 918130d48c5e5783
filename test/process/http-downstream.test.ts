/** Servers behind the gateway that are reached over Streamable HTTP: the same promises as for processes. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import {
  freePort,
  type HttpServer,
  startEverything,
  startFixture,
  stopHttpServers,
} from '../support/http-server.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, QUICK, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(async () => {
  await tidy();
  await stopHttpServers();
});

/** A gateway in front of one server `web`, ready. */
async function front(server: HttpServer, options: Readonly<Record<string, unknown>> = {}) {
  const rea = await startRea({
    config: registry({ web: { url: server.url } }, options),
  });
  await rea.waitForPhase('web', 'ready');
  return rea;
}

test.concurrent('serves the reference server with its tools, prompts and resources, and ends its session', async () => {
  const rea = await front(await startEverything());
  const echo = await rea.call('web__echo', { message: 'over http' });
  expect(echo.text).toBe('Echo: over http');
  expect((await rea.request('prompts/list')).message.result.prompts).not.toEqual([]);
  expect((await rea.request('resources/list')).message.result.resources).not.toEqual([]);
  const progress = rea.begin(
    'web__trigger-long-running-operation',
    { duration: 1, steps: 4 },
    { progressToken: 'mine' },
  );
  await progress.answer;
  const seen = rea.wire.notifications('notifications/progress').map(({ params }) => params);
  expect(seen.map((params) => params.progress)).toEqual([1, 2, 3, 4]);
  expect(new Set(seen.map((params) => params.progressToken))).toEqual(new Set(['mine']));
  const [web] = rea.state()?.downstreams ?? [];
  expect(web).toMatchObject({
    phase: 'ready',
    pid: null,
    pgid: null,
    restarts: 0,
    last_error: null,
  });
});

test.concurrent('the reference server is killed while idle, and served again once it is back', async () => {
  const server = await startEverything();
  const rea = await front(server);
  await server.kill();
  // The dropped stream of notifications makes it look; nobody has to call.
  await rea.waitForServer(
    'web',
    ({ restarts, last_error }) => restarts >= 1 && (last_error?.includes('ECONNREFUSED') ?? false),
    { what: 'refused' },
  );
  await startEverything(server.port);
  await rea.waitForPhase('web', 'ready');
  expect((await rea.call('web__echo', { message: 'again' })).text).toBe('Echo: again');
});

test.concurrent('a server that comes up late is served as soon as it is there', async () => {
  const port = await freePort();
  const rea = await startRea({
    config: registry({ web: { url: `http://127.0.0.1:${port}/mcp` }, echo: fixture('echo') }),
  });
  const down = await rea.waitForServer('web', ({ last_exit }) => last_exit !== null, {
    what: 'refused',
  });
  expect(down.last_error).toMatch(/^cannot connect to 127\.0\.0\.1:\d+ \(ECONNREFUSED\) during/);
  expect((await rea.call('echo__echo', { text: 'meanwhile' })).text).toBe('meanwhile');
  await startFixture('--port', port);
  await rea.waitForPhase('web', 'ready');
  expect((await rea.call('web__echo', { text: 'late' })).text).toBe('late');
});

test.concurrent('a call in flight at a kill -9 is answered once, at once, and its effect happens once', async () => {
  const server = await startFixture();
  const rea = await front(server);
  const effects = join(rea.dir, 'effects');
  const { failure } = await rea.call('web__effect-then-die', { file: effects });
  expect(failure).toMatchObject({
    code: 'ERR_OUTCOME_UNKNOWN',
    outcome: 'unknown',
    retryable: false,
  });
  await startFixture('--port', server.port);
  await rea.waitForServer('web', ({ phase, restarts }) => phase === 'ready' && restarts > 0, {
    what: 'ready again',
  });
  expect((await rea.call('web__echo', { text: 'alive' })).text).toBe('alive');
  expect(lines(effects)).toEqual(['effect']);
});

test.concurrent('calls that a lost session turned away are carried out, once each, in the new session', async () => {
  const server = await startFixture('--no-get');
  // What it died of is told for as long as it is not stable.
  const rea = await front(server, { restart: { ...QUICK.restart, stable_ms: 600_000 } });
  await rea.call('web__forget-quietly');
  const effects = join(rea.dir, 'effects');
  const answers = await Promise.all(
    [1, 2, 3, 4, 5].map(() => rea.call('web__effect', { file: effects })),
  );
  expect(answers.map(({ text, failure }) => [text, failure])).toEqual(
    Array(5).fill(['done', null]),
  );
  expect(lines(effects)).toHaveLength(5);
  const web = await rea.waitForServer(
    'web',
    ({ restarts, phase }) => restarts === 1 && phase === 'ready',
    {
      what: 'restarted',
    },
  );
  expect(web).toMatchObject({ circuit_state: 'closed', phase: 'ready' });
  expect(web.last_error).toContain('does not know the session any more (HTTP 404)');
  expect(await server.written({ method: 'initialize' })).toHaveLength(2);
});

test.concurrent('a session that ends while nobody calls is begun again', async () => {
  const server = await startFixture();
  const rea = await front(server);
  await server.written({ http: 'GET' });
  await rea.call('web__forget');
  await rea.waitForServer('web', ({ restarts, phase }) => restarts === 1 && phase === 'ready', {
    what: 'in a new session',
  });
  expect((await rea.call('web__echo', { text: 'again' })).text).toBe('again');
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

test.concurrent.each([
  ['bad-utf8', {}, 'ERR_MALFORMED_MESSAGE', 'answered', 'utf8'],
  ['break-in-string', {}, 'ERR_MALFORMED_MESSAGE', 'answered', 'malformed'],
  ['other-type', { type: 'text/html' }, 'ERR_MALFORMED_MESSAGE', 'answered', 'HTTP 200, text/html'],
  ['gzip', {}, 'ERR_MALFORMED_MESSAGE', 'answered', 'gzip'],
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
  ['status', { code: 202, body: '' }, 'ERR_MALFORMED_MESSAGE', 'answered', 'HTTP 202'],
  [
    'redirect',
    { code: 307, to: 'https://elsewhere.example/x?secret=1' },
    'ERR_HTTP_STATUS',
    'answered',
    'a redirect to https://elsewhere.example that',
  ],
  ['redirect', { code: 302, to: '/mcp' }, 'ERR_HTTP_STATUS', 'answered', 'HTTP 302'],
] as const)('%s %j costs the call %s and nothing else', async (tool, args, code, outcome, text) => {
  const rea = await front(await startFixture(), { max_message_bytes: 262_144 });
  const pid = (await rea.call('web__pid')).text;
  const answer = await rea.call(`web__${tool}`, args);
  expect(answer.failure).toMatchObject({ code, outcome, retryable: false });
  expect(answer.text).toContain(text);
  expect((await rea.call('web__pid')).text).toBe(pid);
  const [web] = rea.state()?.downstreams ?? [];
  expect(web).toMatchObject({ restarts: 0, circuit_state: 'closed' });
});

test.concurrent('a redirect within the origin is followed, three times at most', async () => {
  const server = await startFixture();
  const rea = await front(server);
  const once = await rea.call('web__redirect', { code: 308, to: '/other?place' });
  expect(once.text).toBe('served at /other?place');
  const always = await rea.call('web__redirect', { code: 307, to: '/mcp' });
  expect(always.failure?.code).toBe('ERR_HTTP_STATUS');
  expect(await server.written({ tool: 'redirect' })).toHaveLength(2 + 4);
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

test.concurrent('a server that does not answer initialize is given up in time', async () => {
  const server = await startFixture('--hang', 'initialize');
  const rea = await startRea({
    config: registry({ web: { url: server.url, start_timeout_ms: 200 } }),
  });
  const web = await rea.waitForServer('web', ({ last_exit }) => last_exit !== null, {
    what: 'given up',
  });
  expect(web.last_error).toBe('no answer to initialize within 200 ms');
});

test.concurrent('a server that does not answer the end of its session does not hold up the stop', async () => {
  const server = await startFixture('--hang', 'DELETE');
  const rea = await front(server);
  expect(await rea.stop()).toEqual({ code: 0, signal: null });
  expect(await server.written({ http: 'DELETE' })).toHaveLength(1);
});

test.concurrent('a certificate that nobody vouches for is refused, and one of NODE_EXTRA_CA_CERTS is not', async () => {
  const dir = makeDirectory();
  execFileSync(
    'openssl',
    'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem'.split(
      ' ',
    ),
    { cwd: dir, stdio: 'ignore' },
  );
  const server = await startFixture('--tls', dir);
  const url = `https://localhost:${server.port}/mcp`;
  const wary = await startRea({ config: registry({ web: { url } }) });
  const web = await wary.waitForServer('web', ({ last_exit }) => last_exit !== null, {
    what: 'refused',
  });
  expect(web.last_error).toMatch(
    /^cannot connect to localhost:\d+ \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
  );
  const rea = await startRea({
    env: { NODE_EXTRA_CA_CERTS: join(dir, 'cert.pem') },
    config: registry({ web: { url } }),
  });
  await rea.waitForPhase('web', 'ready');
  expect((await rea.call('web__echo', { text: 'encrypted' })).text).toBe('encrypted');
  await server.kill();
});

test.concurrent('at a stop the session is ended at the server', async () => {
  const server = await startFixture();
  const rea = await front(server);
  expect(await rea.stop()).toEqual({ code: 0, signal: null });
  expect(server.journal().at(-1)).toMatchObject({ http: 'DELETE', version: '2025-11-25' });
});

test.concurrent('a server that does not answer any more is taken for hung, and connected to again', async () => {
  const server = await startFixture();
  const rea = await front(server, { liveness: { idle_ms: 300, timeout_ms: 200, misses: 2 } });
  await rea.call('web__refuse-all', { code: 503 });
  const web = await rea.waitForServer('web', ({ last_exit }) => last_exit !== null, {
    what: 'given up',
  });
  expect(web.last_error).toMatch(/pings in a row unanswered|HTTP 503/);
});

async function names(rea: Rea): Promise<string[]> {
  return (await rea.tools()).map(({ name }) => name);
}

function lines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
