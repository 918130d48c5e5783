/** Bytes in the gateway are bounded: servers wait in their pipes, slow clients get nothing more to wait for. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, expect, test, vi } from 'vitest';
import { memoryOf } from '../support/processes.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const MIB = 1024 * 1024;
/** Making and writing such answers keeps a server from anything else, on a busy machine for long. */
const PATIENT = { liveness: { idle_ms: 120_000, timeout_ms: 60_000 }, call_timeout_ms: 120_000 };

test('eight servers that answer 30 MiB at once all get through a credit of 96 MiB', async () => {
  const names = Array.from({ length: 8 }, (_, at) => `big-${at}`);
  const rea = await startRea({
    config: registry(Object.fromEntries(names.map((name) => [name, fixture('echo')])), {
      ...PATIENT,
      max_message_bytes: 32 * MIB,
      byte_credit_mb: 96,
    }),
  });
  for (const name of names) await rea.waitForPhase(name, 'ready');
  const answers = await Promise.all(
    names.map((name) => rea.call(`${name}__big`, { bytes: 30 * MIB })),
  );
  expect(answers.map(({ text }) => text.length)).toEqual(names.map(() => 30 * MIB));
  expect(answers.every(({ text }) => /^x+$/.test(text))).toBe(true);
  await rea.stop();
});

test('a client that stops reading holds up nobody, and misses nothing when it reads again', async () => {
  const names = ['one', 'two', 'three', 'four'];
  // Calls that wait for their audit records would be in nobody's hands for a while, as if all were answered.
  const reads = { tier_overrides: { big: 'read', echo: 'read' } };
  const servers = Object.fromEntries(names.map((name) => [name, { ...fixture('echo'), ...reads }]));
  const rea = await startRea({
    config: registry(servers, PATIENT),
    args: ['--stdio', '--http', '127.0.0.1:0', '--no-token'],
  });
  for (const name of names) await rea.waitForPhase(name, 'ready');
  const http = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  const other = new Client({ name: 'other', version: '1' });
  await other.connect(new StreamableHTTPClientTransport(new URL(http)));

  rea.stopReading();
  const BYTES = 16 * MIB;
  const begun = names.flatMap((name) =>
    Array.from({ length: 5 }, () => rea.begin(`${name}__big`, { bytes: BYTES })),
  );
  const [one] = await rea.waitForState(
    ({ downstreams }) =>
      downstreams.every(({ calls, in_flight }) => calls === 5 && in_flight === 0) && downstreams,
    { what: 'all answers in the gateway', limitMs: 60_000 },
  );
  const waiting = (one?.queued ?? 0) + 1;
  const late = rea.begin('one__echo', { text: 'late' });
  await rea.waitForServer('one', ({ queued }) => queued === waiting, { what: 'a call that waits' });
  for (let round = 0; round < 10; round += 1) {
    const answers = await Promise.all(
      names.map((name) => other.callTool({ name: `${name}__echo`, arguments: { text: name } })),
    );
    expect(answers.map(({ content }) => content)).toEqual(
      names.map((text) => [{ type: 'text', text }]),
    );
  }
  // A log message is for all clients; the one that does not read goes without, and that is counted.
  await other.callTool({ name: 'one__log', arguments: { text: 'for all' } });
  const health = await other.callTool({ name: '__rea__health' });
  expect(JSON.stringify(health)).toMatch(/dropped_messages[\\": ]+[1-9]/);
  // What it had asked for before it was known to be slow, and nothing more.
  expect(memoryOf(rea.pid)?.rss ?? 0).toBeLessThan(20 * 16 + 400);

  rea.goOnReading();
  const answers = await Promise.all(begun.map(({ answer }) => answer));
  expect(answers.map(({ text }) => text.length)).toEqual(begun.map(() => BYTES));
  expect((await late.answer).text).toBe('late');
  await other.close();
  rea.kill('SIGTERM');
  expect((await rea.exited).code).toBe(0);
});

test('calls to a server that does not read hold 64 MiB, and the others of the same client are served', async () => {
  const rea = await startRea({
    config: registry({ hangs: fixture('echo'), other: fixture('echo') }, PATIENT),
  });
  const { pid } = await rea.waitForPhase('hangs', 'ready');
  const text = 'x'.repeat(8 * MIB);
  process.kill(pid ?? 0, 'SIGSTOP');
  // The eighth does not fit: its line is a little longer than its text.
  const calls = Array.from({ length: 20 }, () => rea.begin('hangs__echo', { text }));
  const refused = await Promise.all(calls.slice(7).map(({ answer }) => answer));
  for (const { failure } of refused) {
    expect(failure).toMatchObject({ code: 'ERR_QUEUE_FULL', outcome: 'not_sent' });
  }
  expect((await rea.call('other__echo', { text: 'served' })).text).toBe('served');
  expect((await rea.call('other__echo', { text })).failure?.code).toBe('ERR_QUEUE_FULL');
  process.kill(pid ?? 0, 'SIGCONT');
  const answers = await Promise.all(calls.slice(0, 7).map(({ answer }) => answer));
  for (const answer of answers) expect(answer.text.length).toBe(8 * MIB);
  expect((await rea.call('other__echo', { text })).text.length).toBe(8 * MIB);
  await rea.stop();
});

test('lists for a client that does not read are made when it reads again', async () => {
  const rea = await startRea({ config: registry({ many: fixture('many-pages', 1, 400) }) });
  const { message: first } = await rea.request('tools/list');
  const bytes = JSON.stringify(first).length;
  expect(bytes).toBeGreaterThan(20_000);
  const before = memoryOf(rea.pid)?.rss ?? 0;
  rea.stopReading();
  // Several times what may wait.
  const count = Math.min(10_000, Math.ceil((200 * MIB) / bytes));
  expect(count * bytes).toBeGreaterThan(150 * MIB);
  const lists = Array.from({ length: count }, () => rea.request('tools/list'));
  const written = await steady(() => memoryOf(rea.pid)?.rss ?? 0);
  expect(written - before).toBeLessThan(130);
  rea.goOnReading();
  for (const { message } of await Promise.all(lists)) {
    expect(message.result.tools).toHaveLength(401);
  }
  await rea.stop();
});

/** A figure once it has not grown by a twentieth for a second. */
async function steady(look: () => number): Promise<number> {
  let highest = 0;
  let since = performance.now();
  return until(
    () => {
      const now = look();
      if (now > 1.05 * highest) {
        highest = now;
        since = performance.now();
      }
      return performance.now() - since > 1000 ? highest : null;
    },
    { limitMs: 60_000, what: 'no more to be used' },
  );
}

test('a server that says what nobody asked for is not read faster than its budget', async () => {
  const dir = makeDirectory();
  const program = fileURLToPath(new URL('../../bench/servers/storm.mjs', import.meta.url));
  const chatty = (kind: string): ServerSpec => ({
    command: process.execPath,
    args: [program, kind, join(dir, 'storm')],
  });
  // Bytes to wait for, and what its pipe takes beyond the budget.
  const storms = {
    garbage: { bytes: 3 * MIB, slack: MIB },
    'big-unasked': { bytes: 6 * MIB, slack: MIB },
  };
  const names = Object.keys(storms);
  const rea = await startRea({
    cwd: dir,
    config: registry(Object.fromEntries(names.map((name) => [name, chatty(name)]))),
  });
  const pids = new Map<string, number>();
  for (const name of names) pids.set(name, (await rea.waitForPhase(name, 'ready')).pid ?? 0);
  const written = (name: string) => {
    const io = readFileSync(`/proc/${pids.get(name)}/io`, 'utf8');
    return Number(/^wchar: (\d+)$/m.exec(io)?.[1]);
  };
  const time = stopwatch();
  writeFileSync(join(dir, 'storm'), '');
  for (const [name, { bytes, slack }] of Object.entries(storms)) {
    const seen = await until(() => (written(name) > bytes ? written(name) : null), {
      limitMs: 90_000,
      what: `${name} to have written more than its burst`,
    });
    expect(seen).toBeLessThan(MIB + slack + (4 * MIB * time.ms()) / 1000);
  }
});
