/** One worker with its ports, as main holds it: what was posted before its end still arrives. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ThreadLink } from '#src/main/threads/thread-link.ts';
import { ByteCredit } from '#src/shared/memory/byte-credit.ts';
import { KnownPlaces } from '#src/shared/memory/known-places.ts';
import { LookupSlots } from '#src/shared/memory/lookup-slots.ts';
import { ThreadVitals } from '#src/shared/memory/vitals.ts';
import type { FromSupervisor } from '#src/shared/protocol/from-supervisor.ts';
import { LIMIT_MS } from '../support/state-writer.ts';
import { serverConfig } from '../support/supervisor-thread.ts';
import { until } from '../support/wait-for.ts';

let dir: string;
let link: ThreadLink;
let vitals: ThreadVitals;
let messages: FromSupervisor[];
let exits: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rea-link-'));
  vitals = ThreadVitals.create(1);
  messages = [];
  exits = 0;
  const started = ThreadLink.start(
    {
      name: 'supervisor test',
      heapMb: 64,
      data: {
        vitals: vitals.buffer,
        credit: ByteCredit.create(1, { softBytes: 1e6, hardBytes: 2e6 }).buffer,
        lookups: LookupSlots.create().buffer,
        http: true,
        knownPlaces: KnownPlaces.create().buffer,
        guarded: { cwd: dir, directories: [], files: [], secretFiles: [] },
        groupsFile: join(dir, basename(dir)),
        gatewayVersion: '0.0.0-test',
      },
      log: pino({ level: 'silent' }),
    },
    {
      onMessage: (_link, message) => messages.push(message),
      onExit: () => {
        exits += 1;
      },
    },
  );
  if (!started.ok) throw new Error(started.error);
  link = started.link;
  started.facts.unref();
});

afterEach(async () => {
  await link.end();
  rmSync(dir, { recursive: true, force: true });
});

/** Blocks main until the thread has gone through its loop a few times more. */
function blockForBeats(count: bigint): void {
  const target = vitals.beats() + count;
  const deadline = performance.now() + LIMIT_MS;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (vitals.beats() < target) {
    if (performance.now() > deadline) throw new Error('the thread does not beat');
    Atomics.wait(cell, 0, 0, 5);
  }
}

test('messages that have been posted and not received are handed over at once', async () => {
  await until(() => vitals.beats() > 0n, { limitMs: LIMIT_MS, what: 'the first beat' });
  const server = { ...serverConfig('echo'), cwd: dir };
  const state = { generation: 1, incarnation: 0, restarts: 0, clientCapabilities: '{}' };
  link.post({
    type: 'open',
    slot: 0,
    server,
    ...state,
    lastExit: null,
    lastError: null,
    formerSecrets: [],
    creditLane: 0,
    delayMs: 0,
  });
  // The batch is posted at the end of this turn, and nothing is received before the next one.
  await nextTurn();
  blockForBeats(3n);
  expect(messages).toEqual([]);
  link.receiveRest();
  expect(messages).toContainEqual({ type: 'ticket_wanted', slot: 0 });
});

test('the end of the worker is told once, and it counts as ended from then on', async () => {
  expect(link.ended).toBe(false);
  await link.end();
  await until(() => exits > 0, { limitMs: LIMIT_MS, what: 'the exit' });
  expect([link.ended, exits]).toEqual([true, 1]);
});
