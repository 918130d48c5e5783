/** Names that are remembered as absent are absent. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Absent } from '#src/workers/supervisor/rules/absent.ts';
import { Mounts } from '#src/workers/supervisor/rules/mounts.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rea-absent-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true, force: true });
});

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
  expect(absent.lacks('a')).toBe(true);
  writeFileSync(join(dir, 'a'), '');
  // It was looked for before that, which is all that is promised until then.
  expect(absent.lacks('a')).toBe(true);
  absent.refresh();
  expect(absent.lacks('a')).toBe(false);
});

test('also when the times of the directory are set back', () => {
  const old = new Date(Date.now() - 3_600_000);
  utimesSync(dir, old, old);
  const absent = later();
  expect(absent.lacks('a')).toBe(true);
  mkdirSync(join(dir, 'a'));
  utimesSync(dir, old, old);
  absent.refresh();
  expect(absent.lacks('a')).toBe(false);
});

test('also when another directory is in its place', () => {
  const absent = later();
  expect(absent.lacks('a')).toBe(true);
  rmSync(dir, { recursive: true });
  mkdirSync(join(dir, 'a'), { recursive: true });
  absent.refresh();
  expect(absent.lacks('a')).toBe(false);
});

test('nothing is remembered of a directory that has just changed', () => {
  const absent = new Absent(dir, new Mounts(() => ''));
  absent.refresh();
  expect(absent.lacks('a')).toBe(true);
  writeFileSync(join(dir, 'a'), '');
  expect(absent.lacks('a')).toBe(false);
});

test('names on the way to guarded places are never said to be absent', () => {
  const absent = later();
  absent.except(new Set(['.local']));
  expect(absent.lacks('.LOCAL')).toBe(false);
  expect(absent.lacks('x'.repeat(300))).toBe(true);
});
