import { expect, test } from 'vitest';
import { free, own } from '#src/main/calls/owned-lines.ts';

const LARGE = 100_000;
const line = (bytes = LARGE) => Buffer.allocUnsafeSlow(bytes).fill('x');

test('an owned line is freed with all its parts, and what is written beside it stays', () => {
  const owned = line();
  const other = line();
  own(owned);
  free([owned.subarray(0, 10), Buffer.from('7'), owned.subarray(11), other]);
  expect(owned.length).toBe(0);
  expect(owned.buffer.byteLength).toBe(0);
  expect(other.length).toBe(LARGE);
});

test('what nobody gave away is not freed, nor what is small', () => {
  const [kept, small] = [line(), line(100)];
  own(small);
  free([kept, small]);
  expect([kept.length, small.length]).toEqual([LARGE, 100]);
});

test('it is freed once, and memory given to somebody else since is not touched', () => {
  const owned = line();
  own(owned);
  free([owned]);
  const next = line();
  free([owned, next]);
  expect(next.length).toBe(LARGE);
});
