import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { defaultStartLimit, StartTickets } from '#src/main/servers/start-tickets.ts';

// A safety net for a busy machine: the properties take well under a second each.
vi.setConfig({ testTimeout: 60_000 });

/** @param ranks of holders; others are equal. */
function tickets(
  limit: number,
  ranks: Readonly<Record<string, number>> = {},
  deferring: ReadonlySet<string> = new Set(),
) {
  const granted: string[] = [];
  const desk = new StartTickets<string>(limit, {
    grant: (holder) => granted.push(holder),
    rank: (holder) => ranks[holder] ?? 0,
    defers: (holder) => deferring.has(holder),
  });
  return { granted, desk };
}

test('gives out as many tickets as there are and the rest in order', () => {
  const { desk, granted } = tickets(2);
  for (const holder of ['a', 'b', 'c', 'd']) desk.want(holder);
  expect(granted).toEqual(['a', 'b']);
  desk.giveBack('b');
  expect(granted).toEqual(['a', 'b', 'c']);
  desk.giveBack('a');
  expect(granted).toEqual(['a', 'b', 'c', 'd']);
});

test('serves first who is needed most at that moment', () => {
  const ranks: Record<string, number> = { b: 5, c: 7 };
  const { desk, granted } = tickets(1, ranks);
  for (const holder of ['a', 'b', 'c', 'd']) desk.want(holder);
  ranks['d'] = Number.POSITIVE_INFINITY;
  for (const holder of ['a', 'd', 'c', 'b']) desk.giveBack(holder);
  expect(granted).toEqual(['a', 'd', 'c', 'b']);
});

test('leaves the last ticket to those that do not come back from a crash, or are needed', () => {
  const deferring = new Set(['a', 'b', 'c']);
  const { desk, granted } = tickets(2, {}, deferring);
  for (const holder of ['a', 'b', 'c']) desk.want(holder);
  expect(granted).toEqual(['a']);
  desk.want('new');
  expect(granted).toEqual(['a', 'new']);
  desk.giveBack('new');
  expect(granted).toEqual(['a', 'new']);
  deferring.delete('c');
  desk.giveBack('nobody');
  desk.reconsider();
  expect(granted).toEqual(['a', 'new', 'c']);
  desk.want('newer');
  desk.giveBack('a');
  // One of them may start beside one that is new; the next in the order is the one that has waited longer.
  expect(granted).toEqual(['a', 'new', 'c', 'b']);
  desk.giveBack('c');
  expect(granted).toEqual(['a', 'new', 'c', 'b', 'newer']);
});

test('lets those that come back from a crash start one by one where there is one ticket', () => {
  const { desk, granted } = tickets(1, {}, new Set(['a', 'b']));
  for (const holder of ['a', 'b']) desk.want(holder);
  desk.giveBack('a');
  expect(granted).toEqual(['a', 'b']);
});

test('has each holder at most once, waiting or holding', () => {
  const { desk, granted } = tickets(1);
  for (const holder of ['a', 'a', 'b', 'b', 'a']) desk.want(holder);
  expect([desk.holding, desk.waiting]).toEqual([1, 1]);
  desk.giveBack('a');
  desk.giveBack('b');
  expect(granted).toEqual(['a', 'b']);
  expect([desk.holding, desk.waiting]).toEqual([0, 0]);
});

test('a request withdrawn is never granted', () => {
  const { desk, granted } = tickets(1);
  for (const holder of ['a', 'b', 'c']) desk.want(holder);
  desk.giveBack('b');
  desk.giveBack('a');
  expect(granted).toEqual(['a', 'c']);
});

test('a ticket returned twice is one ticket', () => {
  const { desk, granted } = tickets(1);
  for (const holder of ['a', 'b', 'c']) desk.want(holder);
  desk.giveBack('a');
  desk.giveBack('a');
  expect(granted).toEqual(['a', 'b']);
});

test('forgets a holder that is gone, and its ticket is free', () => {
  const { desk, granted } = tickets(1);
  for (const holder of ['a', 'b', 'c']) desk.want(holder);
  desk.forget('b');
  desk.forget('a');
  desk.forget('nobody');
  expect(granted).toEqual(['a', 'c']);
});

test('may be called back from within the grant', () => {
  const granted: number[] = [];
  const desk = new StartTickets<number>(1, {
    rank: () => 0,
    defers: () => false,
    grant: (holder) => {
      granted.push(holder);
      if (holder < 50) desk.want(holder + 1);
      desk.giveBack(holder);
    },
  });
  desk.want(0);
  expect(granted).toEqual(Array.from({ length: 51 }, (_, holder) => holder));
});

test('never exceeds the limit, never lets a ticket lie while someone waits, keeps the order', () => {
  const action = fc.tuple(fc.constantFrom('want', 'giveBack', 'forget'), fc.nat(9));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(action, { maxLength: 60, size: 'max' }),
      (limit, story) => {
        const holding = new Set<number>();
        let queue: number[] = [];
        const desk = new StartTickets<number>(limit, {
          rank: () => 0,
          defers: () => false,
          grant: (holder) => {
            assert.equal(queue.shift(), holder);
            holding.add(holder);
          },
        });
        for (const [what, holder] of story) {
          if (what === 'want') {
            if (!holding.has(holder) && !queue.includes(holder)) queue.push(holder);
          } else {
            queue = queue.filter((other) => other !== holder);
            holding.delete(holder);
          }
          desk[what](holder);
          assert.deepEqual([desk.holding, desk.waiting], [holding.size, queue.length]);
          assert.ok(holding.size <= limit);
          if (queue.length > 0) assert.equal(holding.size, limit);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('refuses a limit under which nothing could ever start', () => {
  for (const limit of [0, -1, Number.NaN]) expect(() => tickets(limit)).toThrow(RangeError);
});

test('by default two servers may start at once on the smallest machine', () => {
  expect(defaultStartLimit()).toBeGreaterThanOrEqual(2);
});
