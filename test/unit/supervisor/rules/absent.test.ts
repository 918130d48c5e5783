/** Names that are remembered as absent are absent. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LookupSlots } from '#src/shared/memory/lookup-slots.ts';
import { Absent } from '#src/workers/supervisor/rules/absent.ts';
import { Lookups } from '#src/workers/supervisor/rules/lookups.ts';
import { Mounts } from '#src/workers/supervisor/rules/mounts.ts';
import { OddNames } from '#src/workers/supervisor/rules/odd-names.ts';
import { Rights } from '#src/workers/supervisor/rules/rights.ts';
import { SlowLooks } from '#src/workers/supervisor/rules/slow-looks.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rea-absent-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true, force: true });
});

/** Each time in a check of its own. */
function lacks(absent: Absent, name: string): boolean {
  const looks = {
    mounts: new Mounts(() => ''),
    slow: new SlowLooks(LookupSlots.create(), 1),
    odd: new OddNames(),
  };
  const lookups = new Lookups(looks, new Rights(() => null), null);
  return absent.lacks(name, lookups);
}

/** As seen ten seconds from now, when the directory has been quiet for long. */
function later(): Absent {
  const now = Date.now();
  vi.spyOn(Date, 'now').mockReturnValue(now + 10_000);
  const absent = new Absent(dir, new Mounts(() => ''));
  absent.refresh();
  return absent;
}

test('a name that comes is there at the next refresh', () => {
  const absent = later();
  expect(lacks(absent, 'a')).toBe(true);
  writeFileSync(join(dir, 'a'), '');
  // It was looked for before that, which is all that is promised until then.
  expect(lacks(absent, 'a')).toBe(true);
  absent.refresh();
  expect(lacks(absent, 'a')).toBe(false);
});

test('also when the times of the directory are set back', () => {
  const old = new Date(Date.now() - 3_600_000);
  utimesSync(dir, old, old);
  const absent = later();
  expect(lacks(absent, 'a')).toBe(true);
  mkdirSync(join(dir, 'a'));
  utimesSync(dir, old, old);
  absent.refresh();
  expect(lacks(absent, 'a')).toBe(false);
});

test('also when another directory is in its place', () => {
  const absent = later();
  expect(lacks(absent, 'a')).toBe(true);
  rmSync(dir, { recursive: true });
  mkdirSync(join(dir, 'a'), { recursive: true });
  absent.refresh();
  expect(lacks(absent, 'a')).toBe(false);
});

test('nothing is remembered of a directory that has just changed', () => {
  const absent = new Absent(dir, new Mounts(() => ''));
  absent.refresh();
  expect(lacks(absent, 'a')).toBe(true);
  writeFileSync(join(dir, 'a'), '');
  expect(lacks(absent, 'a')).toBe(false);
});

test('names on the way to guarded places are never said to be absent', () => {
  const absent = later();
  absent.except(new Set(['.local']));
  expect(lacks(absent, '.LOCAL')).toBe(false);
  expect(lacks(absent, 'x'.repeat(300))).toBe(true);
});
