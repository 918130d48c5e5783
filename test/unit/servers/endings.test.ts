/** Lanes on their way out, on threads that only remember what they were sent. */

import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CallOwner, newCall } from '#src/main/calls/call.ts';
import { CallTable } from '#src/main/calls/call-table.ts';
import { Rates } from '#src/main/calls/gate/rate.ts';
import { NO_OBSERVER } from '#src/main/calls/observer.ts';
import { Catalogs } from '#src/main/catalog/catalogs.ts';
import type { PriorityQueue } from '#src/main/processes/priority/priority-queue.ts';
import { Endings } from '#src/main/servers/endings.ts';
import { NOBODY_LISTENS } from '#src/main/servers/events.ts';
import { Lane } from '#src/main/servers/lane.ts';
import { LaneMessages } from '#src/main/servers/lane-messages.ts';
import { LaneTable } from '#src/main/servers/lane-table.ts';
import { Offenders } from '#src/main/servers/offenders.ts';
import { StartTickets } from '#src/main/servers/start-tickets.ts';
import type { Placement } from '#src/main/threads/placement.ts';
import { ByteCredit } from '#src/shared/memory/byte-credit.ts';
import { IDLE } from '#src/shared/model/idle.ts';
import type { LifecycleMessage } from '#src/shared/protocol/from-supervisor.ts';
import type { ToSupervisor } from '#src/shared/protocol/to-supervisor.ts';
import { NO_AUDIT } from '../../support/no-audit.ts';
import { NO_LOGINS } from '../../support/no-logins.ts';
import { noPins } from '../../support/no-pins.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const client = (answers: string[] = []): CallOwner => ({
  needsDrain: false,
  send: () => {},
  answer: (_call, parts) => answers.push(Buffer.concat(parts).toString()),
});

function house(room = 4) {
  /** What happened to which lane, in that order. */
  const events: string[] = [];
  const leaving = new Map<unknown, () => void>();
  const calls = new CallTable();
  const log = pino({ level: 'silent' });
  const catalogs = new Catalogs({
    servers: [serverConfig('echo')],
    listWaitMs: 0,
    onChange: () => {},
    onCollision: () => {},
  });
  const placement = {
    place: ({ name }: { name: string }) => ({
      shared: false,
      alive: true,
      record: { state: 'running', restarts: 0, heap_mb: null, mates: 0, held_up: null },
      open: () => 0,
      post: ({ type }: ToSupervisor) => {
        if (type === 'stop') events.push(`${name} stops`);
        return true;
      },
    }),
    leave: (_thread: unknown, lane: Lane) => {
      events.push(`${lane.name} leaves`);
      return new Promise<void>((resolve) => leaving.set(lane, resolve));
    },
  };
  const endings = new Endings({
    onDrained: ({ name }) => events.push(`${name} drained`),
    onGone: (lane) => {
      events.push(`${lane.name} gone`);
      lanes.free(lane);
    },
    log,
  });
  const messages = new LaneMessages(
    {
      launcher: { address: () => null, failed: () => {} },
      log,
      observer: NO_OBSERVER,
      audit: NO_AUDIT,
      catalogs,
      definitions: noPins(),
      logins: NO_LOGINS,
      stateWriter: { attach: () => {}, tell: () => {} },
      onChange: () => {},
    },
    {
      endings,
      tickets: new StartTickets<string>(1, { grant: () => {}, rank: () => 0, defers: () => false }),
      events: () => NOBODY_LISTENS,
      stopping: () => false,
      onLane: () => {},
    },
  );
  const lanes: LaneTable = new LaneTable(
    room,
    (place) =>
      new Lane(
        place,
        {
          placement: placement as unknown as Placement,
          credit: ByteCredit.create(room, { softBytes: 1, hardBytes: 1 }),
          calls,
          offenders: new Offenders(() => undefined),
          uses: NOBODY_LISTENS,
          onAwaited: () => {},
          secrets: { former: () => [] },
          halted: () => ({ active: false, reason: null }),
          rates: new Rates(),
          log,
          observer: NO_OBSERVER,
          audit: NO_AUDIT,
          priorities: { canRaise: true } as unknown as PriorityQueue,
          onChange: () => {},
        },
        messages,
      ),
  );
  const open = (lane: string, owner: CallOwner | null = null) =>
    lanes.open({ ...serverConfig('echo'), lane, callTotalTimeoutMs: 600_000 }, owner);
  const tell = (lane: Lane, phase: 'ready' | 'stopped') =>
    lane.onMessage({
      type: 'lifecycle',
      slot: 0,
      server: lane.name,
      incarnation: 1,
      at: IDLE.since,
      event: phase === 'ready' ? { event: 'ready', features: {} } : { event: 'stopped' },
      record: { ...IDLE, phase, incarnation: 1 },
      nextStartInMs: null,
    } as unknown as LifecycleMessage);
  const started = (lane: string, owner: CallOwner | null = null) => {
    const one = open(lane, owner);
    one.begin('{}', false);
    tell(one, 'ready');
    return one;
  };
  const submit = (lane: Lane, owner: CallOwner) => {
    const id = calls.mint();
    const call = newCall({
      id,
      owner,
      idRaw: Buffer.from(String(id)),
      idText: String(id),
      tokenRaw: null,
      target: lane.server,
      method: 'tools/call',
      line: Buffer.from('{}\n'),
      timeoutMs: 600_000,
      totalTimeoutMs: 600_000,
      hooks: { untimed: true },
    });
    calls.add(call);
    lane.server.submit(call);
    return call;
  };
  /** The thread of the lane lets go of it. */
  const left = async (lane: Lane) => {
    leaving.get(lane)?.();
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { events, endings, lanes, open, started, tell, submit, left };
}

type House = ReturnType<typeof house>;

describe('a lane that is removed, replaced, or whose client is gone', () => {
  const own = client();
  test.each<[string, CallOwner | null, boolean, (rea: House, lane: Lane) => void]>([
    ['removed', null, true, ({ endings }, lane) => endings.retire(lane, null)],
    [
      'replaced',
      null,
      true,
      ({ endings, lanes, open }, lane) => {
        lanes.detach(lane);
        endings.retire(lane, open('echo'));
      },
    ],
    ['closed', own, false, ({ endings }, lane) => endings.close(lane)],
  ])('goes through the same stages: %s', async (_how, owner, drains, end) => {
    const rea = house();
    const { events, endings } = rea;
    const name = owner === null ? 'echo' : 'echo#1';
    const lane = rea.started(name, owner);
    const stands = () => [endings.has(lane), endings.count('echo'), endings.blocks('echo', own)];
    expect(stands()).toEqual([false, 0, false]);
    end(rea, lane);
    const begun = drains ? [`${name} drained`, `${name} stops`] : [`${name} stops`];
    expect(events).toEqual(begun);
    expect([stands(), endings.retiring]).toEqual([[true, 1, true], drains ? 1 : 0]);
    rea.tell(lane, 'stopped');
    // Whatever else is told of it now, its thread is asked once.
    endings.stopped(lane);
    expect(events).toEqual([...begun, `${name} leaves`]);
    expect([stands(), endings.retiring]).toEqual([[true, 1, true], drains ? 1 : 0]);
    await rea.left(lane);
    expect(events).toEqual([...begun, `${name} leaves`, `${name} gone`]);
    expect([stands(), endings.retiring]).toEqual([[false, 0, false], 0]);
  });

  test('that was never started is gone without a process', async () => {
    const { events, endings, lanes, open } = house();
    const lane = open('echo#1', own);
    endings.close(lane);
    await Promise.resolve();
    await Promise.resolve();
    expect([events, endings.lanes, lanes.all()]).toEqual([['echo#1 gone'], [], []]);
  });
});

describe('a lane that is removed', () => {
  test('ends its calls first', () => {
    const { events, endings, started, submit } = house();
    const lane = started('echo');
    const call = submit(lane, client());
    endings.retire(lane, null);
    expect([events, lane.running]).toEqual([[], true]);
    call.withdraw('no longer wanted');
    expect(events).toEqual(['echo drained', 'echo stops']);
  });

  test('cuts calls that may take any time once the longest time of a call is over', () => {
    const { events, endings, started, submit } = house();
    const answers: string[] = [];
    const lane = started('echo');
    submit(lane, client(answers));
    endings.retire(lane, null);
    vi.advanceTimersByTime(599_999);
    expect(events).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(events).toEqual(['echo drained', 'echo stops']);
    expect(answers).toHaveLength(1);
    expect(answers[0]).toContain(
      'server \\"echo\\" was removed by a change of the configuration; the call may have been executed',
    );
  });
});

test('a lane of one client blocks no other client of the same server', () => {
  const { endings, started } = house();
  const [one, two] = [client(), client()];
  endings.close(started('echo#1', one));
  expect([endings.blocks('echo', one), endings.blocks('echo', two)]).toEqual([true, false]);
  expect([endings.blocks('echo', null), endings.blocks('other', one)]).toEqual([true, false]);
});

describe('the lanes that there are', () => {
  test('remember the generation of a name that may come again, and nothing of those of clients', () => {
    const { lanes, open } = house();
    for (const [name, owner] of [['echo', null] as const, ['echo#1', client()] as const]) {
      const first = open(name, owner);
      first.opening();
      lanes.detach(first);
      lanes.free(first);
      const again = open(name, owner);
      // 0 is a lane of which nothing is known.
      expect([name, again.generation]).toEqual([name, owner === null ? 2 : 0]);
    }
  });

  test('have room for as many as were allowed, and for another once one is gone', () => {
    const { lanes, open } = house(1);
    const first = open('echo');
    expect(() => open('other')).toThrow('more lanes than the configuration allows');
    lanes.free(first);
    expect(open('other').creditLane).toBe(first.creditLane);
  });

  test('keep the successor of a lane under the same name when the lane is gone', () => {
    const { lanes, open } = house();
    const first = open('echo');
    lanes.detach(first);
    const successor = open('echo');
    lanes.free(first);
    expect(lanes.get('echo')).toBe(successor);
  });
});
