/** Lines on their way to a child: what is written together, and what can still be taken back. */
import { PassThrough } from 'node:stream';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { WriteQueue } from '#src/workers/supervisor/write-queue.ts';

function house() {
  const pipe = new PassThrough();
  const written: string[] = [];
  pipe.on('data', (chunk: Buffer) => written.push(chunk.toString()));
  const queue = new WriteQueue(pipe, () => {});
  const push = (from: number, to: number) => {
    for (let at = from; at < to; at += 1) queue.push(Buffer.from(`${at}\n`), at);
  };
  const numbers = () => written.map((text) => text.split('\n').slice(0, -1).map(Number));
  return { queue, push, numbers };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

test('few lines of one turn are written together at its end, and can be taken back until then', async () => {
  const { queue, push, numbers } = house();
  push(0, 5);
  expect(queue.withdraw(3)).toBe(true);
  expect(queue.calls()).toEqual([0, 1, 2, 4]);
  await endOfTurn();
  await endOfTurn();
  expect(numbers()).toEqual([[0, 1, 2, 4]]);
  expect([queue.bytes, queue.calls(), queue.withdraw(0)]).toEqual([0, [], false]);
});

test('of many the child gets a part at once, and the rest in its order', async () => {
  const { queue, push } = house();
  push(0, 40);
  expect(queue.calls()).toEqual(range(32, 40));
  expect(queue.withdraw(5)).toBe(false);
});

test('none is lost or doubled, however many there are', async () => {
  const { queue, push, numbers } = house();
  push(0, 100);
  while (queue.bytes > 0) await endOfTurn();
  push(100, 130);
  while (queue.bytes > 0) await endOfTurn();
  await endOfTurn();
  expect(numbers().flat()).toEqual(range(0, 130));
});
