/** When a thread that was lost comes back, when it does not, and what it must be told again. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import type { DownstreamSnapshot } from '#src/shared/model/snapshot.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

test.concurrent('replaces a thread that is blocked in a system call, without waiting for its end; the server of a new thread gets the log level that the client has set', async () => {
  const rea = await startRea({
    faults: true,
    config: registry({ echo: fixture('echo') }, { threads: { stall_ms: 500 } }),
  });
  await rea.waitForPhase('echo', 'ready');
  await rea.request('logging/setLevel', { level: 'critical' });
  const hasLevel = async () => (await rea.call('echo__log-level')).text === 'critical';
  await until(hasLevel, { what: 'the level to arrive' });
  await rea.faults.inject('supervisor', 'block');
  try {
    await rea.waitForServer(
      'echo',
      ({ thread, phase }) => thread.restarts === 1 && phase === 'ready',
      { what: 'having a new thread', limitMs: 60_000 },
    );
    expect((await rea.call('echo__echo', { text: 'back' })).text).toBe('back');
    expect(await until(hasLevel, { what: 'the level to arrive again' })).toBe(true);
  } finally {
    rea.faults.unblock('supervisor');
  }
  const before = rea.state()?.downstreams[0]?.thread.restarts ?? Number.NaN;
  await rea.faults.inject('supervisor', 'exit');
  await rea.waitForServer(
    'echo',
    ({ thread, phase }) => thread.restarts > before && phase === 'ready',
    { what: 'having another new thread' },
  );
  expect(await until(hasLevel, { what: 'the level to arrive once more' })).toBe(true);
});

test.concurrent('a thread that keeps dying is started later and later, and its server says when', async () => {
  const rea = await startRea({ faults: true, config: registry({ echo: fixture('echo') }) });
  const waitsLong = ({ thread, phase, next_restart_at: next, since }: DownstreamSnapshot) =>
    thread.state === 'crashed' &&
    phase === 'backoff' &&
    Date.parse(next ?? '') - Date.parse(since) > 10_000;
  const afterDeaths = (deaths: number) =>
    rea.waitForServer(
      'echo',
      (one) => (one.thread.restarts === deaths && one.phase === 'ready') || waitsLong(one),
      { what: `ready after ${deaths} deaths, or waiting long` },
    );
  let deaths = 0;
  let echo = await afterDeaths(0);
  // Five in a row, and more where a busy machine lets it live long in between.
  while (!waitsLong(echo)) {
    await rea.faults.inject('supervisor', 'exit');
    deaths += 1;
    echo = await afterDeaths(deaths);
  }
  expect(deaths).toBeGreaterThanOrEqual(5);
  const { next_restart_at, last_error } = echo;
  expect(last_error).toContain('supervisor thread crashed');
  const { failure } = await rea.call('echo__echo', { text: 'x' });
  expect(failure).toMatchObject({ code: 'ERR_BACKOFF', outcome: 'not_sent' });
  expect(
    Math.abs(Date.parse(failure?.retry_at ?? '') - Date.parse(next_restart_at ?? '')),
  ).toBeLessThan(1_000);
  expect(await rea.stop()).toEqual({ code: 0, signal: null });
});

test.concurrent('a thread that the system refuses is tried again', async () => {
  const { rea, refuse, attempts } = await startRefusing();
  await rea.waitForPhase('echo', 'ready');
  refuse('supervisor', true);
  await rea.faults.inject('supervisor', 'exit');
  await until(() => rea.exit ?? attempts('supervisor') >= 3, {
    what: 'three attempts',
  });
  await rea.waitForServer(
    'echo',
    ({ phase, last_error }) =>
      phase === 'backoff' && (last_error?.includes('ERR_WORKER_INIT_FAILED') ?? false),
    { what: 'waiting for its thread' },
  );
  refuse('supervisor', false);
  await until(async () => (await rea.call('echo__echo', { text: 'back' })).text === 'back', {
    what: 'a call to be served again',
  });
  expect(rea.exit).toBeNull();
});

test.concurrent('a gateway starts although the system allows it no thread yet', async () => {
  const { rea, refuse, attempts } = await startRefusing(['supervisor', 'state-writer']);
  const kinds = ['supervisor', 'state-writer'];
  await until(() => rea.exit ?? kinds.every((kind) => attempts(kind) >= 3), {
    what: 'three attempts for each',
  });
  for (const kind of kinds) refuse(kind, false);
  await rea.waitForPhase('echo', 'ready');
  expect((await rea.call('echo__echo', { text: 'here' })).text).toBe('here');
});

test.concurrent('a thread lost during the stop is not replaced', async () => {
  const loseDuringStop = async (): Promise<boolean> => {
    const rea = await startRea({
      faults: true,
      config: registry({ one: fixture('ignore-sigterm'), two: fixture('ignore-sigterm') }),
    });
    for (const name of ['one', 'two']) await rea.waitForPhase(name, 'ready');
    rea.kill('SIGTERM');
    const inject = async () => {
      for (const name of ['one', 'two']) await rea.waitForPhase(name, 'draining');
      await rea.faults.inject('supervisor', 'exit');
    };
    await Promise.race([inject(), rea.exited]);
    expect(await rea.exited).toEqual({ code: 0, signal: null });
    expect(starts(rea)).toBe(2);
    return rea.stderr.includes('a supervisor thread crashed');
  };
  let attempts = 0;
  // The stop takes a second, which may be over before a thread of a busy machine has taken the fault.
  while (attempts < 10 && !(await loseDuringStop())) attempts += 1;
  expect(attempts).toBeLessThan(10);
});

/** How often servers have been started, by the log. */
function starts(rea: Rea): number {
  return rea.stderr.split('"msg":"starting"').length - 1;
}

/** A gateway to which the system refuses threads while `refuse` says so. */
async function startRefusing(refused: readonly string[] = []) {
  const dir = makeDirectory();
  const preload = new URL('../support/refuse-threads.mjs', import.meta.url);
  preload.searchParams.set('dir', dir);
  const refuse = (kind: string, yes: boolean) => {
    if (yes) writeFileSync(join(dir, `refuse.${kind}`), '');
    else rmSync(join(dir, `refuse.${kind}`));
  };
  for (const kind of refused) refuse(kind, true);
  writeFileSync(join(dir, 'refused.log'), '');
  const rea = await startRea({
    cwd: dir,
    faults: true,
    config: registry({ echo: fixture('echo') }),
    env: { NODE_OPTIONS: `--import=${preload.href}` },
  });
  const attempts = (kind: string) =>
    readFileSync(join(dir, 'refused.log'), 'utf8')
      .split('\n')
      .filter((line) => line === kind).length;
  return { rea, refuse, attempts };
}
