/** `instances: session`: each client has a process of its own, of its own abilities, and nobody else's. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  type ClientCapabilities,
  CreateMessageRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, expect, test, vi } from 'vitest';
import { isAlive } from '../support/processes.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(async () => {
  if (started !== null) await stop((await started).rea);
  await tidy();
});

const LIMIT_MS = 45_000;

async function serve(servers: Record<string, ServerSpec>): Promise<{ rea: Rea; url: URL }> {
  const own = Object.fromEntries(
    Object.entries(servers).map(([name, spec]) => [name, { instances: 'session', ...spec }]),
  );
  const rea = await startRea({
    args: ['--http', '127.0.0.1:0', '--no-token'],
    config: registry(own),
    initialize: false,
  });
  const http = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  return { rea, url: new URL(http) };
}

class HttpClient {
  readonly client: Client;
  readonly asked: string[] = [];
  readonly #transport: StreamableHTTPClientTransport;

  private constructor(url: URL, name: string, capabilities: ClientCapabilities) {
    this.client = new Client({ name, version: '1.0.0' }, { capabilities });
    this.#transport = new StreamableHTTPClientTransport(url);
    if (capabilities.sampling === undefined) return;
    this.client.setRequestHandler(CreateMessageRequestSchema, () => {
      this.asked.push(name);
      return { model: name, role: 'assistant', content: { type: 'text', text: name } };
    });
  }

  static async connect(
    url: URL,
    name: string,
    capabilities: ClientCapabilities = {},
  ): Promise<HttpClient> {
    const one = new HttpClient(url, name, capabilities);
    await one.client.connect(one.#transport);
    return one;
  }

  async toolNames(): Promise<string[]> {
    return (await this.client.listTools()).tools.map(({ name }) => name);
  }

  async call(name: string, args: Record<string, unknown> = {}): Promise<string> {
    return JSON.stringify(await this.client.callTool({ name, arguments: args }));
  }

  async pid(): Promise<number> {
    return Number(/"text":"(\d+)"/.exec(await this.call('echo__pid'))?.[1]);
  }

  /** Ends the session as the protocol has it. */
  async leave(): Promise<void> {
    await this.#transport.terminateSession();
    await this.client.close();
  }
}

async function stop(rea: Rea): Promise<void> {
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
}

test.concurrent('each client has its own process, which goes with it', async () => {
  const { rea, url } = await serve({ echo: fixture('echo') });
  expect(rea.state()?.downstreams.map(({ name, phase }) => [name, phase])).toEqual([
    ['echo', 'idle'],
  ]);
  const one = await HttpClient.connect(url, 'one');
  const two = await HttpClient.connect(url, 'two');
  const pids = [await one.pid(), await two.pid()];
  expect(new Set([...pids, await one.pid(), await two.pid()]).size).toBe(2);
  const lanes = await rea.waitForState(
    ({ downstreams }) =>
      downstreams.length === 2 && downstreams.every(({ phase }) => phase === 'ready'),
    { what: 'both instances' },
  );
  expect(lanes).toBe(true);
  const { downstreams } = rea.state() ?? { downstreams: [] };
  expect(downstreams.map(({ name, pid, phase }) => [name, pid, phase])).toEqual([
    ['echo#1', pids[0], 'ready'],
    ['echo#2', pids[1], 'ready'],
  ]);
  await one.leave();
  await until(() => !isAlive(pids[0] ?? 0), { limitMs: LIMIT_MS, what: 'its server to be gone' });
  expect(await two.pid()).toBe(pids[1]);
  await rea.waitForState(
    ({ downstreams: [first, ...more] }) => first?.name === 'echo#2' && more.length === 0,
    {
      what: 'only the other instance',
    },
  );
  await two.leave();
  await rea.waitForState(
    ({ downstreams: [only] }) => only?.name === 'echo' && only.phase === 'idle',
    {
      what: 'the server without an instance',
    },
  );
  expect((await rea.status()).json.serve.running).toBe(true);
  await stop(rea);
});

/** One gateway for tests whose clients come and go; the first that asks starts it. */
let started: ReturnType<typeof serve> | null = null;

function everything(): ReturnType<typeof serve> {
  started ??= serve({ all: realServer('everything') });
  return started;
}

test.concurrent('a server is told what its client can do, and lists what that makes possible', async () => {
  const { url } = await everything();
  const plain = await HttpClient.connect(url, 'plain');
  const able = await HttpClient.connect(url, 'able', { sampling: {}, elicitation: {} });
  const [few, many] = [await plain.toolNames(), await able.toolNames()];
  const added = many.filter((name) => !few.includes(name));
  expect(added).toContain('all__trigger-sampling-request');
  expect(few.filter((name) => !many.includes(name))).toEqual([]);
  await Promise.all([plain.client.close(), able.client.close()]);
});

test.concurrent('a request of a server reaches its own client while all have calls in flight', async () => {
  const { url } = await everything();
  const names = ['one', 'two', 'three'];
  const clients = await Promise.all(
    names.map((name) => HttpClient.connect(url, name, { sampling: {} })),
  );
  const answers = await Promise.all(
    clients.map((client) =>
      client.call('all__trigger-sampling-request', { prompt: 'who are you?', maxTokens: 10 }),
    ),
  );
  answers.forEach((answer, at) => expect(answer).toContain(`\\"model\\": \\"${names[at]}\\"`));
  expect(clients.map(({ asked }) => asked)).toEqual(names.map((name) => [name]));
  await Promise.all(clients.map(({ client }) => client.close()));
});

test.concurrent('a client for whom there is no room hears so, and is served once there is', async () => {
  const { rea, url } = await serve({ echo: { ...fixture('echo'), max_instances: 1 } });
  const one = await HttpClient.connect(url, 'one');
  const pid = await one.pid();
  const two = await HttpClient.connect(url, 'two');
  const refused = await two.call('echo__pid');
  expect(refused).toContain('max_instances');
  expect(refused).toContain('"code":"ERR_DOWNSTREAM_DOWN"');
  expect(refused).toContain('"outcome":"not_sent"');
  expect(await one.pid()).toBe(pid);
  await one.leave();
  const later = await two.pid();
  expect(later).not.toBe(pid);
  expect([isAlive(pid), isAlive(later)]).toEqual([false, true]);
  await two.client.close();
  await stop(rea);
});

test.concurrent('a client that comes while the only instance is still being stopped waits for its own', async () => {
  // It ends only when it is killed, so that the next has to wait for that.
  const spec = { ...fixture('ignore-sigterm'), max_instances: 1 };
  const { rea, url } = await serve({ slow: spec });
  const one = await HttpClient.connect(url, 'one');
  const tool = (await one.toolNames()).find((name) => name.startsWith('slow__')) ?? '';
  const before = await rea.waitForState(({ downstreams }) => downstreams[0]?.pid, {
    what: 'the process of the first one',
  });
  await one.leave();
  const two = await HttpClient.connect(url, 'two');
  const answer = await two.call(tool);
  expect(answer).not.toContain('rea/error');
  expect(isAlive(before)).toBe(false);
  await rea.waitForState(
    ({ downstreams }) => downstreams.length === 1 && downstreams[0]?.name === 'slow#2',
    { what: 'its own instance alone' },
  );
  await two.client.close();
  await stop(rea);
});

test.concurrent('a server that has none left for a client does not stand in the way of the others', async () => {
  const { rea, url } = await serve({
    mine: fixture('echo'),
    taken: { ...fixture('echo'), max_instances: 1 },
    every: { ...realServer('everything'), instances: 'shared' },
  });
  await rea.waitForPhase('every', 'ready');
  const one = await HttpClient.connect(url, 'one');
  await one.toolNames();
  const two = await HttpClient.connect(url, 'two');
  expect(await two.call('taken__pid')).toContain('max_instances');
  await expect(two.client.readResource({ uri: 'nowhere://at-all' })).rejects.toThrow(
    /-320|not found/i,
  );
  await expect(two.client.readResource({ uri: 'nowhere://at-all' })).rejects.not.toThrow(
    /max_instances/,
  );
  await Promise.all([one.client.close(), two.client.close()]);
  await stop(rea);
});

test.concurrent('the crash of one instance is the business of its client alone', async () => {
  const { rea, url } = await serve({ echo: fixture('echo'), bad: fixture('exit-on-call') });
  const one = await HttpClient.connect(url, 'one');
  const two = await HttpClient.connect(url, 'two');
  await two.toolNames();
  const crashed = await one.call('bad__exit');
  expect(crashed).toContain('"code":"ERR_OUTCOME_UNKNOWN"');
  await rea.waitForServer('bad#1', ({ restarts, phase }) => restarts === 1 && phase === 'ready', {
    what: 'restarted',
  });
  const other = await rea.waitForPhase('bad#2', 'ready');
  expect(other).toMatchObject({ restarts: 0, phase: 'ready', circuit_state: 'closed' });
  await Promise.all([one.client.close(), two.client.close()]);
  await stop(rea);
});

test.concurrent('over stdio the one client has the one instance', async () => {
  const rea = await startRea({
    config: registry({ echo: { ...fixture('echo'), instances: 'session' } }),
  });
  expect((await rea.tools()).map(({ name }) => name)).toContain('echo__echo');
  expect((await rea.call('echo__echo', { text: 'hello' })).text).toBe('hello');
  await rea.waitForState(
    ({ downstreams }) => downstreams.length === 1 && downstreams[0]?.name === 'echo#1',
    { what: 'the one instance' },
  );
  expect((await rea.stop()).code).toBe(0);
});
