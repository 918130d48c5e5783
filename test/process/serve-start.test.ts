/** Starting: six servers of which three are bad, and what they cost the healthy ones and the client. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { report, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

/** Shorter than the start of a server that hangs, or that waits for the test. */
const LIST_WAIT_MS = 10_000;

/** A server that serves once the test lets it. */
function gated(dir: string) {
  const file = join(dir, 'gate');
  const spec = fixture('start-on-demand', file);
  return { spec, open: () => writeFileSync(file, ''), close: () => rmSync(file) };
}

async function toolNames(rea: Rea): Promise<string[]> {
  return (await rea.tools()).map(({ name }) => name);
}

test.concurrent('serves three healthy servers beside one that exits, one that hangs and one that takes long', async () => {
  const dir = makeDirectory();
  mkdirSync(join(dir, 'files'));
  const healthy: Record<string, ServerSpec> = {
    everything: realServer('everything', 'stdio'),
    memory: { ...realServer('memory'), env: { MEMORY_FILE_PATH: join(dir, 'memory.json') } },
    files: realServer('filesystem', join(dir, 'files')),
  };
  const slow = gated(dir);
  const rea = await startRea({
    cwd: dir,
    initialize: false,
    config: registry(
      {
        ...healthy,
        exits: fixture('exit-at-start'),
        hangs: fixture('hang-at-initialize'),
        slow: slow.spec,
      },
      { list_wait_ms: LIST_WAIT_MS, start_timeout_ms: 300_000 },
    ),
  });
  const answer = await rea.initialize();
  report('initialize answered after', answer.ms);
  expect(answer.message.result.protocolVersion).toBe('2025-11-25');
  expect(answer.message.result.capabilities.tools).toEqual({ listChanged: true });

  const calls = {
    everything: rea.call('everything__echo', { message: 'hello' }),
    memory: rea.call('memory__read_graph'),
    files: rea.call('files__list_allowed_directories'),
  };
  const first = await rea.request('tools/list');
  report('first tools/list beside bad servers', first.ms);
  for (const [name, call] of Object.entries(calls)) {
    const { failure, ms } = await call;
    expect(failure).toBeNull();
    report(`${name}: first answer through the gateway`, ms);
  }
  const listed = async () => new Set((await toolNames(rea)).map((name) => name.split('__')[0]));
  await until(async () => (await listed()).size === 1 + Object.keys(healthy).length, {
    what: 'the tools of the healthy servers',
  });
  expect(await listed()).toEqual(new Set(['', ...Object.keys(healthy)]));
  for (const name of ['hangs', 'slow']) await rea.waitForPhase(name, 'starting');

  const exits = await rea.waitForPhase('exits', 'failed');
  expect(exits.last_exit).toMatchObject({ code: 1, signal: null });
  expect(exits.last_exit?.stderr_tail).toContain('cannot find the licence file');

  const changes = () => rea.wire.notifications('notifications/tools/list_changed').length;
  const before = changes();
  const late = rea.begin('slow__pid');
  slow.open();
  expect((await late.answer).failure).toBeNull();
  await until(() => changes() > before, { what: 'the tools of the slow server to be announced' });
  expect(await toolNames(rea)).toContain('slow__pid');
});

test.concurrent('the first list waits for a server that has not said yet what it offers', async () => {
  const dir = makeDirectory();
  const slow = gated(dir);
  const rea = await startRea({
    cwd: dir,
    config: registry({ quick: fixture('echo'), slow: slow.spec }, { list_wait_ms: 60_000 }),
  });
  const list = rea.wire.request('tools/list');
  expect((await rea.call('quick__echo', { text: 'served' })).text).toBe('served');
  expect(list.answered()).toBe(false);
  slow.open();
  const tools: { name: string }[] = (await list.answer).message.result.tools;
  expect(tools.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['quick__echo', 'slow__pid']),
  );
});

test.concurrent('answers tools/list at once from the last run while its servers are still starting', async () => {
  const dir = makeDirectory();
  const slow = gated(dir);
  const config = registry({ quick: fixture('echo'), slow: slow.spec });
  slow.open();
  const first = await startRea({ cwd: dir, config });
  const before = await first.tools();
  await first.stop();

  slow.close();
  const second = await startRea({ cwd: dir, config });
  const call = second.begin('slow__pid');
  expect(await second.tools()).toEqual(before);
  expect(call.answered()).toBe(false);
  slow.open();
  expect((await call.answer).failure).toBeNull();
});

test.concurrent('a call waits for its server to start; one that never answers initialize is given up after its start timeout, and tried again', async () => {
  const rea = await startRea({
    config: registry(
      {
        hangs: { ...fixture('hang-at-initialize'), start_timeout_ms: 500 },
        good: fixture('echo'),
        slow: fixture('slow-start', 700),
      },
      { list_wait_ms: 500 },
    ),
  });
  const waiting = await rea.call('slow__pid');
  expect(waiting.failure).toBeNull();
  expect(waiting.text).toMatch(/^\d+$/);
  await rea.waitForServer('hangs', ({ restarts }) => restarts >= 2, { what: 'being restarted' });
  expect((await rea.call('good__echo', { text: 'fine' })).text).toBe('fine');
  const refused = await rea.call('hangs__anything');
  expect(refused.failure ?? refused.message.error).not.toBeNull();
});
