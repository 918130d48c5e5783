/** The life of a supervisor thread in main: not needed yet, running, lost and replaced, ended, closed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SupervisorThread } from '#src/main/threads/supervisor-thread.ts';
import type { Tenant } from '#src/main/threads/tenant.ts';
import { ByteCredit } from '#src/shared/memory/byte-credit.ts';
import { KnownPlaces } from '#src/shared/memory/known-places.ts';
import { LookupSlots } from '#src/shared/memory/lookup-slots.ts';
import { LIMIT_MS } from '../support/state-writer.ts';
import { serverConfig } from '../support/supervisor-thread.ts';
import { until } from '../support/wait-for.ts';

let dir: string;
let thread: SupervisorThread;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rea-life-'));
  thread = new SupervisorThread({
    name: 'test',
    shared: true,
    capacity: 2,
    heapMb: 64,
    stallMs: 1,
    credit: ByteCredit.create(1, { softBytes: 1e6, hardBytes: 2e6 }),
    lookups: LookupSlots.create(),
    http: false,
    knownPlaces: KnownPlaces.create(),
    guarded: { cwd: dir, directories: [], files: [], secretFiles: [] },
    groupsFile: join(dir, basename(dir)),
    gatewayVersion: '0.0.0-test',
    log: pino({ level: 'silent' }),
    onLog: () => {},
    onSecret: () => {},
    attachFacts: (port) => port.close(),
    endGroup: async () => {},
    onChange: () => {},
  });
});

afterEach(async () => {
  await thread.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** A server that never gets its start ticket. */
function waiting(): Tenant & { retired: boolean } {
  return {
    config: serverConfig('waiting'),
    creditLane: 0,
    retired: false,
    opening: () => ({
      lastExit: null,
      lastError: null,
      formerSecrets: [],
      generation: 1,
      incarnation: 0,
      restarts: 0,
      clientCapabilities: '{}',
    }),
    onOpened: () => {},
    onMessage: () => {},
    onKilled: () => {},
    onLost: () => {},
    onTooBusy: () => {},
    onEvicted: () => {},
  };
}

/** Waits for the worker, then looks at its heartbeat faster than it can beat, until it counts as stalled. */
async function lose(): Promise<void> {
  const answers = async () => {
    await thread.inspect();
    return thread.record.heap_mb !== null;
  };
  await until(answers, { limitMs: LIMIT_MS, what: 'the thread' });
  for (let now = 0; thread.alive; now += 30) {
    thread.check(now);
    // It may not have beaten since its start: that takes until its first beat.
    if (now % 300 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

test('without a server there is no thread, and nothing is wrong', () => {
  expect(thread.alive).toBe(false);
  expect(thread.record).toMatchObject({ state: 'running', restarts: 0 });
});

test('a thread that is lost is replaced for the server that it has', async () => {
  thread.open(waiting(), 0);
  await lose();
  expect(thread.record).toMatchObject({ state: 'stalled', restarts: 0 });
  await until(() => thread.alive, { limitMs: LIMIT_MS, what: 'the next thread' });
  expect(thread.record).toMatchObject({ state: 'running', restarts: 1 });
});

test('without a server to replace it for it stays ended until there is one', async () => {
  const retired = waiting();
  thread.open(retired, 0);
  retired.retired = true;
  await lose();
  await until(() => thread.size === 0, { limitMs: LIMIT_MS, what: 'the end of the worker' });
  expect(thread.alive).toBe(false);
  expect(thread.record).toMatchObject({ state: 'crashed', restarts: 0 });
  thread.open(waiting(), 0);
  expect(thread.alive).toBe(true);
});

test('a thread that is closed while its worker ends is neither replaced nor started again', async () => {
  thread.open(waiting(), 0);
  await lose();
  await thread.stop();
  await new Promise((resolve) => setImmediate(resolve));
  expect(thread.record).toMatchObject({ state: 'crashed', restarts: 0 });
  thread.open(waiting(), 0);
  expect(thread.alive).toBe(false);
});

test('a thread that is closed while its replacement is due is not started', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
  thread.open(waiting(), 0);
  await lose();
  // Resolves right after the worker has ended, before any timer can run.
  await thread.leave(waiting());
  expect(thread.record).toMatchObject({ state: 'stalled', restarts: 1 });
  const before = timers();
  const stopped = thread.stop();
  expect(timers()).toBe(before - 1);
  await stopped;
});
