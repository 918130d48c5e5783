/** Calls that wait for their record in the audit log, and those beside them. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Audit, RefusedRequest } from '#src/main/calls/audit.ts';
import type { Call } from '#src/main/calls/call.ts';
import { closeClients, house } from '../../support/calls-house.ts';

afterEach(closeClients);

/** Records everything, and lets a test say when it is on the disk. */
class Disk implements Audit {
  readonly asked: Call[] = [];
  readonly told: string[] = [];
  /** Of the clients. */
  readonly names: (string | null)[] = [];

  begins(call: Call): boolean {
    this.told.push(`begin ${call.subject?.name} ${call.tier}`);
    if (call.tier === 'read') return false;
    call.record = 'asked';
    this.asked.push(call);
    return true;
  }

  ended(call: Call, _server: string, outcome: string, code: string | null): void {
    this.told.push(`end ${call.subject?.name} ${outcome} ${code}`);
    this.names.push(call.clientName);
  }

  refused({ clientName }: RefusedRequest): void {
    this.names.push(clientName);
  }

  event(): void {}

  settle(record: 'kept' | 'failed', count = this.asked.length): void {
    const calls = this.asked.splice(0, count);
    for (const call of calls) call.record = record;
    for (const target of new Set(calls.map((call) => call.target))) target.recordsKept();
  }
}

function world(settings: Parameters<typeof house>[0] = {}, failures = 5) {
  const disk = new Disk();
  const all = house(settings, failures, disk);
  all.ready(1);
  const posted = () =>
    all.calls().map(({ line }) => JSON.parse(Buffer.from(line).toString()).params.name);
  return { ...all, disk, posted };
}

const look = (name = 'look') => ({ name: `echo__${name}` });

describe('a call that writes', () => {
  it('is posted when its record is kept, and not before', () => {
    const { call, disk, posted, reply, calls, answers } = world();
    call('a');
    expect(posted()).toEqual([]);
    disk.settle('kept');
    expect(posted()).toEqual(['say']);
    reply(calls()[0]?.call ?? 0);
    expect(answers).toHaveLength(1);
    expect(disk.told).toEqual(['begin say write', 'end say ok null']);
  });

  it('is refused, not sent, when its record cannot be kept', () => {
    const { call, disk, posted, answers } = world();
    call('a');
    disk.settle('failed');
    expect(posted()).toEqual([]);
    expect(answers).toEqual([{ id: 'a', code: 'ERR_AUDIT_UNAVAILABLE', outcome: 'not_sent' }]);
    expect(disk.told.at(-1)).toBe('end say refused ERR_AUDIT_UNAVAILABLE');
  });

  it('is not sent when HALT is set meanwhile', () => {
    const { call, disk, posted, answers, set } = world();
    call('a');
    set({ halted: true });
    disk.settle('kept');
    expect(posted()).toEqual([]);
    expect(answers).toMatchObject([{ code: 'ERR_HALTED', outcome: 'not_sent' }]);
  });

  it('is not sent when its client cancels it meanwhile', () => {
    const { call, disk, posted, receive } = world();
    call('a');
    receive({ method: 'notifications/cancelled', params: { requestId: 'a' } });
    disk.settle('kept');
    expect(posted()).toEqual([]);
    expect(disk.told.at(-1)).toBe('end say cancelled null');
  });

  it('that is given back unsent is not recorded again', () => {
    const { call, disk, posted, unsent, calls, ready } = world();
    call('a');
    disk.settle('kept');
    unsent(calls()[0]?.call ?? 0, 1);
    ready(2);
    expect(posted()).toEqual(['say', 'say']);
    expect(disk.told).toEqual(['begin say write']);
  });

  it('waits for its server and its record, in either order', () => {
    const { call, disk, posted, died, starting, ready } = world();
    died(1);
    starting(2);
    call('a');
    disk.settle('kept');
    expect(posted()).toEqual([]);
    ready(2);
    expect(posted()).toEqual(['say']);
  });
});

describe('beside a call that waits for its record', () => {
  it('one that reads is not held up, unless it is of the same client', () => {
    const { call, connect, first, disk, posted } = world({ tierOverrides: { look: 'read' } });
    const other = connect();
    first.call('read', look());
    expect(posted()).toEqual(['look']);
    call('write');
    first.call('behind', look());
    other.call('other', look());
    expect(posted()).toEqual(['look', 'look']);
    disk.settle('kept');
    expect(posted()).toEqual(['look', 'look', 'say', 'look']);
  });

  it('those that would be in flight by now take no place of those that wait', () => {
    const { call, disk, posted, answers } = world({ maxConcurrency: 3, maxQueue: 2 });
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) call(id);
    expect(answers).toEqual([{ id: 'f', code: 'ERR_QUEUE_FULL', outcome: 'not_sent' }]);
    disk.settle('kept');
    expect(posted()).toHaveLength(3);
  });

  it('one that comes while a probe is under way is refused at once', () => {
    const { call, disk, posted, answers, died, starting, ready } = world({}, 1);
    died(1);
    starting(2);
    ready(2);
    call('probe');
    disk.settle('kept');
    expect(posted()).toHaveLength(1);
    call('second');
    expect(answers).toMatchObject([{ id: 'second', code: 'ERR_BREAKER_OPEN' }]);
  });
});

it('is recorded under the name that its request gives, and under none where it gives none', () => {
  const { first, receive, disk, reply, calls, router } = world();
  const { call } = first;
  const clientInfo = { name: 'of the handshake', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  receive({ id: 'i', method: 'initialize', params });
  const claimed = (more: object) => ({
    ...look(),
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      ...more,
    },
  });
  const info = { 'io.modelcontextprotocol/clientInfo': { name: 'other' } };
  call('a', claimed(info));
  call('b', claimed({}));
  call('c', look());
  disk.settle('kept');
  for (const { call: id } of calls()) reply(id);
  expect(disk.names).toEqual(['other', null, 'of the handshake 1']);
  router.stopAccepting();
  call('d', claimed(info));
  call('e', claimed({}));
  call('f', look());
  expect(disk.names.slice(3)).toEqual(['other', null, 'of the handshake 1']);
});
