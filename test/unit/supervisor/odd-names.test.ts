/** Listings are kept only as long as nothing can have come. */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { OddNames } from '#src/workers/supervisor/rules/odd-names.ts';

let dir: string;
let listed: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rea-odd-'));
  listed = 0;
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true, force: true });
});

function like(odd: OddNames, name: string): readonly string[] | null {
  const { dev, ino, ctimeMs: changedAt } = statSync(dir);
  return odd.like<null>(name, dir, { dev, ino, changedAt }, () => {
    listed += 1;
    return readdirSync(dir);
  });
}

/** Ten seconds from now directories have been quiet for long. */
function later(): void {
  const now = Date.now();
  vi.spyOn(Date, 'now').mockReturnValue(now + 10_000);
}

test('those of a directory that is quiet are read once, and again when it has changed', () => {
  const odd = new OddNames();
  later();
  writeFileSync(join(dir, 'e\u0301'), '');
  for (const name of ['\u00e9', '\u00c9', 'e\u0301']) expect(like(odd, name)).toEqual(['e\u0301']);
  expect(like(odd, 'e')).toEqual([]);
  expect(listed).toBe(1);
  writeFileSync(join(dir, '\u212a'), '');
  expect(like(odd, 'k')).toEqual(['\u212a']);
  expect(listed).toBe(2);
});

test('those of a directory that has just changed are read each time', () => {
  const odd = new OddNames();
  expect(like(odd, '\u00e9')).toEqual([]);
  expect(like(odd, '\u00e9')).toEqual([]);
  expect(listed).toBe(2);
});

test('all that may be taken for it are told, and what is no list is told as it is', () => {
  const odd = new OddNames();
  const names = ['\u00e9e\u0301', 'e\u0301\u00e9', 'plain', 'PLAIN'];
  for (const name of names) writeFileSync(join(dir, name), '');
  expect(like(odd, '\u00e9\u00e9')?.toSorted()).toEqual(names.slice(0, 2).toSorted());
  expect(like(odd, 'Plain')).toEqual([]);
  const directory = { dev: 0, ino: 0, changedAt: 0 };
  expect(odd.like('x', '/nowhere', directory, () => null)).toBeNull();
});

test('however many directories are asked for, what was told stays true', () => {
  const odd = new OddNames();
  later();
  for (let at = 0; at < 600; at += 1) {
    const directory = { dev: 1, ino: at, changedAt: 0 };
    expect(odd.like('\u00e9', `/x/${at}`, directory, () => [`e\u0301`])).toEqual(['e\u0301']);
    const many = Array.from({ length: 40 }, (_, one) => `\u00fc${one}`);
    expect(odd.like('\u00e9', `/y/${at}`, directory, () => many)).toEqual([]);
  }
});
