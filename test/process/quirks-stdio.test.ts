/**
 * What the SDK's own client takes from a server on stdio, the gateway takes too, and the other way round it says
 * what is wrong. Every quirk is tried with both.
 */
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { listen, type Quirk, scenario } from '../support/quirks.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const PROGRAM = fileURLToPath(new URL('../support/quirk-stdio.mjs', import.meta.url));
/** For what never comes. */
const NEVER_MS = 1500;
const IN_FRONT = /other output stands before a message on its line/;

const QUIRKS: readonly Quirk[] = [
  serves('none'),
  serves('crlf'),
  serves('two-crs'),
  serves('cr-before'),
  serves('cr-between'),
  serves('space-around'),
  serves('space-between'),
  serves('blank-lines'),
  serves('log-lines'),
  serves('byte-by-byte'),
  serves('id-as-string'),
  serves('id-as-float'),
  serves('id-as-float-string'),
  serves('id-last'),
  serves('numeric-ids-only'),
  serves('string-id-to-zero'),
  serves('escaped-names'),
  serves('lone-surrogate'),
  serves('line-separators'),
  serves('more-members'),
  serves('pages'),
  serves('tools-undeclared'),
  serves('logging-undeclared'),
  serves('talks-first'),
  serves('no-pings'),
  serves('ping-unknown'),
  serves('version-2024-10-07'),
  serves('version-2024-11-05'),
  serves('bom-between'),
  { name: 'bom-first', direct: false, reason: null },
  { name: 'bom-each', direct: false, reason: null },
  // Here the gateway is stricter; see docs/decisions/0014-what-servers-may-send.md.
  { name: 'bad-utf8', direct: true, reason: /not UTF-8/ },
  { name: 'name-twice', direct: true, reason: /duplicate key/ },
  { name: 'deep', direct: true, reason: /depth/ },
  // Nobody can serve these.
  { name: 'ansi-before', direct: false, reason: IN_FRONT },
  { name: 'title-before', direct: false, reason: IN_FRONT },
  { name: 'progress-before', direct: false, reason: IN_FRONT },
  { name: 'log-and-prompt-before', direct: false, reason: IN_FRONT },
  { name: 'prompt-before', direct: false, reason: IN_FRONT },
  { name: 'content-length', direct: false, reason: /not JSON.*Content-Length: \d+/ },
  { name: 'no-line-end', direct: false, reason: /\d+ bytes without a line end/ },
  { name: 'pretty', direct: false, reason: /truncated/ },
  { name: 'batch', direct: false, reason: /batch/ },
  { name: 'utf-16', direct: false, reason: /syntax|not JSON/ },
  { name: 'null-error', direct: false, reason: /exactly one of result and error/ },
  { name: 'no-jsonrpc', direct: false, reason: /jsonrpc must be "2.0"/ },
  { name: 'single-quotes', direct: false, reason: /syntax/ },
  { name: 'to-stderr', direct: false, reason: /no answer to initialize.*stderr: .*jsonrpc/ },
];
const SERVED = QUIRKS.filter(({ reason }) => reason === null);
const REFUSED = QUIRKS.filter(({ reason }) => reason !== null);

let serving: Rea;
let client: Client;
let seen: unknown[];
let refusing: Rea;

beforeAll(async () => {
  serving = await startRea({ config: configured(SERVED), initialize: false });
  client = await serving.client();
  seen = listen(client);
  refusing = await startRea({ config: configured(REFUSED, { start_timeout_ms: NEVER_MS }) });
});

afterAll(tidy);

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

test('resources that no capability announces are not asked for, and whoever wants one is told so', async () => {
  const name = 'resources-undeclared';
  expect(await directly(name, {})).toEqual(done(name));
  const rea = await startRea({
    config: registry({ [name]: program(name), none: program('none') }),
  });
  await rea.waitForPhase(name, 'ready');
  const read = async (uri: string) => (await rea.request('resources/read', { uri })).message;
  expect((await read('quirk://none')).result.contents).toEqual([
    { uri: 'quirk://none', text: 'read' },
  ]);
  // The one that announces resources is asked for what nobody lists.
  expect((await read('quirk://unlisted')).result.contents).toHaveLength(1);
  const alone = await startRea({ config: registry({ [name]: program(name) }) });
  await alone.waitForPhase(name, 'ready');
  const { message } = await alone.request('resources/read', { uri: `quirk://${name}` });
  expect(message.error?.message).toBe(
    'Resource not found; not asked, because they do not declare resources: resources-undeclared',
  );
});

function serves(name: string): Quirk {
  return { name, direct: true, reason: null };
}

function program(name: string): ServerSpec & { readonly args: string[] } {
  return { command: process.execPath, args: [PROGRAM, name] };
}

function configured(quirks: readonly Quirk[], defaults: Readonly<Record<string, unknown>> = {}) {
  return registry(Object.fromEntries(quirks.map(({ name }) => [name, program(name)])), defaults);
}

function done(name: string) {
  const texts: Record<string, string> = {
    'lone-surrogate': '\ud800',
    'line-separators': '\u2028\u2029\ufeff',
  };
  return {
    tools: name === 'pages' ? ['echo', 'first'] : ['echo'],
    text: `${texts[name] ?? 'echo'} ${name}`,
    resource: 'read',
    notes: [name],
  };
}

async function directly(name: string, options: { readonly timeout?: number }) {
  const own = new Client({ name: 'quirk-test', version: '1' });
  const notes = listen(own);
  try {
    await own.connect(new StdioClientTransport({ ...program(name), stderr: 'ignore' }), options);
    return await scenario(own, notes, name);
  } finally {
    await own.close();
  }
}
