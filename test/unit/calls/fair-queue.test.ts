import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairQueue } from '#src/main/calls/fair-queue.ts';

interface Item {
  readonly owner: string;
  readonly id: number;
}

const item = (owner: string, id = 0): Item => ({ owner, id });
const all = () => true;

/** Takes everything that may be served, in the order in which it is. */
function drain(queue: FairQueue<string, Item>, mayServe: (owner: string) => boolean = all): string {
  const served: string[] = [];
  for (let next = queue.peek(mayServe); next !== undefined; next = queue.peek(mayServe)) {
    served.push(`${next.owner}${next.id}`);
    queue.take(next);
  }
  return served.join(' ');
}

test('serves clients in turn, each in its own order', () => {
  const queue = new FairQueue<string, Item>();
  for (const n of [1, 2, 3, 4]) queue.push(item('a', n));
  for (const n of [1, 2]) queue.push(item('b', n));
  queue.push(item('c', 1));
  expect(queue.length).toBe(7);
  expect(drain(queue)).toBe('a1 b1 c1 a2 b2 a3 a4');
  expect(queue.length).toBe(0);
});

test('passes over clients that may not be served now', () => {
  const queue = new FairQueue<string, Item>();
  for (const owner of ['a', 'b', 'a', 'b']) queue.push(item(owner, queue.length));
  expect(drain(queue, (owner) => owner !== 'a')).toBe('b1 b3');
  expect(drain(queue)).toBe('a0 a2');
});

test('what is put back comes first', () => {
  const queue = new FairQueue<string, Item>();
  queue.push(item('a', 1));
  queue.push(item('b', 2));
  queue.putBack(item('b', 1));
  queue.putBack(item('c', 1));
  expect(drain(queue)).toBe('c1 b1 a1 b2');
});

test('several that are put back keep their order', () => {
  const queue = new FairQueue<string, Item>();
  queue.push(item('a', 9));
  for (const id of [3, 4, 5]) queue.putBack(item('a', id));
  expect(queue.count((owner) => owner === 'a')).toBe(4);
  expect(drain(queue)).toBe('a3 a4 a5 a9');
});

test('loses nothing and serves nobody twice in a row while another waits', () => {
  const story = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean()), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(story, (events) => {
      const queue = new FairQueue<string, Item>();
      const inside = new Set<Item>();
      let last: string | null = null;
      /** Whether another client waited when the last one was served. */
      let othersWaited = false;
      for (const [n, [owner, serve]] of events.entries()) {
        const next = serve ? queue.peek(all) : undefined;
        if (next === undefined) {
          if (serve) expect(inside.size).toBe(0);
          const one = item(owner, n);
          queue.push(one);
          inside.add(one);
          continue;
        }
        if (othersWaited) expect(next.owner).not.toBe(last);
        queue.take(next);
        inside.delete(next);
        last = next.owner;
        othersWaited = [...inside].some((one) => one.owner !== last);
        expect(queue.length).toBe(inside.size);
      }
      expect(new Set(queue.items())).toEqual(inside);
    }),
  );
});
