/** The writer of the audit log beside a disk that fails: what it holds, what it gives up, and that it says so. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { currentSegment } from '#src/shared/model/audit.ts';
import { auditWorld } from '../../support/audit-world.ts';
import {
  auditEvent as event,
  RETRY_MS,
  SESSION,
  auditWriter as writerOf,
} from '../../support/audit-writer.ts';

/** As many as are held. */
const MOST = 20_000;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'],
  });
});
afterEach(() => void vi.useRealTimers());

it('holds 20,000 records for a disk that fails, gives up the oldest, and records the gap', () => {
  const world = auditWorld();
  rmSync(world.dir, { recursive: true });
  const { writer, last, logged, close } = writerOf(world);
  writer.start();
  expect(last()).toMatchObject({ type: 'failing', lost: 0 });
  const items = Array.from({ length: MOST + 1 }, (_, n) => event(n + 1));
  writer.take({ type: 'batch', items: items.slice(0, MOST), known: [], rows: 0, bytes: null });
  vi.advanceTimersByTime(RETRY_MS);
  expect(last()).toMatchObject({ type: 'failing', seq: MOST, lost: 0 });
  writer.take({ type: 'batch', items: items.slice(MOST), known: [], rows: 0, bytes: null });
  vi.advanceTimersByTime(RETRY_MS);
  expect(last()).toMatchObject({ type: 'failing', seq: MOST + 1, lost: 1 });
  expect(logged()).toEqual([expect.stringMatching(/^the audit log cannot be written: ENOENT: /)]);

  mkdirSync(world.dir);
  // One batch after the other.
  vi.advanceTimersByTime(RETRY_MS + 10);
  expect(last()).toMatchObject({ type: 'committed', seq: MOST + 1, lost: 1 });
  expect(logged()).toHaveLength(2);
  expect(close()).toBeNull();

  const text = readFileSync(join(world.dir, currentSegment(SESSION)), 'utf8');
  const records = text.trimEnd().split('\n');
  const [segment, gap, ...kept] = records.map((line) => JSON.parse(line));
  expect(segment.metadata.event).toBe('segment');
  expect(gap).toMatchObject({ status: 'error', metadata: { event: 'gap', lost: 1 } });
  expect(kept.map(({ metadata }) => metadata.seq)).toEqual(items.slice(1).map((_, n) => n + 2));
  expect(world.verify()).toMatchObject({ records: MOST + 2, broken: [], notes: [] });
});

it('what a thread has written before it was lost is not written again by the next one', () => {
  const world = auditWorld();
  const first = writerOf(world);
  first.writer.start();
  first.writer.take({
    type: 'batch',
    known: [],
    items: [1, 2, 3].map(event),
    rows: 0,
    bytes: null,
  });
  vi.advanceTimersByTime(10);
  expect(first.last()).toMatchObject({ type: 'committed', seq: 3 });
  // It ends here, and main has heard of none of these.
  const next = writerOf(world);
  const items = [1, 2, 3, 4, 5].map(event);
  next.writer.start();
  next.writer.take({ type: 'batch', known: [], items: items.slice(0, 4), rows: 0, bytes: null });
  next.writer.take({ type: 'batch', known: [], items: items.slice(4), rows: 0, bytes: null });
  vi.advanceTimersByTime(10);
  expect(next.last()).toMatchObject({ type: 'committed', seq: 5 });
  expect(next.close()).toBeNull();
  const text = readFileSync(join(world.dir, currentSegment(SESSION)), 'utf8');
  const records = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(records.map(({ metadata }) => metadata.seq ?? null)).toEqual([null, 1, 2, 3, 4, 5]);
  expect(world.verify()).toMatchObject({ broken: [] });
});
