/** What is known of guarded places is known to whoever shares the memory, and to nobody is less known later. */
import { expect, test } from 'vitest';
import { KnownPlaces } from '#src/shared/memory/known-places.ts';

const one = { dev: 2, ino: 3, born: 4.5 };

test('is what it was added as, with each of its numbers, in every thread', () => {
  const known = KnownPlaces.create();
  const elsewhere = new KnownPlaces(known.buffer);
  expect(elsewhere.has('guarded', one)).toBe(false);
  known.add('guarded', one);
  expect(elsewhere.has('guarded', { ...one })).toBe(true);
  expect(elsewhere.has('holder', one)).toBe(false);
  for (const other of [{ dev: 3 }, { ino: 4 }, { born: 4 }]) {
    expect(elsewhere.has('guarded', { ...one, ...other })).toBe(false);
  }
  elsewhere.add('holder', one);
  expect(known.has('holder', one)).toBe(true);
});

test('what was known first is known for ever, whatever comes', () => {
  const known = KnownPlaces.create();
  // A number that no 32 bits hold.
  const first = { dev: 2 ** 40, ino: 2 ** 50 + 1, born: 1_700_000_000_000.25 };
  known.add('guarded', first);
  for (let ino = 0; ino < 5000; ino += 1) {
    // Twice is once.
    for (let times = 0; times < 2; times += 1) known.add('guarded', { dev: 1, ino, born: 0 });
  }
  expect(known.has('guarded', first)).toBe(true);
  expect(known.has('guarded', { dev: 1, ino: 1000, born: 0 })).toBe(true);
  expect(known.has('guarded', { dev: 1, ino: 4999, born: 0 })).toBe(false);
});
