/** Servers that run only while they are needed: `start: lazy` and `idle_stop_ms`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { isAlive, processesOf } from '../support/processes.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry } from '../support/servers.ts';
import { soak } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const LIMIT_MS = 45_000;

test.concurrent('a lazy server is asked once what it offers, and in later runs started by its first call', async () => {
  const cwd = makeDirectory();
  const config = registry({
    lazy: { ...fixture('echo'), start: 'lazy' },
    eager: fixture('echo'),
  });
  const first = await startRea({ cwd, config });
  const names = (await first.tools()).map(({ name }) => name);
  expect(names).toContain('lazy__echo');
  await first.stop();

  const second = await startRea({ cwd });
  await second.waitForPhase('eager', 'ready');
  expect((await second.tools()).map(({ name }) => name)).toEqual(names);
  const before = await second.waitForServer('lazy', ({ thread }) => thread.state === 'running', {
    what: 'having a thread',
  });
  expect(before).toMatchObject({ phase: 'idle', pid: null });
  expect((await second.status()).exit).toBe(0);

  const answers = await Promise.all(
    ['one', 'two', 'three'].map((text) => second.call('lazy__echo', { text })),
  );
  expect(answers.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
  const after = await second.waitForPhase('lazy', 'ready');
  expect(after).toMatchObject({ incarnation: 1, restarts: 0 });
  expect(after.pid).not.toBeNull();
  await second.stop();
});

test.concurrent('what no list names is answered although a lazy server has not been started', async () => {
  const cwd = makeDirectory();
  const config = registry(
    {
      lazy: { ...fixture('echo'), start: 'lazy' },
      every: realServer('everything'),
    },
    { call_timeout_ms: 60_000 },
  );
  const first = await startRea({ cwd, config });
  await first.tools();
  await first.waitForPhase('every', 'ready');
  await first.stop();

  const second = await startRea({ cwd });
  await second.waitForPhase('every', 'ready');
  const unknown = await second.call('lazy__no-such-tool');
  expect(unknown.message.error).toMatchObject({ code: -32602 });
  const missing = await second.request('resources/read', { uri: 'nowhere://at-all' });
  expect(missing.message.error?.code).toBeLessThan(-32000);
  await second.stop();
});

test.concurrent('what a server prints while it is being stopped refuses no call that waits for it', async () => {
  const rea = await startRea({
    config: registry({ words: { ...fixture('last-words'), idle_stop_ms: 200 } }),
  });
  const first = (await rea.call('words__pid')).text;
  // It may have been stopped once before that.
  const [, incarnation = ''] =
    new RegExp(`"incarnation":(\\d+),"pid":${first},"msg":"spawned"`).exec(rea.stderr) ?? [];
  await rea.waitForLog(new RegExp(`"incarnation":${incarnation},.*"msg":"draining"`));
  const answers = await Promise.all([1, 2, 3].map(() => rea.call('words__pid')));
  expect(answers.map(({ failure }) => failure)).toEqual([null, null, null]);
  expect(answers[0]?.text).not.toBe(first);
  await rea.stop();
});

test.concurrent('a lazy server that cannot be started says so without being used', async () => {
  const rea = await startRea({
    config: registry({
      lazy: { ...fixture('echo'), start: 'lazy', env: { TOKEN: '${NOT_SET_ANYWHERE}' } },
    }),
  });
  const { last_error } = await rea.waitForPhase('lazy', 'failed');
  expect(last_error).toContain('NOT_SET_ANYWHERE');
  await rea.stop();
});

test.concurrent('a server is stopped when it is not used, and back at the next call', async () => {
  const rea = await startRea({
    config: registry({ echo: { ...fixture('echo'), idle_stop_ms: 300 } }),
  });
  const pid = Number((await rea.call('echo__pid')).text);
  const resting = await rea.waitForPhase('echo', 'idle');
  expect(resting).toMatchObject({ pid: null, restarts: 0, last_error: null });
  await until(() => !isAlive(pid), { limitMs: LIMIT_MS, what: 'the server to be gone' });
  expect((await rea.status()).exit).toBe(0);
  expect((await rea.tools()).map(({ name }) => name)).toContain('echo__echo');

  const again = Number((await rea.call('echo__pid')).text);
  expect(again).not.toBe(pid);
  const back = await rea.waitForServer(
    'echo',
    ({ incarnation }) => incarnation > resting.incarnation,
    { what: 'back' },
  );
  expect(back).toMatchObject({ restarts: 0, circuit_state: 'closed', open_transitions: 0 });
  await rea.stop();
});

test.concurrent('a call in flight is not cut, however short the time', async () => {
  const rea = await startRea({
    config: registry({ echo: { ...fixture('echo'), idle_stop_ms: 50 } }),
  });
  expect((await rea.call('echo__sleep', { ms: 1500 })).text).toBe('slept 1500 ms');
  await rea.waitForPhase('echo', 'idle');
  await rea.stop();
});

test.concurrent('a server that somebody listens to is not stopped', async () => {
  const rea = await startRea({
    config: registry({
      every: { ...realServer('everything'), idle_stop_ms: 200 },
      control: { ...fixture('echo'), idle_stop_ms: 600 },
    }),
  });
  const uri = 'demo://resource/dynamic/text/1';
  await rea.tools();
  await rea.request('resources/subscribe', { uri });
  await rea.call('every__echo', { message: 'x' });
  // It may have been stopped before it was listened to: an older picture tells of another process.
  const now = Date.now();
  const { pid } = await rea.waitForState(
    ({ updated_at, downstreams }) =>
      Date.parse(updated_at) > now && downstreams.find(({ name }) => name === 'every'),
    { what: 'the process that is listened to' },
  );
  await rea.call('control__pid');
  // Of the two this one would have been the later.
  await rea.waitForPhase('control', 'idle');
  expect(isAlive(pid ?? 0)).toBe(true);
  await rea.request('resources/unsubscribe', { uri });
  await rea.waitForPhase('every', 'idle');
  await rea.stop();
});

test.concurrent('under load with stops in between no call is lost and none is made twice', {
  timeout: 1_800_000,
}, async () => {
  const dir = makeDirectory();
  const file = join(dir, 'effects');
  const idleStopMs = 40;
  const rea = await startRea({
    config: registry(
      { echo: { ...fixture('echo'), idle_stop_ms: idleStopMs } },
      { max_concurrency: 32, max_queue: 1000 },
    ),
  });
  const BURSTS = soak(100);
  const CALLS = 100;
  let failed = 0;
  for (let burst = 0; burst < BURSTS; burst += 1) {
    const answers = await Promise.all(
      Array.from({ length: CALLS }, (_, call) =>
        rea.call('echo__side-effect', { file, text: `${burst}.${call}` }),
      ),
    );
    failed += answers.filter(({ text }) => text !== 'written').length;
    // Around the moment at which the server is stopped: before, while and after.
    await pause((burst % 9) * (idleStopMs / 4));
  }
  expect(failed).toBe(0);
  const effects = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(effects).toHaveLength(BURSTS * CALLS);
  expect(new Set(effects).size).toBe(BURSTS * CALLS);
  const { downstreams } = rea.state() ?? { downstreams: [] };
  expect(downstreams[0]?.incarnation).toBeGreaterThan(BURSTS / 10);
  expect(downstreams[0]).toMatchObject({ restarts: 0, errors: 0, circuit_state: 'closed' });
  await rea.stop();
  expect(processesOf(rea.dir)).toEqual([]);
});
