/** The loss of a supervisor thread: the suspect, what each server is told, and which servers come back. */
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Tenant } from '#src/main/threads/tenant.ts';
import { Tenants } from '#src/main/threads/tenants.ts';
import { ThreadLoss } from '#src/main/threads/thread-loss.ts';
import { ThreadVitals } from '#src/shared/memory/vitals.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

/** A thread of four slots with these servers, and what its loss has done, in order. */
function thread(...servers: { name: string; retired?: boolean }[]) {
  const done: string[] = [];
  const tenants = new Tenants(4);
  const vitals = ThreadVitals.create(4);
  for (const { name, retired = false } of servers) {
    const tenant: Tenant = {
      config: { ...serverConfig(name), lane: name },
      creditLane: 0,
      retired,
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
      onKilled: (incarnation) => done.push(`${name} ${incarnation} killed`),
      onLost: (why, _detail, ms) => done.push(`${name} ${why} ${ms}`),
      onTooBusy: () => {},
      onEvicted: (ms) => done.push(`${name} evicted ${ms}`),
    };
    tenants.add(tenant);
  }
  const log = pino({ base: null }, { write: (line) => void done.push(JSON.parse(line).msg) });
  const endGroup = async ({ pgid }: { pgid: number }) => void done.push(`end ${pgid}`);
  return { done, tenants, vitals, losing: { tenants, vitals, endGroup, log } };
}

const names = (tenants: Tenants) => tenants.all().map(({ config }) => config.name);

test('the server that the thread worked for waits and goes, the others come back at once', () => {
  const { done, tenants, vitals, losing } = thread({ name: 'a' }, { name: 'b' }, { name: 'c' });
  vitals.begin(1);
  const loss = ThreadLoss.ofRunning(losing, 'stalled');
  loss.announce('stuck', 500, 1000);
  expect(done.splice(0)).toEqual([
    'a supervisor thread stalled; replacing it',
    'a stalled 0',
    'b stalled 500',
    'c stalled 0',
  ]);
  expect(loss.evict(1200)).toBe(0);
  expect(done).toEqual(['b evicted 300']);
  expect(names(tenants)).toEqual(['a', 'c']);
});

test.each([
  ['a thread with one server', [{ name: 'a' }], 0],
  ['a thread that worked for none', [{ name: 'a' }, { name: 'b' }], null],
])('%s has no suspect: all wait, and stay', (_what, servers, worksFor) => {
  const { done, tenants, vitals, losing } = thread(...servers);
  if (worksFor !== null) vitals.begin(worksFor);
  const loss = ThreadLoss.ofRunning(losing, 'crashed');
  loss.announce('gone', 500, 1000);
  expect(done.slice(1)).toEqual(servers.map(({ name }) => `${name} crashed 500`));
  expect(loss.evict(1200)).toBe(300);
  expect(names(tenants)).toEqual(servers.map(({ name }) => name));
});

test('a start that was refused is no fault of the server that the last thread worked for', () => {
  const { done, tenants, vitals, losing } = thread({ name: 'a' }, { name: 'b' });
  vitals.begin(0);
  const loss = ThreadLoss.ofStart(losing);
  loss.announce('no more threads', 500, 1000);
  expect(done.slice(1)).toEqual(['a crashed 500', 'b crashed 500']);
  expect(loss.evict(2000)).toBe(0);
  expect(names(tenants)).toEqual(['a', 'b']);
});

test('a retired server does not come back, suspect or not, and with it alone nothing is replaced', () => {
  const { done, tenants, vitals, losing } = thread(
    { name: 'a', retired: true },
    { name: 'b', retired: true },
  );
  vitals.begin(0);
  const loss = ThreadLoss.ofRunning(losing, 'crashed');
  loss.announce('gone', 500, 1000);
  loss.evict(1200);
  expect(done).toEqual(['a supervisor thread crashed', 'a crashed 500', 'b crashed 0']);
  expect(tenants.size).toBe(0);
});

test('recorded process groups are ended once, with or without their server', () => {
  const { done, vitals, losing } = thread({ name: 'a' });
  vitals.setGroup(0, { pgid: 70, incarnation: 3, startTime: 1n });
  vitals.setGroup(2, { pgid: 72, incarnation: 5, startTime: 1n });
  const loss = ThreadLoss.ofRunning(losing, 'crashed');
  void loss.endChildren();
  expect(done).toEqual(['end 70', 'a 3 killed', 'end 72']);
  void loss.endChildren();
  expect(done).toHaveLength(3);
});
