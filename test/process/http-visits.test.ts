/** A thousand visits of clients that behave badly: each gets the right status, and nothing is left. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { callTool, HEADERS, initializeWith } from '../support/http-edge.ts';
import { memoryOf } from '../support/processes.ts';
import { startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: SOAKS ? 3_600_000 : 500_000, hookTimeout: 60_000 });
afterEach(tidy);

/** Between two looks at the memory. */
const VISITS = SOAKS ? 10_000 : 1_000;
/** One in so many of the large bodies is of ten megabytes. */
const LARGE_ONES = SOAKS ? 3 : 12;
/** Until the heap has the size that visits of all kinds at once need. */
const WARM_UP = 500;
const MiB = 1024 * 1024;
const AT_ONCE = 8;
/** MiB in use after a collection of garbage: 4 KiB left behind by every visit would be seen. */
const LIVE_GROWTH = 2;
/**
 * MiB of resident memory. Free memory that is not given back makes it go up and down; what is kept
 * outside the heap and not told to it would be seen at 130 KiB a visit.
 */
const RSS_GROWTH = 64;
const TEN_MB = 'x'.repeat(10_000_000);

interface Place {
  readonly url: URL;
  /** A session that lives through all visits. */
  readonly session: string;
  /** Not used by any other visit. */
  readonly id: string;
}

interface Message {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly method?: string;
}

const json = (place: Place) => ({ ...HEADERS, 'mcp-session-id': place.session });
const echo = ({ id }: Place, tool: string, args: string) =>
  callTool(`echo__${tool}`, id, `,"arguments":${args}`);

/** One request, up to the head of its response. */
async function head(url: URL, { body = '', headers = {}, method = 'POST' }: Message) {
  const request = httpRequest(url, { method, headers });
  request.on('error', () => {});
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => {});
  return response;
}

/** One request, and its status once all of the response has come. */
async function status(url: URL, message: Message): Promise<number> {
  const response = await head(url, message);
  for await (const _ of response);
  return response.statusCode ?? 0;
}

/** Resolves with the first line of the answer to bytes that are not HTTP. */
async function raw(url: URL, bytes: Buffer | string): Promise<string> {
  const socket = connect(Number(url.port), url.hostname);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1'))).on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return text.split('\r\n', 1)[0] ?? '';
}

const KINDS: readonly ((place: Place) => Promise<void>)[] = [
  async function vanishesInMidCall(place) {
    const body = echo(place, 'sleep', '{"ms":50}');
    (await head(place.url, { body, headers: json(place) })).destroy();
  },
  async function neverReads(place) {
    const body = echo(place, 'big', '{"bytes":2000000}');
    const response = await head(place.url, { body, headers: json(place) });
    await once(response, 'readable');
    response.destroy();
  },
  async function vanishesWithinItsBody({ url }) {
    const request = httpRequest(url, { method: 'POST', headers: HEADERS });
    request.on('error', () => {});
    await new Promise<void>((resolve) => request.write('{"jsonrpc":', () => resolve()));
    request.destroy();
  },
  async function sendsNoHttp({ url }) {
    expect(await raw(url, Buffer.from([0, 255, 1, 254, 13, 10, 13, 10]))).toMatch(/400/);
  },
  async function sendsGarbage(place) {
    const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call",\u0000}';
    expect(await status(place.url, { body, headers: json(place) })).toBe(400);
  },
  async function sendsABatch(place) {
    const body = `[${echo(place, 'echo', '{}')},${echo(place, 'echo', '{}')}]`;
    expect(await status(place.url, { body, headers: json(place) })).toBe(400);
  },
  async function sendsTenMegabytes(place) {
    // Most of the time goes into these.
    const size = Number(place.id) % LARGE_ONES === 0 ? TEN_MB.length : 1_000_000;
    const body = `{"no":"message","x":"${TEN_MB.slice(0, size)}"}`;
    expect(await status(place.url, { body, headers: json(place) })).toBe(400);
  },
  async function announcesTooMuch(place) {
    const headers = { ...json(place), 'content-length': 64 * 1024 * 1024 };
    const request = httpRequest(place.url, { method: 'POST', headers });
    request.on('error', () => {}).flushHeaders();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    request.destroy();
  },
  async function sendsAWrongType(place) {
    const headers = { ...json(place), 'content-type': 'text/plain' };
    const body = echo(place, 'echo', '{}');
    expect(await status(place.url, { body, headers })).toBe(415);
  },
  async function comesFromAForeignPage(place) {
    const headers = { ...json(place), origin: 'https://evil.example' };
    expect(await status(place.url, { body: echo(place, 'echo', '{}'), headers })).toBe(403);
  },
  async function namesAForeignHost(place) {
    const headers = { ...json(place), host: 'rebound.example' };
    expect(await status(place.url, { body: echo(place, 'echo', '{}'), headers })).toBe(403);
  },
  async function guessesASession(place) {
    const headers = { ...json(place), 'mcp-session-id': '00000000-0000-4000-8000-000000000000' };
    expect(await status(place.url, { body: echo(place, 'echo', '{}'), headers })).toBe(404);
  },
  async function leavesItsOwnStream({ url }) {
    const session = await open(url);
    const headers = { accept: 'text/event-stream', 'mcp-session-id': session };
    const stream = await head(url, { method: 'GET', headers });
    expect(stream.statusCode).toBe(200);
    stream.destroy();
    expect(await status(url, { method: 'DELETE', headers })).toBe(200);
  },
];

async function open(url: URL): Promise<string> {
  const response = await head(url, { headers: HEADERS, body: initializeWith('2025-11-25') });
  for await (const _ of response);
  return String(response.headers['mcp-session-id']);
}

test('bad visits leave nothing behind, and later ones need no more memory than earlier ones', async () => {
  const teller = new URL('../support/tell-live-bytes.mjs', import.meta.url).href;
  const rea = await startRea({
    args: ['--http', '127.0.0.1:0', '--no-token'],
    config: registry({ echo: fixture('echo') }),
    env: { NODE_OPTIONS: `--import=${teller}` },
    initialize: false,
  });
  await rea.waitForPhase('echo', 'ready');
  const http = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  const url = new URL(http);
  const session = await open(url);
  const sockets = () => readdirSync(`/proc/${rea.pid}/fd`).length;
  const before = sockets();

  let next = 0;
  const visit = async (upTo: number): Promise<void> => {
    const one = async () => {
      while (next < upTo) {
        const at = next++;
        await KINDS[at % KINDS.length]?.({ url, session, id: String(at) });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  };
  /** Once nothing is under way any more. */
  const memory = async (): Promise<{ live: number; rss: number }> => {
    await rea.waitForServer('echo', (server) => server.in_flight === 0, { what: 'being at rest' });
    await rea.waitForState(({ sessions }) => sessions === 1, { what: 'one session' });
    // A keep-alive connection or two of the well-behaved requests may be left.
    await until(() => sockets() <= before + 4, {
      what: 'no connection to be left',
    });
    const told = () => [...rea.stderr.matchAll(/^live bytes: (\d+)$/gm)].map(([, bytes]) => bytes);
    const earlier = told().length;
    rea.kill('SIGUSR2');
    await until(() => told().length > earlier, { what: 'the bytes in use' });
    return { live: Number(told().at(-1)) / MiB, rss: memoryOf(rea.pid)?.rss ?? Number.NaN };
  };
  await visit(WARM_UP);
  const first = await memory();
  const time = stopwatch();
  await visit(WARM_UP + VISITS);
  report(`${VISITS} bad visits: ms`, time.ms());
  const second = await memory();
  report('bad visits: MiB in use before', first.live);
  report('bad visits: MiB in use after', second.live);
  report('bad visits: resident MiB before', first.rss);
  report('bad visits: resident MiB after', second.rss);
  expect(second.live).toBeLessThan(first.live + LIVE_GROWTH);
  expect(second.rss).toBeLessThan(first.rss + RSS_GROWTH);

  const call = echo({ url, session, id: '"last"' }, 'echo', '{"text":"still here"}');
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...HEADERS, 'mcp-session-id': session },
    body: call,
  });
  expect(await answer.text()).toContain('still here');
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
});
