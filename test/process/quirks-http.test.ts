/**
 * What the SDK's own client takes from a server over HTTP, the gateway takes too, and the other way round it says
 * what is wrong. Every quirk is tried with both.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { listen, type Quirk, scenario } from '../support/quirks.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const PROGRAM = fileURLToPath(new URL('../support/quirk-http.mjs', import.meta.url));
/** For what never comes. */
const NEVER_MS = 1500;

const QUIRKS: readonly Quirk[] = [
  ...[
    'json',
    'json-charset',
    'json-latin1',
    'json-upper-case',
    'json-odd-params',
    'json-bom',
    'json-pretty',
    'json-gzip',
    'json-x-gzip',
    'json-deflate',
    'json-deflate-raw',
    'json-br',
    'json-gzip-br',
    'json-coding-misnomer',
    'json-identity',
    'batch',
    'batch-pretty',
    'created',
    'no-length',
    'closes',
    'sse',
    'sse-crlf',
    'sse-no-space',
    'sse-lines',
    'sse-bom',
    'sse-comments',
    'sse-ids',
    'sse-priming',
    'sse-other-events',
    'sse-other-fields',
    'sse-noise',
    'sse-charset',
    'sse-gzip',
    'sse-byte-by-byte',
    'sse-stays-open',
    'taken-200',
    'taken-204',
    'taken-json',
    'taken-stream',
    'taken-202-body',
    'answers-elsewhere',
    'stream-then-elsewhere',
    'no-listening',
    'listening-404',
    'listening-page',
    'listening-untyped',
    'listening-odd-type',
    'redirect-307',
    'redirect-308',
    'redirect-get',
    'session-rotates',
    'session-late',
    'session-spaces',
    'session-long',
    'numeric-ids-only',
    'id-as-string',
    'tools-undeclared',
    'logging-undeclared',
    'ping-unknown',
    'version-2024-11-05',
  ].map((name): Quirk => ({ name, direct: true, reason: null })),
  // The client waits for what comes after the last CR.
  { name: 'sse-cr', direct: false, reason: null },
  // Here the gateway is stricter; see docs/decisions/0014-what-servers-may-send.md.
  { name: 'json-bad-utf8', direct: true, reason: /not UTF-8/ },
  // Nobody can serve these.
  { name: 'no-type', direct: false, reason: /neither JSON nor events: HTTP 200, no content type/ },
  { name: 'text-plain', direct: false, reason: /neither JSON nor events: HTTP 200, text\/plain/ },
  {
    name: 'ndjson',
    direct: false,
    reason: /neither JSON nor events: HTTP 200, application\/x-ndjson/,
  },
  { name: 'broken-gzip', direct: false, reason: /not what its content-encoding says/ },
  { name: 'sse-batch', direct: false, reason: /batch/ },
  { name: 'sse-unended', direct: false, reason: /the stream ended without the answer/ },
  { name: 'redirect-301', direct: false, reason: /HTTP 301, a redirect/ },
  {
    name: 'redirect-away',
    direct: false,
    reason: /HTTP 307, a redirect to http:\/\/localhost:\d+\/\S+ that is not followed/,
  },
  { name: 'unauthorized', direct: false, reason: /HTTP 401.*headers \(Authorization\)/ },
];
const SERVED = QUIRKS.filter(({ reason }) => reason === null);
const REFUSED = QUIRKS.filter(({ reason }) => reason !== null);

let program: ChildProcess;
let origin: string;
let serving: Rea;
let client: Client;
let seen: unknown[];
let refusing: Rea;

beforeAll(async () => {
  program = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
  let printed = '';
  program.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  await until(() => printed.includes('\n'), { what: 'the servers to listen' });
  origin = `http://127.0.0.1:${printed.trim()}`;
  serving = await startRea({ config: configured(SERVED), initialize: false });
  // A server that gives its session late gives the newest one: nobody else may begin one meanwhile.
  for (const { name } of SERVED) await serving.waitForPhase(name, 'ready');
  client = await serving.client();
  seen = listen(client);
  refusing = await startRea({ config: configured(REFUSED, { start_timeout_ms: NEVER_MS }) });
});

afterAll(async () => {
  await tidy();
  program.kill();
});

test.concurrent.each(QUIRKS.filter(({ direct }) => direct))(
  'the client itself takes $name',
  async ({ name }) => {
    expect(await directly(name, {})).toEqual(done(name));
  },
);

test.concurrent.each(QUIRKS.filter(({ direct }) => !direct))(
  'the client itself does not take $name',
  async ({ name }) => {
    await expect(directly(name, { timeout: NEVER_MS })).rejects.toBeInstanceOf(Error);
  },
);

test.each(SERVED)('the gateway serves $name', async ({ name }) => {
  await serving.waitForPhase(name, 'ready');
  expect(await scenario(client, seen, name, `${name}__`)).toEqual(done(name));
});

test.each(REFUSED)('the gateway says what is wrong with $name', async ({ name, reason }) => {
  const isTold = ({ last_error }: { last_error: string | null }) =>
    reason?.test(last_error ?? '') === true;
  const server = await refusing.waitForServer(name, isTold, { what: `giving ${reason}` });
  expect(server.phase).not.toBe('ready');
});

/** Servers whose answers to calls are odd; the first test that asks starts the gateway. */
let odd: Promise<Rea> | null = null;

function behindOdd(): Promise<Rea> {
  const names = ['answers-nowhere', 'error-gzip', 'bomb'];
  const servers = names.map((name) => [name, { url: `${origin}/${name}/mcp` }]);
  const config = registry(Object.fromEntries(servers), { max_message_bytes: 262_144 });
  odd ??= startRea({ config });
  return odd;
}

test('an answer that is to come on a stream that the server does not have is not waited for', async () => {
  const rea = await behindOdd();
  const { failure, text } = await rea.call('answers-nowhere__echo', { text: 'x' });
  expect(failure).toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown' });
  expect(text).toContain('HTTP 202, and the server has no stream of notifications');
});

test('an error under an HTTP error is the answer, also when it is compressed', async () => {
  const rea = await behindOdd();
  const { message } = await rea.call('error-gzip__echo', { text: 'x' });
  expect(message.error).toEqual({ code: -32602, message: 'no such file' });
});

test('a body that is inflated to more than a message may have is not read to its end', async () => {
  const rea = await behindOdd();
  const { failure, text } = await rea.call('bomb__echo', { text: 'x' });
  expect(failure).toMatchObject({ code: 'ERR_MESSAGE_TOO_LARGE', outcome: 'answered' });
  expect(text).toContain('it does not end');
  expect(
    (await rea.request('resources/read', { uri: 'quirk://bomb' })).message.result.contents,
  ).toHaveLength(1);
});

test('a stream that goes on after the answer is read no further, and the log says so', async () => {
  expect(await scenario(client, seen, 'sse-stays-open', 'sse-stays-open__')).toMatchObject({
    text: 'echo sse-stays-open',
  });
  await serving.waitForLog('its streams go on after the answer: what they carry then is not read');
});

function configured(quirks: readonly Quirk[], defaults: Readonly<Record<string, unknown>> = {}) {
  const servers = quirks.map(({ name }) => [name, { url: `${origin}/${name}/mcp` }]);
  return registry(Object.fromEntries(servers), defaults);
}

function done(name: string) {
  return { tools: ['echo'], text: `echo ${name}`, resource: 'read', notes: [name] };
}

async function directly(name: string, options: { readonly timeout?: number }) {
  const own = new Client({ name: 'quirk-test', version: '1' });
  const notes = listen(own);
  try {
    await own.connect(
      new StreamableHTTPClientTransport(new URL(`${origin}/${name}/mcp`)) as Transport,
      options,
    );
    return await scenario(own, notes, name);
  } finally {
    await own.close();
  }
}
