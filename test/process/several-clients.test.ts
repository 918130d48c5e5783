/** Several clients of one gateway over HTTP: who hears of what, and what a death or a cancellation costs. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { RawHttpClient } from '../support/raw-http-client.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let rea: Rea | null = null;

afterEach(async () => {
  // A gateway that serves only HTTP does not end with its stdin.
  rea?.kill('SIGTERM');
  await rea?.exited;
  rea = null;
  await tidy();
});

interface Peer {
  readonly client: RawHttpClient;
  /** What came on the stream of its own. */
  readonly heard: readonly string[];
}

/** A gateway with one server, ready, and clients that listen. */
async function serve(spec: ServerSpec, clients: number): Promise<{ rea: Rea; peers: Peer[] }> {
  rea = await startRea({
    args: ['--http', '127.0.0.1:0', '--no-token'],
    config: registry({ one: spec }),
    initialize: false,
  });
  await rea.waitForPhase('one', 'ready');
  const url = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  const peers: Peer[] = [];
  for (let at = 0; at < clients; at++) {
    const client = await RawHttpClient.open(url);
    const heard: string[] = [];
    expect(await client.listen((raw) => heard.push(raw))).toBe(200);
    await request(client, 'tools/list');
    peers.push({ client, heard });
  }
  return { rea, peers };
}

let lastId = 0;

/** One request; resolves with all messages of its response. */
async function request(client: RawHttpClient, method: string, params = {}): Promise<any[]> {
  lastId += 1;
  const messages: unknown[] = [];
  const body = JSON.stringify({ jsonrpc: '2.0', id: lastId, method, params });
  expect(await client.post(body, (raw) => messages.push(JSON.parse(raw)))).toBe(200);
  return messages;
}

function call(client: RawHttpClient, name: string, args = {}): Promise<any[]> {
  return request(client, 'tools/call', { name: `one__${name}`, arguments: args });
}

function hears({ heard }: Peer, text: string): Promise<true> {
  return until(() => heard.some((raw) => raw.includes(text)), { what: text });
}

/** The messages that a server with a journal has received. */
function journaled(file: string, text: string): Promise<string> {
  const find = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .find((line) => line.includes(text));
  return until(() => (existsSync(file) ? find() : null), { what: text });
}

test('every client hears once that the tools have changed, and then sees them', async () => {
  const { peers } = await serve(fixture('list-changes'), 3);
  const [first] = peers;
  const before = peers.map(({ heard }) => heard.length);
  await call((first as Peer).client, 'add-tool', { name: 'new' });
  for (const [at, peer] of peers.entries()) {
    const { client, heard } = peer;
    const tools = () => heard.slice(before[at]).filter((raw) => raw.includes('tools/list_changed'));
    await until(() => tools().length > 0, { what: 'list_changed' });
    const [list] = await request(client, 'tools/list');
    expect(list.result.tools.map(({ name }: { name: string }) => name)).toContain('one__new');
    expect((await call(client, 'new'))[0].result.content[0].text).toBe('this is new');
    expect(tools()).toEqual(['{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}']);
  }
});

test('an update of a resource reaches those who have subscribed and nobody else', async () => {
  const { peers } = await serve(fixture('resources'), 3);
  const [subscribed, never, no] = peers as [Peer, Peer, Peer];
  await request(subscribed.client, 'resources/subscribe', { uri: 'res://a' });
  await request(no.client, 'resources/subscribe', { uri: 'res://a' });
  await request(no.client, 'resources/unsubscribe', { uri: 'res://a' });
  await call(never.client, 'touch', { uri: 'res://a' });
  // The log message that the server sends after the update goes to all.
  for (const peer of peers) await hears(peer, 'touched res://a');
  const updates = ({ heard }: Peer) => heard.filter((raw) => raw.includes('resources/updated'));
  expect(updates(subscribed)).toEqual([
    '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"res://a"}}',
  ]);
  expect([updates(never), updates(no)]).toEqual([[], []]);
  await subscribed.client.close();
  await call(never.client, 'touch', { uri: 'res://b' });
  for (const peer of [never, no]) await hears(peer, 'touched res://b');
  expect([updates(never), updates(no)]).toEqual([[], []]);
});

test('a cancelled call is cancelled at the server, gets no answer, and its stream ends', async () => {
  const journal = join(makeDirectory(), 'journal');
  const { peers } = await serve(fixture('echo', '--journal', journal), 2);
  const [a, b] = peers as [Peer, Peer];
  const body =
    '{"jsonrpc":"2.0","id":"same","method":"tools/call","params":{"name":"one__sleep","arguments":{"ms":NUMBER}}}';
  const messages: string[] = [];
  const cancelled = a.client.post(body.replace('NUMBER', '45000'), (raw) => messages.push(raw));
  const { id } = JSON.parse(await journaled(journal, '"ms":45000'));
  // The other client's call has the same id and is none of this.
  const kept: string[] = [];
  const other = b.client.post(body.replace('NUMBER', '2000'), (raw) => kept.push(raw));
  await journaled(journal, '"ms":2000');
  const notification = {
    jsonrpc: '2.0',
    method: 'notifications/cancelled',
    params: { requestId: 'same', reason: 'no longer needed' },
  };
  expect(await a.client.post(JSON.stringify(notification))).toBe(202);
  expect([await cancelled, messages]).toEqual([200, []]);
  expect(JSON.parse(await journaled(journal, 'notifications/cancelled')).params).toEqual({
    requestId: id,
    reason: 'no longer needed',
  });
  expect(await other).toBe(200);
  expect(kept).toEqual([expect.stringContaining('slept 2000 ms')]);
  expect((await call(a.client, 'echo', { text: 'goes on' }))[0].result.content[0].text).toBe(
    'goes on',
  );
});

test('a changed root of a client is told to the servers', async () => {
  const journal = join(makeDirectory(), 'journal');
  const { peers } = await serve(fixture('echo', '--journal', journal), 1);
  const notification = '{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}';
  expect(await peers[0]?.client.post(notification)).toBe(202);
  expect(await journaled(journal, 'roots/list_changed')).toBe(notification);
});

test('sessions outlive the death of a server: the calls in flight fail, the next ones do not', async () => {
  const journal = join(makeDirectory(), 'journal');
  const { rea: gateway, peers } = await serve(fixture('echo', '--journal', journal), 2);
  const { pid } = await gateway.waitForPhase('one', 'ready');
  const inFlight = peers.map(({ client }, at) => call(client, 'sleep', { ms: 50_000 + at }));
  for (const at of peers.keys()) await journaled(journal, `"ms":${50_000 + at}`);
  killOne(pid ?? 0);
  for (const messages of await Promise.all(inFlight)) {
    expect(messages).toHaveLength(1);
    expect(messages[0].result._meta['rea/error'].code).toBe('ERR_OUTCOME_UNKNOWN');
  }
  for (const { client } of peers) {
    expect(Number((await call(client, 'pid'))[0].result.content[0].text)).not.toBe(pid);
  }
  // The streams that were open before are open still.
  await call(peers[0]?.client as RawHttpClient, 'log', { text: 'heard by all' });
  const all = () => peers.every(({ heard }) => heard.some((raw) => raw.includes('heard by all')));
  await until(all, { what: 'the message on each stream' });
});
