/** Crash loops and the circuit breaker, as a client and the state file see them. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

test.concurrent('restarts a crashing server no more often than its intensity allows, then refuses calls at once', async () => {
  const dir = makeDirectory();
  const journal = join(dir, 'journal');
  const rea = await startRea({
    cwd: dir,
    faults: true,
    config: registry(
      { crashes: fixture('crash-after-ready', 30, 3, '--journal', journal), good: fixture('echo') },
      {
        restart: {
          intensity: 4,
          period_ms: 30_000,
          backoff_ms: 50,
          backoff_max_ms: 120_000,
          stable_ms: 5_000,
        },
        breaker: { failures: 10, cooldown_ms: 60_000 },
      },
    ),
  });
  const failed = await rea.waitForPhase('crashes', 'failed');
  expect(failed.last_exit).toMatchObject({ code: 3, signal: null });
  expect(failed.last_exit?.stderr_tail).toContain('connection to the database lost');
  expect(failed.next_restart_at).not.toBeNull();
  const starts = readFileSync(journal, 'utf8').match(/"started"/g) ?? [];
  expect(starts).toHaveLength(4);

  expect((await rea.call('good__echo', { text: 'still here' })).text).toBe('still here');
  const posted = rea.faults.postedCalls();
  const refused = await rea.call('crashes__pid');
  report('crash loop: call refused after', refused.ms);
  expect(refused.failure?.code).toMatch(/^ERR_(DOWNSTREAM_DOWN|BACKOFF|BREAKER_OPEN)$/);
  expect(refused.failure).toMatchObject({ outcome: 'not_sent', retryable: true });
  expect(Date.parse(refused.failure?.retry_at ?? '')).toBeGreaterThan(Date.now());
  expect(rea.faults.postedCalls()).toBe(posted);
});

test.concurrent('a server that failed for good recovers without any client when its cause is gone', async () => {
  const dir = makeDirectory();
  const broken = join(dir, 'broken');
  writeFileSync(broken, '');
  const rea = await startRea({
    cwd: dir,
    config: registry(
      { db: fixture('fail-on-demand', '--broken', broken) },
      {
        list_wait_ms: 500,
        restart: {
          intensity: 2,
          period_ms: 30_000,
          backoff_ms: 50,
          backoff_max_ms: 400,
          stable_ms: 5_000,
        },
        breaker: { failures: 2, cooldown_ms: 60_000 },
      },
    ),
  });
  await rea.waitForServer(
    'db',
    ({ phase, circuit_state }) => phase === 'failed' && circuit_state === 'open',
    { what: 'failing with an open circuit' },
  );
  rmSync(broken);
  // A newer incarnation that is ready half-opens the circuit: nobody waits for the cooldown.
  await rea.waitForServer(
    'db',
    ({ phase, circuit_state }) => phase === 'ready' && circuit_state !== 'open',
    { what: 'being ready with a circuit no longer open' },
  );
  expect((await rea.call('db__pid')).failure).toBeNull();
  await rea.waitForServer('db', ({ circuit_state }) => circuit_state === 'closed', {
    what: 'having a closed circuit',
  });
});

test.concurrent('opens after the configured failures, refuses without a message to any thread, and lets one probe through', async () => {
  const rea = await startRea({
    faults: true,
    config: registry(
      { late: fixture('late-answer') },
      { call_timeout_ms: 5_000, breaker: { failures: 2, cooldown_ms: 3_000 } },
    ),
  });
  await rea.waitForPhase('late', 'ready');
  await timeOut(rea);
  expect((await rea.call('late__echo', { text: 'a success starts the count anew' })).failure).toBe(
    null,
  );
  await timeOut(rea);
  await timeOut(rea);
  const opened = stopwatch();

  const posted = rea.faults.postedCalls();
  const refused = await rea.call('late__echo', { text: 'no' });
  report('open circuit: call refused after', refused.ms);
  expect(refused.message.result.isError).toBe(true);
  expect(refused.failure).toMatchObject({
    code: 'ERR_BREAKER_OPEN',
    server: 'late',
    outcome: 'not_sent',
    retryable: true,
  });
  expect(rea.faults.postedCalls()).toBe(posted);
  await rea.waitForServer('late', ({ circuit_state }) => circuit_state === 'open', {
    what: 'having an open circuit',
  });

  await retryTime(refused.failure?.retry_at);
  report('open circuit of 3000 ms: may be tried again after', opened.ms());
  const many = await Promise.all(
    Array.from({ length: 100 }, () => rea.call('late__late', { ms: 60_000 })),
  );
  const codes = many.map(({ failure }) => failure?.code);
  expect(codes.filter((code) => code === 'ERR_TIMEOUT')).toHaveLength(1);
  expect(codes.filter((code) => code === 'ERR_BREAKER_OPEN')).toHaveLength(99);
  expect(rea.faults.postedCalls()).toBe(posted + 1);

  const again = await rea.call('late__echo', { text: 'no' });
  expect(again.failure?.code).toBe('ERR_BREAKER_OPEN');
  await retryTime(again.failure?.retry_at);
  expect((await rea.call('late__echo', { text: 'yes' })).text).toBe('yes');
  await rea.waitForServer('late', ({ circuit_state }) => circuit_state === 'closed', {
    what: 'having a closed circuit',
  });
});

test.concurrent('a cancelled probe gives its slot to the next call', async () => {
  const rea = await startRea({
    faults: true,
    config: registry(
      { late: fixture('late-answer') },
      { call_timeout_ms: 5_000, breaker: { failures: 1, cooldown_ms: 3_000 } },
    ),
  });
  await rea.waitForPhase('late', 'ready');
  await timeOut(rea);
  const refused = await rea.call('late__echo', { text: 'no' });
  expect(refused.failure?.code).toBe('ERR_BREAKER_OPEN');
  await retryTime(refused.failure?.retry_at);

  const posted = rea.faults.postedCalls();
  const probe = rea.begin('late__late', { ms: 60_000 });
  await until(() => rea.faults.postedCalls() > posted, { what: 'the probe' });
  const second = await rea.call('late__echo', { text: 'second' });
  expect(second.failure?.code).toBe('ERR_BREAKER_OPEN');
  rea.cancel(probe);
  expect((await rea.call('late__echo', { text: 'my turn' })).text).toBe('my turn');
  expect(probe.answered()).toBe(false);
});

test.concurrent('names SESSION_BLOCKER once for a circuit that stays open', async () => {
  const rea = await startRea({
    config: registry(
      { mute: fixture('never-answer') },
      { call_timeout_ms: 100, breaker: { failures: 1, cooldown_ms: 100 } },
    ),
  });
  await until(
    async () => {
      await rea.call('mute__wait');
      return (rea.state()?.downstreams[0]?.open_transitions ?? 0) >= 5;
    },
    { what: 'five transitions to open' },
  );
  const [mute] = rea.state()?.downstreams ?? [];
  expect(mute?.session_blocker_emitted).toBe(true);
  expect(await opensBeforeBlocker(rea)).toBe(3);
});

test.concurrent('names SESSION_BLOCKER once also for a circuit that opens and closes again and again', async () => {
  const rea = await startRea({
    config: registry(
      { late: fixture('late-answer') },
      { call_timeout_ms: 5_000, breaker: { failures: 1, cooldown_ms: 100 } },
    ),
  });
  await rea.waitForPhase('late', 'ready');
  for (let round = 1; round <= 5; round += 1) {
    await timeOut(rea);
    await until(async () => (await rea.call('late__echo', { text: 'ok' })).failure === null, {
      what: 'the circuit to close',
    });
    const late = await rea.waitForServer(
      'late',
      ({ open_transitions, circuit_state }) =>
        open_transitions >= round && circuit_state === 'closed',
      { what: `having closed ${round} times` },
    );
    expect(late.session_blocker_emitted).toBe(late.open_transitions >= 3);
  }
  expect(await opensBeforeBlocker(rea)).toBe(3);
});

test.concurrent('a clock set back an hour changes neither the cooldown nor a restart', async () => {
  const rea = await startRea({
    faults: true,
    config: registry(
      { late: fixture('late-answer'), crashes: fixture('echo') },
      { call_timeout_ms: 5_000, breaker: { failures: 1, cooldown_ms: 800 } },
    ),
  });
  await rea.waitForPhase('late', 'ready');
  const { pid } = await rea.waitForPhase('crashes', 'ready');
  await timeOut(rea);
  rea.faults.setClockBack();
  const hourBack = Date.now() - 1_800_000;
  await rea.waitForState(({ updated_at }) => Date.parse(updated_at) < hourBack, {
    what: 'an hour earlier',
  });
  const time = stopwatch();
  // A cooldown that counted wall-clock time would take an hour.
  await until(async () => (await rea.call('late__echo', { text: 'ok' })).failure === null, {
    what: 'the cooldown to end',
  });
  report('clock set back: cooldown of 800 ms ended after', time.ms());

  killOne(pid ?? 0);
  const restarted = await rea.waitForServer(
    'crashes',
    ({ phase, restarts }) => phase === 'ready' && restarts === 1,
    { what: 'being restarted' },
  );
  expect(restarted.pid).not.toBe(pid);
});

/** One incident: a call of `late` that outlives its deadline. */
async function timeOut(rea: Rea): Promise<void> {
  const { failure } = await rea.call('late__late', { ms: 60_000 });
  expect(failure).toMatchObject({ code: 'ERR_TIMEOUT', outcome: 'unknown' });
}

/** The moment that a refusal named. */
async function retryTime(retryAt: string | undefined): Promise<void> {
  const at = Date.parse(retryAt ?? '');
  expect(at).toBeGreaterThan(0);
  await until(() => Date.now() > at, { what: 'retry_at' });
}

/** How often the circuit had opened when the log named the blocker, which it does once. */
async function opensBeforeBlocker(rea: Rea): Promise<number> {
  await rea.waitForLog('SESSION_BLOCKER');
  const lines = rea.stderr.split('\n');
  const isBlocker = (line: string) => line.includes('SESSION_BLOCKER');
  expect(lines.filter(isBlocker)).toHaveLength(1);
  const before = lines.slice(0, lines.findIndex(isBlocker));
  return before.filter((line) => line.includes('"to":"open"')).length;
}
