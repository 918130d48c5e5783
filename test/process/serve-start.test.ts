/** Starting: six servers of which three are bad, and what they cost the healthy ones and the client. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';
import { Wire } from '../support/wire.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 30_000 });
afterEach(tidy);

/** How much slower than alone a server may start beside five others on a busy machine. */
const SLACK = 5;

test('serves three healthy servers beside one that exits, one that hangs and one that takes 20 s', async () => {
  const dir = makeDirectory();
  mkdirSync(join(dir, 'files'));
  const healthy: Record<string, ServerSpec> = {
    everything: realServer('everything', 'stdio'),
    memory: { ...realServer('memory'), env: { MEMORY_FILE_PATH: join(dir, 'memory.json') } },
    files: realServer('filesystem', join(dir, 'files')),
  };
  const alone: Record<string, number> = {};
  for (const [name, server] of Object.entries(healthy))
    alone[name] = await ownStartTime(server, dir);

  const sum = Object.values(alone).reduce((total, ms) => total + ms, 0);
  const listWaitMs = Math.min(12_000, Math.round(SLACK * sum));
  const rea = await startRea({
    cwd: dir,
    initialize: false,
    config: registry(
      {
        ...healthy,
        exits: fixture('exit-at-start'),
        hangs: fixture('hang-at-initialize'),
        slow: fixture('slow-start', 20_000),
      },
      { list_wait_ms: listWaitMs, start_timeout_ms: 60_000 },
    ),
  });
  const sinceStart = stopwatch();
  const answer = await rea.initialize();
  report('initialize answered after', sinceStart.ms());
  expect(answer.message.result.protocolVersion).toBe('2025-11-25');
  expect(answer.message.result.capabilities.tools).toEqual({ listChanged: true });
  const ready = rea.state()?.downstreams.filter(({ phase }) => phase === 'ready') ?? [];
  expect(ready).toEqual([]);

  const calls = {
    everything: rea.call('everything__echo', { message: 'hello' }),
    memory: rea.call('memory__read_graph'),
    files: rea.call('files__list_allowed_directories'),
  };
  const first = await rea.request('tools/list');
  report('first tools/list beside bad servers', first.ms);
  // Before its own limit passed, a server that has said nothing was still waited for.
  const names = first.message.result.tools.map(({ name }: { name: string }) => name);
  for (const name of Object.keys(healthy)) {
    expect(names.some((tool: string) => tool.startsWith(`${name}__`))).toBe(true);
  }
  expect(first.ms).toBeLessThan(5 * listWaitMs);

  const second = await rea.request('tools/list');
  report('second tools/list beside bad servers', second.ms);
  expect(second.ms).toBeLessThan(listWaitMs);
  expect(rea.state()?.downstreams.find(({ name }) => name === 'slow')?.phase).toBe('starting');

  for (const [name, call] of Object.entries(calls)) {
    const { failure, ms } = await call;
    expect(failure).toBeNull();
    const own = alone[name] ?? 0;
    report(`${name}: first answer through the gateway ÷ its own start`, ms / own);
    expect(ms).toBeLessThan(5 * sum + 2_500);
  }

  await rea.waitForServer('exits', ({ phase }) => phase === 'failed', { what: 'giving up' });
  const exits = rea.state()?.downstreams.find(({ name }) => name === 'exits');
  expect(exits?.last_exit).toMatchObject({ code: 1, signal: null });
  expect(exits?.last_exit?.stderr_tail).toContain('cannot find the licence file');

  const changes = rea.wire.notifications('notifications/tools/list_changed').length;
  const late = await rea.call('slow__pid');
  expect(late.failure).toBeNull();
  await until(() => rea.wire.notifications('notifications/tools/list_changed').length > changes, {
    limitMs: 5_000,
    what: 'the tools of the slow server to be announced',
  });
  expect((await rea.tools()).map(({ name }) => name)).toContain('slow__pid');
});

test('answers tools/list at once from the last run while its servers are still starting', async () => {
  const dir = makeDirectory();
  const config = registry({ quick: fixture('echo'), slow: fixture('slow-start', 1_000) });
  const first = await startRea({ cwd: dir, config });
  const before = await first.tools();
  await first.stop();

  const second = await startRea({ cwd: dir, config });
  const slow = second.begin('slow__pid');
  expect(await second.tools()).toEqual(before);
  expect(slow.answered()).toBe(false);
  expect((await slow.answer).failure).toBeNull();
});

test('gives up a server that never answers initialize after its start timeout, and tries again', async () => {
  const rea = await startRea({
    config: registry(
      { hangs: fixture('hang-at-initialize'), good: fixture('echo') },
      { start_timeout_ms: 500, list_wait_ms: 500 },
    ),
  });
  await rea.waitForServer('hangs', ({ restarts }) => restarts >= 2, { what: 'being restarted' });
  expect((await rea.call('good__echo', { text: 'fine' })).text).toBe('fine');
  const refused = await rea.call('hangs__anything');
  expect(refused.failure ?? refused.message.error).not.toBeNull();
});

test('a call to a server that is still starting waits for it', async () => {
  const rea = await startRea({ config: registry({ slow: fixture('slow-start', 700) }) });
  const answer = await rea.call('slow__pid');
  expect(answer.failure).toBeNull();
  expect(answer.text).toMatch(/^\d+$/);
});

/** Milliseconds from spawn to the answer to `initialize` when a client starts the server itself. */
async function ownStartTime(server: ServerSpec, cwd: string): Promise<number> {
  const time = stopwatch();
  const child = spawn(server.command, [...(server.args ?? [])], {
    cwd,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const wire = new Wire((bytes) => child.stdin.write(bytes));
  child.stdout.on('data', (chunk: Buffer) => wire.receive(chunk));
  await wire.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'stopwatch', version: '1.0.0' },
  }).answer;
  const ms = time.ms();
  child.stdin.end();
  await new Promise((resolve) => child.on('exit', resolve));
  return ms;
}
