/** Large answers one after the other, over a stream that takes them when the test says so. */
import { expect, test } from 'vitest';
import { LargeAnswers } from '#src/main/clients/stdio/large-answers.ts';

test('each is written when the one before has been taken, and what waits is counted', () => {
  const written: number[] = [];
  const taken: (() => void)[] = [];
  const answers = new LargeAnswers((parts, done) => {
    written.push(parts.length);
    taken.push(done);
  });
  const parts = (count: number) => Array.from({ length: count }, () => new Uint8Array(100));
  for (const count of [1, 2, 3]) answers.add(parts(count));
  expect(written).toEqual([1]);
  expect(answers.bytes).toBe(500);
  taken[0]?.();
  expect(written).toEqual([1, 2]);
  expect(answers.bytes).toBe(300);
  taken[1]?.();
  taken[2]?.();
  expect(answers.bytes).toBe(0);
  answers.add(parts(4));
  expect(written).toEqual([1, 2, 3, 4]);
});
