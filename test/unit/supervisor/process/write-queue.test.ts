/** Lines on their way to a child: what is written together, and what can still be taken back. */
import { PassThrough, Writable } from 'node:stream';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { WriteQueue } from '#src/workers/supervisor/process/write-queue.ts';

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

test('behind a child that does not read, nothing more is handed over, and all can be taken back', async () => {
  const written: string[] = [];
  const world: { taken: (() => void) | null } = { taken: null };
  const pipe = new Writable({
    write: (chunk: Buffer, _encoding, taken) => {
      written.push(chunk.toString());
      world.taken = taken;
    },
  });
  const queue = new WriteQueue(pipe, () => {});
  const push = (from: number, to: number) => {
    for (let at = from; at < to; at += 1) queue.push(Buffer.from(`${at}\n`), at);
  };
  push(0, 32);
  push(32, 100);
  await endOfTurn();
  expect(written).toHaveLength(1);
  expect(queue.calls()).toEqual(range(32, 100));
  expect(queue.withdraw(50)).toBe(true);
  world.taken?.();
  await endOfTurn();
  const lines = written.map((text) => text.split('\n').slice(0, -1).map(Number));
  expect(lines).toEqual([range(0, 32), range(32, 100).filter((at) => at !== 50)]);
  push(100, 140);
  queue.close();
  world.taken?.();
  await endOfTurn();
  expect(written).toHaveLength(2);
  expect(queue.calls()).toEqual(range(100, 140));
});
