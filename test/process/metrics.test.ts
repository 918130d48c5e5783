/** `REA_METRICS_PORT`: what a Prometheus sees of a real gateway, and what nobody else sees. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, expect, test, vi } from 'vitest';
import { code, LIMIT_MS, measured, OUTCOMES, outcomesOf } from '../support/measured.ts';
import { Scrape } from '../support/prometheus.ts';
import { fixture, QUICK, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

test('every series is there as zero before anything has happened', async () => {
  const { rea, scrape } = await measured({
    config: registry({
      echo: fixture('echo'),
      own: { ...fixture('echo'), instances: 'session' },
      off: { ...fixture('echo'), env: { TOKEN: '${A_VARIABLE_THAT_IS_NOT_SET}' } },
    }),
    initialize: false,
  });
  const first = await scrape();
  expect(first.labelValues('server')).toEqual(new Set(['echo', 'own', 'off']));
  for (const { name, type, samples } of first.families.values()) {
    // The gateway's own start is recorded.
    if (name.startsWith('rea_audit_')) continue;
    if (!name.startsWith('rea_') || type === 'gauge' || name === 'rea_main_loop_lag_seconds')
      continue;
    expect(samples.map(({ value }) => value)).toEqual(samples.map(() => 0));
  }
  expect(first.labelValues('outcome')).toEqual(new Set(OUTCOMES));
  const documented = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const codes = [...documented.matchAll(/^\| `(ERR_\w+)`/gm)].map(([, name]) => name);
  expect(first.labelValues('code')).toEqual(new Set(codes));
  expect(first.labelValues('version')).toEqual(new Set([rea.state()?.gateway_version]));
  await rea.initialize();
  await rea.waitForPhase('off', 'failed');
  // `faultsAfter` would find a series that was not there before.
  await scrape();
});

test('each request counts once, by how it ended', async () => {
  const { rea, scrape, ...metrics } = await measured({
    config: registry(
      {
        echo: fixture('echo'),
        bad: fixture('exit-on-call'),
        // A duration begins when the call is sent, which is later on a busy machine; the deadline does not.
        mute: { ...fixture('never-answer'), call_timeout_ms: 1_500 },
        large: { ...fixture('echo'), max_message_bytes: 65_536 },
      },
      {
        breaker: { failures: 3, cooldown_ms: 60_000 },
        // No server becomes stable meanwhile, which would start the count of failures anew.
        restart: { ...QUICK.restart, stable_ms: 60_000 },
      },
    ),
  });
  for (const name of ['echo', 'bad', 'mute', 'large']) await rea.waitForPhase(name, 'ready');
  await scrape();
  await rea.call('echo__echo', { text: 'hello' });
  await rea.call('echo__echo', { text: 'again' });
  expect((await rea.call('echo__is-error')).message.result.isError).toBe(true);
  expect((await rea.call('echo__error')).message.error?.code).toBe(-32602);
  // The gateway answers these itself; no server has any part in them.
  await rea.call('__rea__health');
  await rea.call('echo__no-such-tool');
  const cancelled = rea.begin('echo__sleep', { ms: 60_000 });
  await metrics.until('a call in flight', (now) => {
    return now.value('rea_calls_in_flight', { server: 'echo' }) === 1;
  });
  rea.cancel(cancelled);
  await rea.request('ping');
  expect((await rea.call('bad__exit')).failure?.code).toBe('ERR_OUTCOME_UNKNOWN');
  expect((await rea.call('large__big', { bytes: 100_000 })).failure?.code).toBe(
    'ERR_MESSAGE_TOO_LARGE',
  );
  for (let round = 0; round < 3; round += 1) {
    expect((await rea.call('mute__wait')).failure?.code).toBe('ERR_TIMEOUT');
  }
  expect((await rea.call('mute__wait')).failure?.code).toBe('ERR_BREAKER_OPEN');
  await rea.waitForServer('bad', ({ restarts, phase }) => restarts === 1 && phase === 'ready', {
    what: 'restarted',
  });
  writeFileSync(join(rea.dir, '.rea', 'HALT'), 'maintenance');
  await metrics.until('the halt', (now) => now.value('rea_halt_active') === 1);
  expect((await rea.call('echo__echo')).failure?.code).toBe('ERR_HALTED');

  const after = await scrape();
  const none = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]));
  expect(outcomesOf(after, 'echo')).toEqual({ ...none, ok: 2, error: 2, cancelled: 1, refused: 1 });
  expect(outcomesOf(after, 'bad')).toEqual({ ...none, unknown: 1 });
  expect(outcomesOf(after, 'large')).toEqual({ ...none, undeliverable: 1 });
  expect(outcomesOf(after, 'mute')).toEqual({ ...none, timeout: 3, refused: 1 });
  expect(code(after, 'echo', 'ERR_HALTED')).toBe(1);
  expect(code(after, 'bad', 'ERR_OUTCOME_UNKNOWN')).toBe(1);
  expect(code(after, 'large', 'ERR_MESSAGE_TOO_LARGE')).toBe(1);
  expect(code(after, 'mute', 'ERR_TIMEOUT')).toBe(3);
  expect(code(after, 'mute', 'ERR_BREAKER_OPEN')).toBe(1);
  expect(after.sum('rea_call_errors_total', {})).toBe(7);

  // Only what was sent and came to an end of its own has a duration.
  const count = (server: string) => after.value('rea_call_duration_seconds_count', { server });
  expect(['echo', 'bad', 'large', 'mute'].map(count)).toEqual([4, 0, 1, 3]);
  const seconds = after.value('rea_call_duration_seconds_sum', { server: 'mute' });
  expect(seconds).toBeGreaterThan(0.5);
  expect(seconds).toBeLessThan(60);
  const bucket = (le: string) =>
    after.value('rea_call_duration_seconds_bucket', { server: 'mute', le });
  expect([bucket('0.1'), bucket('600')]).toEqual([0, 3]);

  expect(after.value('rea_circuit_openings_total', { server: 'mute' })).toBe(1);
  expect(after.value('rea_circuit_state', { server: 'mute', state: 'open' })).toBe(1);
  expect(after.value('rea_circuit_state', { server: 'mute', state: 'closed' })).toBe(0);
  expect(after.value('rea_server_restarts_total', { server: 'bad' })).toBe(1);
  expect(after.value('rea_server_phase', { server: 'echo', phase: 'ready' })).toBe(1);
  expect(after.sum('rea_server_phase', { server: 'echo' })).toBe(1);
  expect(after.value('rea_calls_in_flight', { server: 'echo' })).toBe(0);
  expect(after.value('rea_state_owner')).toBe(1);
  expect(after.value('rea_upstream_sessions')).toBe(1);
  // What the state file counts has been counted here, too.
  const state = await rea.waitForServer('echo', ({ calls }) => calls === 6, { what: 'counted' });
  expect(after.sum('rea_calls_total', { server: 'echo' })).toBe(state.calls);
  // Nothing that a client or a server has said is in it.
  expect(after.text).not.toMatch(/sleep|hello|maintenance|rea-test|no-such-tool|t\d+"/);
});

test('records of the audit log count, and the time of the disk for those that calls wait for', async () => {
  const { rea, scrape } = await measured({ config: registry({ echo: fixture('echo') }) });
  await rea.waitForPhase('echo', 'ready');
  const before = await scrape();
  // Nothing says that it only reads.
  await rea.call('echo__pid');
  const after = await scrape();
  expect(after.value('rea_audit_fsync_seconds_count')).toBeGreaterThan(
    before.value('rea_audit_fsync_seconds_count'),
  );
  expect(after.value('rea_audit_records_total')).toBeGreaterThan(
    before.value('rea_audit_records_total'),
  );
});

test('requests that wait for a first list count as well, refused, cancelled or timed out', async () => {
  const { rea, scrape } = await measured({
    config: registry({ hung: fixture('hang-at-initialize') }, { call_timeout_ms: 500 }),
  });
  expect((await rea.call('hung__a')).failure?.code).toBe('ERR_TIMEOUT');
  const waiting = rea.begin('hung__b');
  rea.cancel(waiting);
  // A round trip later the gateway has read both.
  await rea.request('ping');
  writeFileSync(join(rea.dir, '.rea', 'HALT'), '');
  await until(async () => (await scrape()).value('rea_halt_active') === 1, {
    limitMs: LIMIT_MS,
    what: 'the halt',
  });
  expect((await rea.call('hung__c')).failure?.code).toBe('ERR_HALTED');
  const none = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]));
  const ends = { ...none, timeout: 1, cancelled: 1, refused: 1 };
  expect(outcomesOf(await scrape(), 'hung')).toEqual(ends);
  expect(waiting.answered()).toBe(false);
});

test('counters go on over the loss of a thread', async () => {
  const metrics = await measured({
    faults: true,
    config: registry({ junk: fixture('prints-junk') }),
  });
  const { rea } = metrics;
  await rea.call('junk__echo', { text: 'x' });
  const before = await metrics.until('its junk', (now) => {
    return now.value('rea_server_noise_lines_total', { server: 'junk' }) >= 5;
  });
  await metrics.until('the heap of its thread', (now) => {
    return now.value('rea_thread_heap_used_bytes', { server: 'junk' }) > 1_000_000;
  });
  await metrics.until('the heap of the state writer', (now) => {
    return now.value('rea_state_writer_heap_used_bytes', {}) > 1_000_000;
  });
  await rea.faults.inject('supervisor', 'exit');
  await rea.waitForServer(
    'junk',
    ({ thread, phase }) => thread.restarts === 1 && phase === 'ready',
    { what: 'having a new thread' },
  );
  await rea.call('junk__echo', { text: 'x' });
  const noise = before.value('rea_server_noise_lines_total', { server: 'junk' });
  const after = await metrics.until('more junk', (now) => {
    return now.value('rea_server_noise_lines_total', { server: 'junk' }) >= noise + 5;
  });
  const lost = (reason: string) =>
    after.value('rea_thread_losses_total', { server: 'junk', reason });
  expect([lost('crashed'), lost('stalled')]).toEqual([1, 0]);
  const [junk] = rea.state()?.downstreams ?? [];
  expect(after.value('rea_server_restarts_total', { server: 'junk' })).toBe(junk?.restarts);
  expect(after.value('rea_calls_total', { server: 'junk', outcome: 'ok' })).toBe(2);
});

test('memory and CPU time of a server are told, and CPU time goes on over its restarts', async () => {
  const metrics = await measured({ config: registry({ bad: fixture('exit-on-call') }) });
  const { rea } = metrics;
  const of = (scrape: Scrape) => ({
    cpu: scrape.value('rea_server_cpu_seconds_total', { server: 'bad' }),
    rss: scrape.value('rea_server_resident_memory_bytes', { server: 'bad' }),
  });
  await rea.waitForPhase('bad', 'ready');
  const first = of(await metrics.until('its use', (now) => of(now).rss > 10 * 1024 * 1024));
  expect(first.cpu).toBeGreaterThan(0);
  await rea.call('bad__exit');
  // A second Node has used about as much as the first by the time it is ready.
  await metrics.until('the use of both', (now) => of(now).cpu > 1.3 * first.cpu);
});

test('instances of one server are added up under its name, and counted on when they are gone', async () => {
  const metrics = await measured({
    args: ['--http', '127.0.0.1:0', '--no-token'],
    config: registry({ bad: { ...fixture('exit-on-call'), instances: 'session' } }),
    initialize: false,
  });
  const { rea, scrape } = metrics;
  const http = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  const idle = await scrape();
  expect(idle.sum('rea_server_phase', { server: 'bad' })).toBe(0);
  const clients = await Promise.all(
    ['one', 'two'].map(async (name) => {
      const client = new Client({ name, version: '1' });
      const transport = new StreamableHTTPClientTransport(new URL(http));
      await client.connect(transport);
      return { client, transport };
    }),
  );
  for (const { client } of clients) await client.listTools();
  const busy = await metrics.until('two instances', (now) => {
    return now.value('rea_server_phase', { server: 'bad', phase: 'ready' }) === 2;
  });
  expect(busy.value('rea_circuit_state', { server: 'bad', state: 'closed' })).toBe(2);
  expect(busy.value('rea_upstream_sessions')).toBe(2);
  expect(busy.value('rea_http_connections')).toBeGreaterThan(0);
  for (const { client } of clients) await client.callTool({ name: 'bad__exit' });
  await metrics.until('both restarts', (now) => {
    return now.value('rea_server_restarts_total', { server: 'bad' }) === 2;
  });
  for (const { client, transport } of clients) {
    await transport.terminateSession();
    await client.close();
  }
  const left = await metrics.until('the end of both', (now) => {
    return now.sum('rea_server_phase', { server: 'bad' }) === 0;
  });
  expect(left.value('rea_server_restarts_total', { server: 'bad' })).toBe(2);
  expect(left.value('rea_calls_total', { server: 'bad', outcome: 'unknown' })).toBe(2);
  expect(left.value('rea_upstream_sessions')).toBe(0);
  expect(left.labelValues('server')).toEqual(new Set(['bad']));
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
});
