/**
 * Servers that speak only revision 2026-07-28, which has no handshake, behind the gateway: a client of an earlier
 * revision uses all that they have, over a pipe and over HTTP, and sees nothing of the difference.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterEach, expect, test, vi } from 'vitest';
import { visit } from '../support/http-client.ts';
import { startStateless, stopHttpServers } from '../support/http-server.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { connectSdkClient } from '../support/sdk-client.ts';
import { type EndpointSpec, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const PROGRAM = fileURLToPath(new URL('../fixtures/stateless/server.mjs', import.meta.url));

afterEach(async () => {
  await tidy();
  await stopHttpServers();
});

/** A gateway with one such server, and what that was sent. */
async function house(how: 'pipe' | 'web') {
  if (how === 'web') {
    const web = await startStateless();
    const { rea, ...more } = await open({ url: web.url });
    return { rea, ...more, journal: () => web.journal() };
  }
  const file = join(makeDirectory(), 'journal');
  const args = [PROGRAM, '--journal', file];
  const { rea, ...more } = await open({ command: process.execPath, args });
  const journal = (): Record<string, any>[] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  return { rea, ...more, journal };
}

async function open(server: ServerSpec | EndpointSpec) {
  const rea = await startRea({
    initialize: false,
    config: registry({
      s: {
        ...server,
        liveness: { idle_ms: 1000, timeout_ms: 1000, misses: 60 },
      },
    }),
  });
  const client = await connectSdkClient(rea.wire, { elicitation: { form: {} }, roots: {} });
  await rea.waitForPhase('s', 'ready');
  return { rea, client };
}

test.each(['pipe', 'web'] as const)(
  'an ordinary client has all of a server over a %s',
  async (how) => {
    const { rea, client, journal } = await house(how);
    const logs: unknown[] = [];
    const told: string[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      logs.push(params.data);
    });
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void told.push('tools'));
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      told.push(params.uri);
    });
    const questions: string[] = [];
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      questions.push(params.message);
      return { action: 'accept', content: { name: 'ada' } };
    });
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///r' }] }));
    const call = async (name: string, args: Record<string, unknown> = {}) =>
      JSON.stringify(await client.callTool({ name: `s__${name}`, arguments: args }));

    const names = async () => (await client.listTools()).tools.map(({ name }) => name);
    await until(async () => (await names()).includes('s__echo'), { what: 'its tools' });
    // Only over HTTP a tool with a header that cannot be is withheld, with a reason.
    expect((await names()).includes('s__price')).toBe(how === 'pipe');
    const count = how === 'pipe' ? 0 : 1;
    const { withheld, withheld_why } = await rea.waitForServer(
      's',
      (one) => one.withheld === count,
      {
        what: 'told what is withheld',
      },
    );
    expect([withheld, withheld_why]).toEqual(
      how === 'pipe'
        ? [0, null]
        : [1, expect.stringMatching(/1 whose x-mcp-header is on .*"price"/)],
    );
    expect(await call('echo', { text: 'hi ü' })).toContain('"text":"hi ü"');
    expect(await call('region', { name: ' München' })).toContain('" München"');
    expect(await client.callTool({ name: 's__number' })).toMatchObject({
      structuredContent: { result: 5 },
    });
    expect(
      (await client.getPrompt({ name: 's__greet', arguments: { who: 'ada' } })).messages,
    ).toEqual([{ role: 'user', content: { type: 'text', text: 'Hi ada' } }]);
    const ref = { type: 'ref/prompt', name: 's__greet' } as const;
    const completed = await client.complete({ ref, argument: { name: 'who', value: 'a' } });
    expect(completed.completion.values).toEqual(['ada', 'alan']);
    const read = async (uri: string) => JSON.stringify(await client.readResource({ uri }));
    expect(await read('note://value')).toContain('"text":"0"');
    expect(await read('note://by-name/x')).toContain('"text":"x"');
    await expect(call('none')).rejects.toThrow('-32602');

    // Progress and log messages come to the client whose call they are about.
    await client.setLoggingLevel('info');
    const progress: unknown[] = [];
    const onprogress = (one: { progress: number }) => void progress.push(one.progress);
    await client.callTool({ name: 's__talk' }, undefined, { onprogress });
    expect([progress, logs]).toEqual([[1], ['said by talk']]);

    // Changes.
    await client.subscribeResource({ uri: 'note://value' });
    await call('change');
    await until(() => told.includes('note://value') && told.includes('tools'), { what: 'changes' });
    await until(async () => (await names()).includes('s__extra0'), { what: 'the new tool' });
    expect(await read('note://value')).toContain('"text":"1"');
    await client.unsubscribeResource({ uri: 'note://value' });

    // What it asks.
    expect(await call('ask')).toContain('hello ada after 1');
    expect(await call('ask', { times: 8 })).toContain('hello ada after 8');
    expect(questions).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7].map((round) => `[s] Who, ${round}?`));
    expect(await call('roots')).toContain('file:///r');
    const ninth = await call('ask', { times: 9 });
    expect(ninth).toMatch(/ERR_MALFORMED_MESSAGE.*"isError":true/s);
    expect(ninth).toContain('asks for input more than 8 times');
    client.removeRequestHandler('elicitation/create');
    expect(await call('ask')).toMatch(/its client says: .*"isError":true/s);

    // A cancelled call.
    const gone = new AbortController();
    const waiting = client.callTool({ name: 's__wait' }, undefined, { signal: gone.signal });
    await until(() => journal().some((entry) => entry['waits']), { what: 'the call' });
    gone.abort('enough');
    await expect(waiting).rejects.toThrow('enough');
    await until(() => journal().some((entry) => entry['cancelled']), { what: 'its end' });

    // It is asked whether it lives in the way that it knows.
    const sent = () => journal().flatMap((entry) => messageOf(entry));
    const discoveries = () => sent().filter(({ method }) => method === 'server/discover').length;
    const before = discoveries();
    await until(() => discoveries() > before + 1, { what: 'signs of life' });
    expectEnvelopes(how, journal(), sent());
    const { restarts, protocol_version } = await rea.waitForPhase('s', 'ready');
    expect([restarts, protocol_version]).toEqual([0, '2026-07-28']);
    expect(journal().filter((entry) => entry['started'] !== undefined)).toHaveLength(1);
    expect(rea.stderr).toContain('speaks MCP 2026-07-28');
    expect(rea.stdoutFrames().join('')).not.toMatch(/resultType|subscriptionId|input_required/);
  },
);

function messageOf(entry: Record<string, any>): any[] {
  const text: string | undefined = entry['line'] ?? entry['body'];
  return text === undefined || text === '' ? [] : [JSON.parse(text)];
}

/** Every request after the first says who asks, and over HTTP its headers repeat what it says. */
function expectEnvelopes(how: string, journal: Record<string, any>[], sent: any[]): void {
  const requests = sent.filter(({ id, method }) => id !== undefined && method !== 'initialize');
  for (const { method, params } of requests) {
    const version = params?._meta?.['io.modelcontextprotocol/protocolVersion'];
    expect([method, version]).toEqual([method, '2026-07-28']);
  }
  const methods = new Set(sent.map(({ method }) => method));
  for (const method of [
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'notifications/initialized',
  ]) {
    expect(methods).not.toContain(method);
  }
  if (how === 'pipe') return;
  expect([...methods]).not.toContain('initialize');
  expect([...methods]).not.toContain('notifications/cancelled');
  for (const { headers, body, http } of journal.filter((entry) => entry['http'] !== undefined)) {
    expect(http).toBe('POST');
    const { method } = JSON.parse(body);
    expect([headers['mcp-method'], headers['mcp-protocol-version']]).toEqual([
      method,
      '2026-07-28',
    ]);
  }
  const call = journal.find(({ body }) => body?.includes('München'));
  expect(call?.['headers']).toMatchObject({
    'mcp-name': 'region',
    'mcp-param-region': `=?base64?${Buffer.from(' München').toString('base64')}?=`,
  });
}

test('of two clients that share a server each is asked about its own call, and hears its own log', async () => {
  const server = { command: process.execPath, args: [PROGRAM] };
  const rea = await startRea({
    initialize: false,
    args: ['--http', '127.0.0.1:0', '--no-token'],
    config: registry({ s: server }),
  });
  await rea.waitForPhase('s', 'ready');
  /** Clients that were asked and wait until all are. */
  const asked = new Map<string, () => void>();
  const clients = await Promise.all(
    ['ada', 'alan'].map(async (name) => {
      const { client, heard } = await visit(rea, { elicitation: { form: {} } });
      client.setRequestHandler(ElicitRequestSchema, async () => {
        await new Promise<void>((resolve) => asked.set(name, resolve));
        return { action: 'accept', content: { name } };
      });
      await client.setLoggingLevel('info');
      return { name, client, heard };
    }),
  );
  const answers = clients.map(({ client }) => client.callTool({ name: 's__ask' }));
  await until(() => asked.size === 2, { what: 'both to be asked' });
  for (const answer of asked.values()) answer();
  const texts = (await Promise.all(answers)).map((one) => JSON.stringify(one));
  for (const [at, { name }] of clients.entries())
    expect(texts[at]).toContain(`hello ${name} after`);
  // One that cannot be asked is said to be such a one.
  const mute = await visit(rea);
  await expect(mute.client.callTool({ name: 's__ask' })).rejects.toThrow(/-32603.*capabilit/i);
  const [ada, alan] = clients;
  await ada?.client.callTool({ name: 's__talk' });
  await alan?.client.callTool({ name: 's__echo', arguments: { text: 'later' } });
  const logs = clients.map(({ heard }) =>
    heard
      .filter(({ method }) => method === 'notifications/message')
      .map(({ params }) => params.data),
  );
  expect(logs).toEqual([['said by talk'], []]);
});
