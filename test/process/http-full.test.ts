/**
 * More clients than there is room for: hundreds that come, look and leave without a word, in
 * `npm run stress` thousands, beside some that work. Everybody gets in, and nobody who works notices.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, expect, test, vi } from 'vitest';
import { callTool, HEADERS, initializeWith } from '../support/http-edge.ts';
import { isAlive } from '../support/processes.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 60_000 });
afterEach(tidy);

const MAX_SESSIONS = 256;
/** More than have a place. */
const VISITORS = SOAKS ? 15_000 : MAX_SESSIONS + 100;
const AT_ONCE = 6;
const LIST = '{"jsonrpc":"2.0","id":"list","method":"tools/list"}';
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const ECHO = callTool('echo__echo', '"call"', ',"arguments":{"text":"hello"}');

async function serve(echo: ServerSpec): Promise<{ rea: Rea; url: URL }> {
  const rea = await startRea({
    args: ['--http', '127.0.0.1:0', '--no-token'],
    config: registry({ echo }),
    initialize: false,
  });
  const http = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  return { rea, url: new URL(http) };
}

/** One request; resolves with its status and session once all of the response has come. */
async function post(url: URL, body: string, session?: string) {
  const headers = { ...HEADERS, ...(session === undefined ? {} : { 'mcp-session-id': session }) };
  const response = await fetch(url, { method: 'POST', headers, body });
  const text = await response.text();
  return { status: response.status, session: response.headers.get('mcp-session-id') ?? '', text };
}

/** Comes, does that much, and leaves without a word. @returns its session. */
async function visitor(url: URL, ...bodies: readonly string[]): Promise<string> {
  const { status, session } = await post(url, initializeWith('2025-11-25'));
  expect(status).toBe(200);
  for (const body of bodies) {
    const { status: next } = await post(url, body, session);
    // Others may have come by the hundred before it went on.
    expect([200, 202, 404]).toContain(next);
  }
  return session;
}

/** Lets that many of them come, a few at a time. @returns their sessions, in the order in which they came. */
async function manyVisitors(url: URL, count: number, kinds: readonly (readonly string[])[]) {
  let next = 0;
  const sessions: string[] = [];
  const one = async () => {
    while (next < count) {
      const at = next++;
      sessions[at] = await visitor(url, ...(kinds[at % kinds.length] ?? []));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return sessions;
}

/** The answer to the first of them whose session made room for another. */
async function firstRefusal(url: URL, sessions: readonly string[]) {
  for (const session of sessions) {
    const answer = await post(url, LIST, session);
    if (answer.status !== 200) return answer;
  }
  throw new Error('every session is still there');
}

/** Calls again and again until it is told to stop. @returns how often it did. */
function atWork(client: Client): () => Promise<number> {
  let goesOn = true;
  let calls = 0;
  const work = (async () => {
    while (goesOn) {
      const text = `call ${calls}`;
      const result = await client.callTool({ name: 'echo__echo', arguments: { text } });
      expect(result).toMatchObject({ content: [{ text }] });
      calls++;
    }
  })();
  // A failure is told where the end is waited for.
  work.catch(() => undefined);
  return async () => {
    goesOn = false;
    await work;
    return calls;
  };
}

async function connect(url: URL): Promise<{ client: Client; session: string | undefined }> {
  const client = new Client({ name: 'works', version: '1' });
  const transport = new StreamableHTTPClientTransport(url);
  await client.connect(transport);
  return { client, session: transport.sessionId };
}

test.each([
  ['only look', [[], [LIST], [INITIALIZED, LIST]]],
  ['call something once', [[INITIALIZED, ECHO]]],
])('any number of visitors that %s and never say goodbye keep nobody out', async (_, kinds) => {
  const { rea, url } = await serve(fixture('echo'));
  await rea.waitForPhase('echo', 'ready');
  const { client, session } = await connect(url);
  // Has called before, and only listens now: it waits for its person.
  const waits = await connect(url);
  await waits.client.callTool({ name: 'echo__echo', arguments: { text: 'before' } });
  const rest = atWork(client);
  const time = stopwatch();
  const sessions = await manyVisitors(url, VISITORS, kinds);
  report(`${VISITORS} visitors: ms`, time.ms());
  expect(await rest()).toBeGreaterThan(0);
  await rea.waitForState((state) => state.sessions === MAX_SESSIONS, { what: 'a full table' });

  // Both have the session that they began with.
  for (const body of [LIST, ECHO]) {
    expect((await post(url, body, session)).status).toBe(200);
    expect((await post(url, body, waits.session)).status).toBe(200);
  }
  // One that went is told so, and begins anew. Who is in the midst of coming can go before the first.
  const gone = await firstRefusal(url, sessions);
  expect(gone.status).toBe(404);
  expect(JSON.parse(gone.text)).toMatchObject({ error: { code: -32001 } });
  expect((await post(url, LIST, await visitor(url, INITIALIZED))).status).toBe(200);
  await client.close();
  await waits.client.close();
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
});

test('a session that makes room takes its own servers with it', async () => {
  const { rea, url } = await serve({ ...fixture('echo'), instances: 'session', max_instances: 2 });
  const { client } = await connect(url);
  const pid = async () => {
    const result = await client.callTool({ name: 'echo__pid', arguments: {} });
    return Number((result as { content: { text: string }[] }).content[0]?.text);
  };
  const own = await pid();
  // Has a process of its own, and never uses it.
  const session = await visitor(url, INITIALIZED);
  const theirs = await rea.waitForState(
    ({ downstreams }) => downstreams.find((one) => one.phase === 'ready' && one.pid !== own)?.pid,
    { what: 'the other instance' },
  );
  await manyVisitors(url, MAX_SESSIONS, [[]]);
  expect((await post(url, LIST, session)).status).toBe(404);
  await until(() => !isAlive(theirs), { what: 'its server to be gone' });
  expect(await pid()).toBe(own);
  await client.close();
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
});

test('a call that takes its time outlives any number of visitors', async () => {
  const { rea, url } = await serve({ ...fixture('never-answer'), call_timeout_ms: 600_000 });
  const session = await visitor(url, INITIALIZED);
  const leave = new AbortController();
  const call = fetch(url, {
    method: 'POST',
    headers: { ...HEADERS, 'mcp-session-id': session },
    body: callTool('echo__wait', '"call"'),
    signal: leave.signal,
  });
  await rea.waitForServer('echo', ({ in_flight }) => in_flight === 1, { what: 'the call' });
  // Newer than the call, and used more lately.
  await manyVisitors(url, MAX_SESSIONS + 50, [[INITIALIZED, LIST]]);
  const ping = '{"jsonrpc":"2.0","id":"ping","method":"ping"}';
  expect((await post(url, ping, session)).status).toBe(200);
  expect(rea.state()?.downstreams[0]?.in_flight).toBe(1);
  leave.abort();
  await call.then((response) => response.text()).catch(() => undefined);
  rea.kill('SIGTERM');
  await rea.exited;
});
