/** The fleet of a gateway with real threads and servers, without the gateway around it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { type Call, newCall } from '#src/main/calls/call.ts';
import { CallTable } from '#src/main/calls/call-table.ts';
import { NO_OBSERVER } from '#src/main/calls/observer.ts';
import { Catalogs } from '#src/main/catalog/catalogs.ts';
import { createLogger } from '#src/main/logger.ts';
import { PriorityQueue } from '#src/main/processes/priority/priority-queue.ts';
import { Fleet } from '#src/main/servers/fleet.ts';
import { Offenders } from '#src/main/servers/offenders.ts';
import type { Server } from '#src/main/servers/server.ts';
import { isThreadHeld } from '#src/main/threads/start-worker.ts';
import { ByteCredit } from '#src/shared/memory/byte-credit.ts';
import { KnownPlaces } from '#src/shared/memory/known-places.ts';
import { LookupSlots } from '#src/shared/memory/lookup-slots.ts';
import { withoutDescriptors } from '../support/descriptors.ts';
import { NO_AUDIT } from '../support/no-audit.ts';
import { NO_LOGINS } from '../support/no-logins.ts';
import { noPins } from '../support/no-pins.ts';
import { processesOf } from '../support/processes.ts';
import { serverConfig } from '../support/supervisor-thread.ts';
import { killOne } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
const LIMIT_MS = 45_000;
const MIB = 1024 * 1024;
const cleanup: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const end of cleanup.splice(0).reverse()) await end();
});

/** A started fleet with servers that ignore everything but SIGKILL. */
async function startFleet(names: readonly string[], instances: 'shared' | 'session' = 'shared') {
  const dir = mkdtempSync(join(tmpdir(), 'rea-fleet-'));
  const servers = names.map((name) => ({
    ...serverConfig('ignore-sigterm', [], { cwd: dir }),
    name,
    lane: name,
    prefix: name,
    instances,
  }));
  const groupsFile = join(dir, basename(dir));
  writeFileSync(groupsFile, '');
  const output = new PassThrough();
  let log = '';
  output.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const logger = createLogger({}, output as unknown as NodeJS.WriteStream);
  const lowered: number[] = [];
  const priorities = new PriorityQueue({
    mechanism: { kind: 'autogroup', canRaise: true, gapMs: 0 },
    // Starting servers are low and then not; what is asked for here is only what comes after.
    apply: ({ pid }, level) => {
      if (level !== 'normal') lowered.push(pid);
      return 'done';
    },
    log: logger,
  });
  const calls = new CallTable();
  const fleet = new Fleet({
    definitions: noPins(),
    offenders: new Offenders(() => undefined),
    logins: NO_LOGINS,
    config: {
      file: '',
      servers,
      reserved: [],
      threads: { mode: 'auto', dedicatedUpTo: 32, mostShared: 8, heapMb: 64, stallMs: 1500 },
      limits: { byteCreditBytes: 96 * MIB, slowClientMs: 60_000 },
      http: { maxSessions: 256, maxConnections: 1024 },
      listWaitMs: 0,
      idleExitMs: 60_000,
      variables: [],
      warnings: [],
    },
    credit: ByteCredit.create(2 * names.length, { softBytes: 64 * MIB, hardBytes: 96 * MIB }),
    lookups: LookupSlots.create(),
    knownPlaces: KnownPlaces.create(),
    guarded: { cwd: dir, directories: [], files: [], secretFiles: [] },
    calls,
    catalogs: new Catalogs({
      servers,
      listWaitMs: 0,
      onChange: () => undefined,
      onCollision: () => undefined,
    }),
    startLimit: names.length,
    usedBefore: new Map(),
    secrets: { learn: () => undefined, former: () => [] },
    groupsFile,
    launcher: { address: () => null, failed: () => undefined },
    gatewayVersion: '0.0.0-test',
    halted: () => ({ active: false, reason: null }),
    log: logger,
    observer: NO_OBSERVER,
    audit: NO_AUDIT,
    stateWriter: { attach: (port) => port.close(), tell: () => undefined },
    startsAfter: Promise.resolve(),
    endGroup: async ({ pgid }) => void killOne(-pgid),
    priorities,
    onChange: () => undefined,
  });
  cleanup.push(async () => {
    priorities.close();
    await fleet.stopThreads();
    for (const { pid } of processesOf(dir)) killOne(pid);
    rmSync(dir, { recursive: true, force: true });
  });
  fleet.start('{}');
  const all = (phase: string) => () => fleet.all().every((server) => server.phase === phase);
  await until(all('ready'), { limitMs: LIMIT_MS, what: 'the servers to be ready' });
  return { fleet, all, calls, lowered, servers: () => processesOf(dir).length, log: () => log };
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

test('a stop waits for threads that are being stopped already', async () => {
  const { fleet } = await startFleet(['one', 'two']);
  const first = fleet.stopThreads();
  // An exit would kill the process if it found one of them still ending.
  await fleet.stopThreads();
  expect(isThreadHeld()).toBe(false);
  await first;
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

test('who wants much while main is starved is lowered, and nobody when only its own calls wait', async () => {
  const { fleet, calls, lowered } = await startFleet(['one', 'two', 'three']);
  const [one, two, three] = fleet.all().map(({ lastRecord }) => lastRecord?.pgid ?? 0);
  const wants = (pgid: number | undefined, wantedCores: number) => ({
    pgid: pgid ?? 0,
    ranCores: 0.2,
    wantedCores,
  });
  const trees = [wants(one, 0.9), wants(two, 0.1), wants(three, 0.9)];
  const starve = () => {
    lowered.length = 0;
    fleet.starved({ type: 'starvation', trees });
  };
  // Nobody waits for anybody.
  starve();
  expect(lowered).toEqual([]);
  const waiting = waitingCall(calls, fleet.all()[2]);
  fleet.all()[2]?.submit(waiting);
  starve();
  // The third has only its own call to hold up, and the second wants little.
  expect(lowered).toEqual([one]);
  clearTimeout(waiting.timer);
});

test("a client's own server is shown until its process is gone, and nothing of it afterwards", async () => {
  const { fleet, all } = await startFleet(['own'], 'session');
  const client = { needsDrain: false, answer: () => undefined, send: () => undefined };
  fleet.openSession(client, '{}');
  await until(() => fleet.all().length === 1 && all('ready')(), {
    limitMs: LIMIT_MS,
    what: 'the server to be ready',
  });
  fleet.closeSession(client);
  const shown = () => [
    fleet.all().length,
    fleet.views().length,
    Object.keys(fleet.records()),
    fleet.lastWords().map(({ name }) => name),
  ];
  expect(shown()).toEqual([1, 1, ['own#1'], ['own#1']]);
  expect(fleet.serving('own', client)).toBeNull();
  await until(() => fleet.groups().length === 0 && fleet.all().length === 0, {
    limitMs: LIMIT_MS,
    what: 'nothing of the server to be left',
  });
  expect(shown()).toEqual([0, 0, ['own'], []]);
});

/** A call of nobody's that its server never answers. */
function waitingCall(calls: CallTable, server: Server | undefined): Call {
  if (server === undefined) throw new Error('there is no such server');
  const id = calls.mint();
  const line = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"wait"}}\n`;
  const call = newCall({
    id,
    owner: { needsDrain: false, answer: () => undefined, send: () => undefined },
    idRaw: Buffer.from(String(id)),
    idText: String(id),
    tokenRaw: null,
    target: server,
    method: 'tools/call',
    line: Buffer.from(line),
    timeoutMs: LIMIT_MS,
    totalTimeoutMs: LIMIT_MS,
    hooks: {},
  });
  calls.add(call);
  return call;
}
