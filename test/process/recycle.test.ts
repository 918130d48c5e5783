/** `max_rss_mb`: a server that has grown too large begins anew between two calls. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { isAlive } from '../support/processes.ts';
import { FAST_CLOCKS } from '../support/rea-command.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { soak } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

test('a server that has grown too large is started anew, and that is no failure', async () => {
  const rea = await startRea({
    env: FAST_CLOCKS,
    config: registry({ grows: { ...fixture('grows'), max_rss_mb: 300 } }),
  });
  const pid = Number((await rea.call('grows__grow', { mb: 400 })).text);
  const anew = await rea.waitForServer('grows', (one) => one.restarts === 1 && one.pid !== null, {
    what: 'started anew',
    limitMs: 60_000,
  });
  expect(anew.pid).not.toBe(pid);
  expect(anew).toMatchObject({ circuit_state: 'closed', open_transitions: 0, last_error: null });
  await until(() => !isAlive(pid), { what: 'the large one to be gone' });
  expect(Number((await rea.call('grows__grow', { mb: 1 })).text)).toBe(anew.pid);
  await rea.stop();
});

test('a task is not cut by it: it ends first', async () => {
  const rea = await startRea({
    env: FAST_CLOCKS,
    config: registry({ tasks: { ...fixture('tasks'), max_rss_mb: 300 } }),
  });
  const made = await rea.request('tools/call', { name: 'tasks__work', task: { ttl: 60_000 } });
  const { taskId } = made.message.result.task;
  expect((await rea.call('tasks__grow', { mb: 400 })).text).toBe('grown');
  const large = await rea.waitForServer('tasks', ({ rss_mb }) => (rss_mb ?? 0) > 300, {
    what: 'seen to be too large',
    limitMs: 60_000,
  });
  // What is in the state file has been decided on before.
  expect((await rea.call('tasks__finish', { taskId })).text).toBe('finished');
  const result = await rea.request('tasks/result', { taskId });
  expect(result.text).toBe(`result of ${taskId}`);
  const anew = await rea.waitForServer('tasks', (one) => one.restarts === 1 && one.pid !== null, {
    what: 'started anew',
    limitMs: 60_000,
  });
  expect(anew.pid).not.toBe(large.pid);
  await rea.stop();
});

test('of calls that never stop coming none is lost or made twice by it', {
  timeout: 1_800_000,
}, async () => {
  const dir = makeDirectory();
  const file = join(dir, 'effects');
  const rea = await startRea({
    env: FAST_CLOCKS,
    config: registry({ grows: { ...fixture('grows'), max_rss_mb: 300, max_concurrency: 8 } }),
  });
  const pids = new Set([Number((await rea.call('grows__grow', { mb: 400 })).text)]);
  const least = soak(10_000);
  let calls = 0;
  let unlike = 0;
  const caller = async () => {
    while (calls < least || pids.size < 2) {
      calls += 1;
      const answer = await rea.call('grows__effect', { file, text: String(calls), ms: 8 });
      if (answer.failure !== null) unlike += 1;
      pids.add(Number(answer.text));
    }
  };
  // There is always one in flight: the next is made before the last has ended.
  await Promise.all(Array.from({ length: 8 }, caller));
  expect(unlike).toBe(0);
  const effects = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(effects).toHaveLength(calls);
  expect(new Set(effects).size).toBe(calls);
  const grows = await rea.waitForServer('grows', ({ restarts }) => restarts > 0, {
    what: 'started anew',
  });
  expect(grows).toMatchObject({ restarts: 1, errors: 0 });
  await rea.stop();
});
