/** A disk that takes bytes and then cannot keep them: the system says so once, and a second sync would succeed. */
import fs, { readFileSync, statSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { currentSegment } from '#src/shared/model/audit.ts';
import type { AuditStore } from '#src/shared/platform/audit-store.ts';
import { type AuditWorld, auditWorld, body, filled } from '../../support/audit-world.ts';
import { auditEvent, auditWriter, RETRY_MS, SESSION } from '../../support/audit-writer.ts';

const whole = { ...fs };

/** From now on this happens instead of what is asked of the disk; nothing: all is as it was. */
function replace(what: Partial<Pick<typeof fs, 'fdatasyncSync' | 'fsyncSync' | 'ftruncateSync'>>) {
  const { fdatasyncSync, fsyncSync, ftruncateSync } = whole;
  Object.assign(fs, { fdatasyncSync, fsyncSync, ftruncateSync }, what);
  syncBuiltinESMExports();
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] });
});
afterEach(() => {
  replace({});
  vi.useRealTimers();
});

const current = ({ dir }: AuditWorld) => join(dir, currentSegment(SESSION));
const bytes = (world: AuditWorld) => statSync(current(world)).size;
const refuse = (): never => {
  throw Object.assign(new Error('i/o error'), { code: 'EIO', syscall: 'fdatasync' });
};

/** From now on a sync fails, and what was written after `durable` bytes is zeros then. */
function failing(world: AuditWorld, durable: number, more: Parameters<typeof replace>[0] = {}) {
  const sync = () => {
    const size = bytes(world);
    fs.truncateSync(current(world), durable);
    fs.truncateSync(current(world), size);
    refuse();
  };
  replace({ fdatasyncSync: sync, fsyncSync: sync, ...more });
}

function numbers(world: AuditWorld): unknown[] {
  const lines = readFileSync(current(world), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line).metadata.seq ?? null);
}

function begun(world: AuditWorld): AuditStore {
  const store = world.store(SESSION);
  store.append([body(SESSION, 1)]);
  store.sync();
  return store;
}

it('what a failed sync has lost is written again before it is durable', () => {
  const world = auditWorld();
  const store = begun(world);
  const durable = bytes(world);
  store.append([body(SESSION, 2)]);
  failing(world, durable);
  expect(() => store.sync()).toThrow('i/o error');
  expect([store.isDirty, bytes(world)]).toEqual([true, durable]);
  expect(world.verify()).toMatchObject({ records: 2, broken: [], notes: [] });
  replace({});
  store.sync();
  store.append([body(SESSION, 3)]);
  expect(numbers(world)).toEqual([null, 1, 2, 3]);
  expect(world.verify()).toMatchObject({ records: 4, broken: [], notes: [] });
});

it('nothing is written behind what was lost and cannot be cut off yet', () => {
  const world = auditWorld();
  const store = begun(world);
  const durable = bytes(world);
  store.append([body(SESSION, 2)]);
  failing(world, durable, { ftruncateSync: refuse });
  expect(() => store.sync()).toThrow('i/o error');
  const size = bytes(world);
  expect(() => store.append([body(SESSION, 3)])).toThrow('i/o error');
  expect(() => store.rotate()).toThrow('i/o error');
  expect(bytes(world)).toBe(size);
  replace({});
  store.append([body(SESSION, 3)]);
  store.sync();
  expect(numbers(world)).toEqual([null, 1, 2, 3]);
  expect(world.verify()).toMatchObject({ broken: [], notes: [] });
});

it('a segment whose end or beginning was lost is written again as a whole', () => {
  const world = auditWorld();
  const store = filled(world, SESSION);
  const durable = bytes(world);
  store.append([body(SESSION, 16)]);
  failing(world, durable);
  expect(() => store.rotate()).toThrow('i/o error');
  replace({});
  store.rotate();
  store.append([body(SESSION, 17)]);
  failing(world, 0);
  expect(() => store.sync()).toThrow('i/o error');
  expect(bytes(world)).toBe(0);
  expect(world.verify()).toMatchObject({ broken: [], notes: [] });
  replace({});
  store.sync();
  expect(numbers(world)).toEqual([null, 17]);
  expect(world.verify()).toMatchObject({ records: 21, broken: [], notes: [] });
});

it('a writer says that records are committed when they are written again, and counts them once', () => {
  const world = auditWorld();
  const { writer, posted, last, close } = auditWriter(world);
  writer.start();
  const tell = (seq: number) =>
    writer.take({ type: 'batch', known: [], items: [auditEvent(seq)], rows: 0, bytes: null });
  tell(1);
  vi.advanceTimersByTime(10);
  expect(last()).toMatchObject({ type: 'committed', seq: 1 });
  failing(world, 0);
  // A second later it is to be durable.
  vi.advanceTimersByTime(1000);
  expect(last()).toMatchObject({ type: 'failing', seq: 1, error: 'EIO: i/o error' });
  for (let seq = 2; seq < 5; seq += 1) {
    tell(seq);
    vi.advanceTimersByTime(RETRY_MS);
    expect([last()?.type, bytes(world)]).toEqual(['failing', 0]);
  }
  replace({});
  vi.advanceTimersByTime(RETRY_MS);
  expect(last()).toMatchObject({ type: 'committed', seq: 4, lost: 0 });
  expect(close()).toBeNull();
  expect(numbers(world)).toEqual([null, 1, 2, 3, 4]);
  expect(world.verify()).toMatchObject({ records: 5, broken: [], notes: [] });
  const counted = posted.flatMap((one) => (one.type === 'committed' ? one.records : []));
  expect(counted.reduce((sum, one) => sum + one, 0)).toBe(4);
});

it('a writer holds no more than 20,000 records for a disk that takes them and cannot keep them', () => {
  const world = auditWorld();
  const { writer, last, close } = auditWriter(world);
  writer.start();
  failing(world, 0);
  const tell = (from: number, count: number) => {
    const items = Array.from({ length: count }, (_, n) => auditEvent(from + n));
    writer.take({ type: 'batch', known: [], items, rows: 0, bytes: null });
  };
  vi.advanceTimersByTime(1000);
  tell(1, 15_000);
  vi.advanceTimersByTime(RETRY_MS);
  tell(15_001, 10_000);
  vi.advanceTimersByTime(RETRY_MS);
  expect(last()).toMatchObject({ type: 'failing', seq: 25_000, lost: 5000 });
  replace({});
  expect(close()).toBeNull();
  expect(world.verify()).toMatchObject({ records: 20_002, broken: [] });
});
