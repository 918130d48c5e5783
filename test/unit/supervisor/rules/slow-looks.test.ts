/** Looks at file systems that may not answer: bounded in number and in time, in the whole process. */
import { expect, test } from 'vitest';
import { LookupSlots } from '#src/shared/memory/lookup-slots.ts';
import { SlowLooks } from '#src/workers/supervisor/rules/slow-looks.ts';

const never = () => new Promise<void>(() => {});
const at = async () => {};

test('one at a time on each mount, in order, and all are made', async () => {
  const looks = new SlowLooks(LookupSlots.create(), 1);
  const seen: number[] = [];
  let running = 0;
  const look = (number: number) => async () => {
    running += 1;
    expect(running).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(number);
    running -= 1;
  };
  const done = await Promise.all([1, 2, 3, 4, 5].map((number) => looks.look(7, look(number))));
  expect(done).toEqual(Array(5).fill(true));
  expect(seen).toEqual([1, 2, 3, 4, 5]);
});

test('one that is silent is not waited for, and holds up no other mount', async () => {
  const slots = LookupSlots.create();
  const looks = new SlowLooks(slots, 1);
  const silent = looks.look(3, never);
  const behind = looks.look(3, at);
  expect(await looks.look(4, at)).toBe(true);
  expect(await silent).toBe(false);
  expect(await behind).toBe(false);
  // Its place stays taken, for other threads too.
  expect(await new SlowLooks(slots, 2).look(3, at)).toBe(false);
  expect(slots.busy).toBe(true);
  slots.release(1);
  expect(slots.busy).toBe(false);
  expect(await new SlowLooks(slots, 2).look(3, at)).toBe(true);
});

test('a late answer frees its place', async () => {
  const slots = LookupSlots.create();
  const looks = new SlowLooks(slots, 1);
  let answer = () => {};
  const late = looks.look(3, () => new Promise<void>((resolve) => (answer = resolve)));
  expect(await late).toBe(false);
  answer();
  expect(await looks.look(3, at)).toBe(true);
  expect(slots.busy).toBe(false);
});

test('leaves one thread of the pool to everybody else, however many mounts are dead', () => {
  const slots = LookupSlots.create();
  const taken = Array.from({ length: 100 }, (_, mount) => slots.take(mount, 1 + mount)).filter(
    Boolean,
  );
  expect(taken).toHaveLength(3);
});
