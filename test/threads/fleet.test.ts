/** The fleet of a gateway with real threads and servers, without the gateway around it. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { createLogger } from '#src/main/logger.ts';
import { startPriorityQueue } from '#src/main/processes/priority/priority-queue.ts';
import { StartTickets } from '#src/main/processes/start-tickets.ts';
import { CallTable } from '#src/main/routing/calls.ts';
import { Catalogs } from '#src/main/routing/catalogs.ts';
import { NO_OBSERVER } from '#src/main/routing/observer.ts';
import type { Router } from '#src/main/routing/router.ts';
import { Fleet } from '#src/main/threads/fleet.ts';
import { ByteCredit } from '#src/shared/wire/byte-credit.ts';
import { processesOf } from '../support/processes.ts';
import { serverConfig } from '../support/supervisor-thread.ts';
import { killOne } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });
const LIMIT_MS = 20_000;
const MIB = 1024 * 1024;
const cleanup: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const end of cleanup.splice(0).reverse()) await end();
});

/** A started fleet with servers that ignore everything but SIGKILL. */
async function startFleet(names: readonly string[]) {
  const dir = mkdtempSync(join(tmpdir(), 'rea-fleet-'));
  const servers = names.map((name) => ({
    ...serverConfig('ignore-sigterm', [], { cwd: dir }),
    name,
    lane: name,
    prefix: name,
  }));
  const groupsFile = join(dir, 'groups');
  writeFileSync(groupsFile, '');
  const output = new PassThrough();
  let log = '';
  output.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const fleet = new Fleet({
    config: {
      file: '',
      servers,
      threads: { mode: 'auto', dedicatedUpTo: 32, heapMb: 64, stallMs: 1500 },
      limits: { byteCreditBytes: 96 * MIB, slowClientMs: 60_000 },
      listWaitMs: 0,
      warnings: [],
    },
    credit: ByteCredit.create(names.length, { softBytes: 64 * MIB, hardBytes: 96 * MIB }),
    calls: new CallTable(),
    catalogs: new Catalogs({
      servers,
      listWaitMs: 0,
      onChange: () => undefined,
      onCollision: () => undefined,
    }),
    tickets: (office) => new StartTickets(names.length, office),
    usedBefore: new Map(),
    groupsFile,
    launcher: { socket: () => null },
    gatewayVersion: '0.0.0-test',
    halted: () => ({ active: false, reason: null }),
    log: createLogger({}, output as unknown as NodeJS.WriteStream),
    observer: NO_OBSERVER,
    attachFacts: (port) => port.close(),
    tell: () => undefined,
    killGroup: ({ pgid }) => killOne(-pgid),
    router: () =>
      ({
        catalogSettled: () => undefined,
        serverReady: () => undefined,
        serverGone: () => undefined,
        profiles: { update: () => undefined },
      }) as unknown as Router,
    priorities: startPriorityQueue(createLogger({}, output as unknown as NodeJS.WriteStream)),
    onChange: () => undefined,
  });
  cleanup.push(async () => {
    await fleet.stopThreads();
    for (const { pid } of processesOf(dir)) killOne(pid);
    rmSync(dir, { recursive: true, force: true });
  });
  fleet.start('{}');
  const all = (phase: string) => () =>
    fleet.all().every((downstream) => downstream.phase === phase);
  await until(all('ready'), { limitMs: LIMIT_MS, what: 'the servers to be ready' });
  return { fleet, all, servers: () => processesOf(dir).length, log: () => log };
}

test('servers that are killed all at once are not started again', async () => {
  const names = ['one', 'two', 'three'];
  const { fleet, all, servers, log } = await startFleet(names);
  expect(servers()).toBe(names.length);
  fleet.killServers(({ pgid }) => killOne(-pgid));
  await until(all('stopped'), { limitMs: LIMIT_MS, what: 'the servers to be stopped' });
  await until(() => servers() === 0, { limitMs: LIMIT_MS, what: 'no process to be left' });
  expect(log().split('"msg":"starting"').length - 1).toBe(names.length);
});

test('threads are watched although no file descriptor is left', async () => {
  const { fleet } = await startFleet(['one']);
  withoutDescriptors(() => {
    // The heartbeat stands still in between, so the second look asks for the thread's CPU time.
    for (let now = 0; now < 5; now += 1) fleet.check(now);
  });
  await fleet.inspect();
  expect(fleet.records()['one']?.thread).toMatchObject({ state: 'running', restarts: 0 });
});

/** Runs `action` while this process can open nothing. */
function withoutDescriptors(action: () => void): void {
  const limitTo = (soft: string) =>
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${soft}:`]);
  const columns = ['--nofile', '--output=SOFT', '--noheadings'];
  const limit = execFileSync('prlimit', ['--pid', String(process.pid), ...columns]);
  const opened: number[] = [];
  // Few enough to be used up at once.
  limitTo('256');
  try {
    for (;;) opened.push(openSync('/dev/null', 'r'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
    action();
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
    limitTo(limit.toString().trim());
  }
}
