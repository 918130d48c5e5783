/** A lane that moves to a thread of its own, against a thread that only remembers what it was sent. */

import pino from 'pino';
import { expect, test } from 'vitest';
import { CallTable } from '#src/main/calls/call-table.ts';
import { Rates } from '#src/main/calls/gate/rate.ts';
import { NO_OBSERVER } from '#src/main/calls/observer.ts';
import type { PriorityQueue } from '#src/main/processes/priority/priority-queue.ts';
import { Lane } from '#src/main/servers/lane.ts';
import { Offenders } from '#src/main/servers/offenders.ts';
import type { Placement } from '#src/main/threads/placement.ts';
import { ByteCredit } from '#src/shared/memory/byte-credit.ts';
import { IDLE } from '#src/shared/model/idle.ts';
import type { LifecycleMessage } from '#src/shared/protocol/from-supervisor.ts';
import type { ToSupervisor } from '#src/shared/protocol/to-supervisor.ts';
import { NO_AUDIT } from '../../support/no-audit.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

function house(known: { fingerprint: string; why: string } | null = null) {
  const posted: ToSupervisor['type'][] = [];
  const placed: boolean[] = [];
  const gone: Lane[] = [];
  const remembered: (string | null)[] = [];
  const offenders = new Offenders(({ heldUp }) => void remembered.push(heldUp));
  const config = serverConfig('echo');
  if (known !== null) offenders.restore({ ...config, fingerprint: known.fingerprint }, known.why);
  const thread = {
    shared: true,
    alive: true,
    record: { state: 'running', restarts: 0, heap_mb: null, mates: 1, held_up: null },
    open: () => 0,
    leave: () => Promise.resolve(),
    post: ({ type }: ToSupervisor) => posted.push(type) > 0,
  };
  const placement = {
    place: (_lane: string, alone: boolean) => {
      placed.push(alone);
      return thread;
    },
  };
  const lane = new Lane(
    { config, owner: null, creditLane: 0, generation: 0 },
    {
      placement: placement as unknown as Placement,
      credit: ByteCredit.create(1, { softBytes: 1, hardBytes: 1 }),
      calls: new CallTable(),
      offenders,
      uses: { reliesOn: () => false, hasTasks: () => false },
      onAwaited: () => {},
      secrets: { former: () => [] },
      halted: () => ({ active: false, reason: null }),
      rates: new Rates(),
      log: pino({ level: 'silent' }),
      observer: NO_OBSERVER,
      audit: NO_AUDIT,
      priorities: { canRaise: true } as unknown as PriorityQueue,
      onChange: () => {},
    },
    {
      onMessage: () => {},
      onGone: (one) => gone.push(one),
      onStarted: () => {},
      onBlocked: () => undefined,
      onLost: () => {},
    },
  );
  lane.begin('{}', false);
  const backoff = {
    type: 'lifecycle',
    slot: 0,
    event: { event: 'backoff', delayMs: 1000, crashLoop: false },
    record: { ...IDLE, phase: 'backoff' },
  } as unknown as LifecycleMessage;
  return { lane, posted, placed, gone, backoff, remembered };
}

test('it is asked for while no process of it is there, and goes on alone once it was given up', () => {
  const { lane, posted, placed, backoff } = house();
  lane.onTooBusy('it takes 90 % of a thread');
  expect(posted).toEqual([]);
  lane.onMessage(backoff);
  expect(posted).toEqual(['release']);
  lane.onMessage({ type: 'released', slot: 0, left: true });
  expect(placed).toEqual([false, true]);
});

test('one that is stopped in the midst of that is gone, and nobody waits for it', () => {
  const { lane, posted, placed, gone, backoff } = house();
  lane.onTooBusy('it takes 90 % of a thread');
  lane.onMessage(backoff);
  lane.stop(0, 0);
  expect(posted).toEqual(['release', 'stop']);
  expect(lane.running).toBe(true);
  lane.onMessage({ type: 'released', slot: 0, left: true });
  expect([lane.running, gone]).toEqual([false, [lane]]);
  expect(placed).toEqual([false]);
});

test('one that is stopped and whose thread is lost does not run, and one that stays comes back', () => {
  for (const stopped of [true, false]) {
    const { lane, backoff } = house();
    lane.onMessage(backoff);
    if (stopped) lane.stop(0, 0);
    expect(lane.running).toBe(true);
    lane.onLost('crashed', 'out of memory', 0);
    expect([stopped, lane.running]).toEqual([stopped, !stopped]);
  }
});

test('one that has held up others begins alone in the next run, unless it is another program then', () => {
  const first = house();
  first.lane.onEvicted(0);
  const [why] = first.remembered;
  expect(why).toBe('its thread was lost while it worked for this server');
  for (const fingerprint of [first.lane.config.fingerprint, 'another']) {
    const { lane, placed } = house({ fingerprint, why: why ?? '' });
    const isSame = fingerprint !== 'another';
    expect([placed, lane.threadRecord.held_up]).toEqual([[isSame], isSame ? why : null]);
  }
});
