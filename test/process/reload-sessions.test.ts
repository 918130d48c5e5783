/** Several clients while the configuration changes: whose server is replaced, who is told, who goes on listening. */
import { afterEach, expect, test, vi } from 'vitest';
import { Hold } from '../support/hold.ts';
import { isAlive } from '../support/processes.ts';
import { RawHttpClient } from '../support/raw-http-client.ts';
import { type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, type Registry, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const LIMIT_MS = 45_000;
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
  readonly heard: readonly string[];
}

async function serve(config: Registry, clients: number): Promise<{ rea: Rea; peers: Peer[] }> {
  const args = ['--http', '127.0.0.1:0', '--no-token', '--reload', 'auto'];
  rea = await startRea({ args, config, initialize: false });
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

async function request(client: RawHttpClient, method: string, params = {}): Promise<any> {
  lastId += 1;
  const messages: any[] = [];
  const body = JSON.stringify({ jsonrpc: '2.0', id: lastId, method, params });
  expect(await client.post(body, (raw) => messages.push(JSON.parse(raw)))).toBe(200);
  return messages.at(-1);
}

async function call({ client }: Peer, name: string, args = {}): Promise<string> {
  const answer = await request(client, 'tools/call', { name, arguments: args });
  return answer.result?.content[0].text ?? answer.error.message;
}

async function tools({ client }: Peer): Promise<string[]> {
  const { result } = await request(client, 'tools/list');
  return result.tools.map(({ name }: { name: string }) => name);
}

async function rewrite(gateway: Rea, config: Registry): Promise<void> {
  const seen = () => gateway.stderr.split('"msg":"the configuration is in force"').length;
  const before = seen();
  writeRegistry(gateway.dir, config);
  await until(() => seen() > before, { limitMs: LIMIT_MS, what: 'the change' });
}

const own = (value: string) => ({
  ...fixture('echo'),
  instances: 'session',
  env: { SETTING: value },
});

test('each client gets a new instance in place of its own, and no other', async () => {
  const { rea: gateway, peers } = await serve(registry({ own: own('a'), all: fixture('echo') }), 2);
  const old = await Promise.all(peers.map(async (peer) => Number(await call(peer, 'own__pid'))));
  const shared = await call(peers[0] as Peer, 'all__pid');
  const held = new Hold();
  const inFlight = call(peers[0] as Peer, 'own__hold', held.args);
  await held.begun();
  await rewrite(gateway, registry({ own: own('b'), all: fixture('echo') }));
  // The second client does not wait for the first one's call.
  const anew = Number(await call(peers[1] as Peer, 'own__pid'));
  expect(old).not.toContain(anew);
  expect(isAlive(old[1] as number)).toBe(false);
  expect(isAlive(old[0] as number)).toBe(true);
  const waiting = call(peers[0] as Peer, 'own__pid');
  held.end();
  expect(await inFlight).toBe('held');
  expect([...old, anew]).not.toContain(Number(await waiting));
  expect(isAlive(old[0] as number)).toBe(false);
  expect(await call(peers[1] as Peer, 'all__pid')).toBe(shared);
  await gateway.waitForState(
    ({ downstreams }) =>
      downstreams.map(({ name }) => name).join() === 'own#3,own#4,all' &&
      downstreams.every(({ phase }) => phase === 'ready'),
    { what: 'the new instances' },
  );
});

test('a server of which each client has its own comes, becomes one for all, and goes', async () => {
  const all = fixture('echo');
  const { rea: gateway, peers } = await serve(registry({ all }), 2);
  const told = () =>
    peers.map(({ heard }) => heard.filter((raw) => raw.includes('tools/list_changed')).length);
  const hears = async (before: number[]) => {
    for (const at of peers.keys()) {
      const more = () => (told()[at] ?? 0) > (before[at] ?? 0);
      await until(more, { limitMs: LIMIT_MS, what: 'list_changed' });
    }
  };
  let before = told();
  await rewrite(gateway, registry({ all, own: own('a') }));
  await hears(before);
  const pids = await Promise.all(peers.map((peer) => call(peer, 'own__pid')));
  expect(new Set(pids).size).toBe(2);

  await rewrite(gateway, registry({ all, own: { ...own('a'), instances: 'shared' } }));
  const shared = await Promise.all(peers.map((peer) => call(peer, 'own__pid')));
  expect(new Set(shared).size).toBe(1);
  for (const pid of pids) expect(isAlive(Number(pid))).toBe(false);

  before = told();
  await rewrite(gateway, registry({ all }));
  await hears(before);
  for (const peer of peers) expect(await tools(peer)).not.toContain('own__pid');
  await until(() => !isAlive(Number(shared[0])), { limitMs: LIMIT_MS, what: 'it to be gone' });
  await gateway.waitForState(({ downstreams }) => downstreams.length === 1, { what: 'one server' });
});

test('who sees a list of its own from now on is told of what has changed in it', async () => {
  const all = fixture('echo');
  // A list waits this long for the silent one.
  const wait = { list_wait_ms: 2_000 };
  const { rea: gateway, peers } = await serve(registry({ all, other: all }, wait), 1);
  const [peer] = peers as [Peer];
  for (const name of ['all', 'other']) await gateway.waitForPhase(name, 'ready');
  await until(async () => (await tools(peer)).some((name) => name.startsWith('other__')), {
    what: 'the tools of the other',
  });
  const told = peer.heard.length;
  // It never tells what it offers, so that nothing else is to be heard.
  const silent = { ...fixture('hang-at-initialize'), instances: 'session' };
  await rewrite(gateway, registry({ all, silent }, wait));
  await until(() => peer.heard.length > told, { limitMs: LIMIT_MS, what: 'list_changed' });
  expect((await tools(peer)).filter((name) => name.startsWith('other__'))).toEqual([]);
});

test('a client that leaves while its instance is replaced leaves nothing behind', async () => {
  const { rea: gateway, peers } = await serve(registry({ own: own('a') }), 2);
  const [first, second] = peers as [Peer, Peer];
  const old = Number(await call(first, 'own__pid'));
  const held = new Hold();
  void call(first, 'own__hold', held.args).catch(() => undefined);
  await held.begun();
  await rewrite(gateway, registry({ own: own('b') }));
  await first.client.close();
  await until(() => !isAlive(old), { limitMs: LIMIT_MS, what: 'the old instance to be gone' });
  expect(Number(await call(second, 'own__pid'))).toBeGreaterThan(0);
  await gateway.waitForState(
    ({ downstreams }) => downstreams.map(({ name }) => name).join() === 'own#4',
    { what: 'the instance of the other client alone' },
  );
});

test('who listens to a resource goes on listening to it at the server that comes instead', async () => {
  const config = (value: string) =>
    registry({ one: { ...fixture('resources'), env: { SETTING: value } } });
  const { rea: gateway, peers } = await serve(config('a'), 2);
  const [listens, never] = peers as [Peer, Peer];
  const { pid } = await gateway.waitForPhase('one', 'ready');
  await request(listens.client, 'resources/subscribe', { uri: 'res://a' });
  await rewrite(gateway, config('b'));
  await gateway.waitForServer('one', (one) => one.phase === 'ready' && one.pid !== pid, {
    what: 'anew',
  });
  await call(never, 'one__touch', { uri: 'res://a' });
  for (const { heard } of peers) {
    const log = () => heard.some((raw) => raw.includes('touched res://a'));
    await until(log, { limitMs: LIMIT_MS, what: 'the log message' });
  }
  const updates = ({ heard }: Peer) => heard.filter((raw) => raw.includes('resources/updated'));
  expect(updates(listens)).toHaveLength(1);
  expect(updates(never)).toEqual([]);
});
