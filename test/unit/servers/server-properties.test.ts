/** Calls at a server and its successor: what holds after any events in any order. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ServerWorld } from '../../support/server-world.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Mostly ready, so that calls are sent. */
const PHASES = 'ready ready ready ready ready starting backoff draining idle failed'.split(' ');
const which = fc.nat(9);
const side = fc.nat(1);
const command = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('submit' as const), client: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('answer' as const), which, isError: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      which,
      how: fc.constantFrom('unsent' as const, 'lost' as const, 'undeliverable' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(100, 600, 1000, 15_000),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('told' as const),
      side,
      phase: fc.constantFrom(...PHASES),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), side }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('reach' as const), side, on: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('large' as const), side }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('read' as const), client: fc.nat(2), on: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retire' as const), to: fc.boolean() }) },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

function run(world: ServerWorld, one: Command): void {
  const { sides } = world;
  switch (one.do) {
    case 'submit':
      return world.submit(one.client);
    case 'answer':
      return world.answer(one.which, one.isError);
    case 'fail':
      return world.fail(one.which, one.how);
    case 'cancel': {
      const open = world.open();
      open[one.which % Math.max(1, open.length)]?.call.withdraw('no longer wanted');
      return;
    }
    case 'wait':
      return void vi.advanceTimersByTime(one.ms);
    case 'told': {
      const at = sides[one.side] ?? sides[0];
      // A server is ready once it has been started.
      if (one.phase === 'ready') world.told(at, 'starting');
      return world.told(at, one.phase as 'ready');
    }
    case 'lose':
      return world.lose(sides[one.side] ?? sides[0]);
    case 'reach':
      (sides[one.side] ?? sides[0]).reachable = one.on;
      return;
    case 'large':
      return (sides[one.side] ?? sides[0]).server.usage(1000);
    case 'read':
      return world.reads(one.client, one.on);
    case 'retire':
      return world.retire(one.to);
  }
}

const story = fc.array(command, { minLength: 20, maxLength: 80, size: 'max' });

describe('whatever happens, and in whatever order', () => {
  test('each call ends once, is at one server at a time and never at one that is held or down', () => {
    let [posted, answered] = [0, 0];
    fc.assert(
      fc.property(story, (commands) => {
        const world = new ServerWorld();
        for (const one of commands) run(world, one);
        posted += world.posts.length;
        for (const { server } of world.sides) server.abandon('over');
        for (const { call, ends } of world.made) {
          expect([call.id, ends, world.calls.settle(call)]).toEqual([call.id, 1, false]);
          // A call that was cancelled gets no answer.
          expect(world.answers.get(call.idText) ?? 0).toBeLessThanOrEqual(1);
        }
        expect(world.times).toHaveLength(world.made.length);
        for (const { server } of world.sides) {
          expect([server.inFlight, server.record.queued]).toEqual([0, 0]);
        }
        answered += world.answers.size;
      }),
      { numRuns: 300 },
    );
    // Stories in which nothing happens prove nothing.
    expect(posted).toBeGreaterThan(300);
    expect(answered).toBeGreaterThan(300);
  });

  test('a call that nobody has cancelled is answered', () => {
    const calm = story.map((commands) => commands.filter((one) => one.do !== 'cancel'));
    fc.assert(
      fc.property(calm, (commands) => {
        const world = new ServerWorld();
        for (const one of commands) run(world, one);
        for (const { server } of world.sides) server.abandon('over');
        expect([...world.answers.values()]).toEqual(world.made.map(() => 1));
      }),
    );
  });

  test('a server that retires says once that it has ended its calls', () => {
    fc.assert(
      fc.property(story, fc.boolean(), story, (before, to, after) => {
        const world = new ServerWorld();
        for (const one of before) run(world, one);
        world.retire(to);
        for (const one of after) run(world, one);
        const [first] = world.sides;
        first.server.abandon('over');
        first.server.abandon('over');
        expect(first.drained).toBe(1);
      }),
    );
  });

  test('a successor gets every call that waits, once and in the order of its client', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (who, early) => {
          const world = new ServerWorld();
          const [first, second] = world.sides;
          world.told(first, 'starting');
          for (const client of who) world.submit(client);
          if (early) world.told(second, 'starting');
          if (early) world.told(second, 'ready');
          world.retire(true);
          expect([first.server.record.queued, first.drained]).toEqual([0, 1]);
          if (!early) world.told(second, 'starting');
          if (!early) world.told(second, 'ready');
          for (let at = 0; at < who.length; at += 1) world.answer(at, false);
          const of = (client: number) =>
            world.posts.filter((id) => world.made[id / 2 - 1]?.client === client);
          for (const client of [0, 1, 2]) {
            const own = world.made.filter((made) => made.client === client);
            expect(of(client)).toEqual(own.map(({ call }) => call.id));
          }
          expect([...world.answers.values()]).toEqual(who.map(() => 1));
        },
      ),
    );
  });
});

test('a moment without calls is made for a server that is to begin anew, and ends', () => {
  const world = new ServerWorld();
  const [first] = world.sides;
  world.told(first, 'starting');
  world.told(first, 'ready');
  world.submit(0, 60_000);
  first.server.usage(1000);
  vi.advanceTimersByTime(10_000);
  world.submit(1, 60_000);
  expect(world.posts).toEqual([2]);
  vi.advanceTimersByTime(5000);
  expect(world.posts).toEqual([2, 4]);
  world.answer(0, false);
  world.answer(1, false);
  // It has been asked to end now: what comes next is for the process after it.
  world.submit(2, 60_000);
  expect([world.posts, first.takesCalls]).toEqual([[2, 4], false]);
  world.told(first, 'starting');
  world.told(first, 'ready');
  expect(world.posts).toEqual([2, 4, 6]);
});

test('an untimed call is not the probe that all others wait for', () => {
  const world = new ServerWorld();
  const [first] = world.sides;
  world.told(first, 'starting');
  world.told(first, 'ready');
  for (let at = 0; at < 4; at += 1) {
    world.submit(0);
    vi.advanceTimersByTime(1000);
  }
  expect(first.server.record.circuit_state).toBe('open');
  vi.advanceTimersByTime(500);
  world.submit(1, 1000, true);
  expect([world.posts.length, world.answers.get('10')]).toEqual([4, 1]);
  world.submit(1);
  expect(world.posts).toEqual([2, 4, 6, 8, 12]);
});

test('the time of a call that never reached its server is not counted', () => {
  const world = new ServerWorld();
  const [first] = world.sides;
  world.told(first, 'starting');
  world.told(first, 'ready');
  world.submit(0);
  world.submit(0);
  vi.advanceTimersByTime(100);
  world.fail(0, 'refused');
  world.fail(1, 'lost');
  expect(world.times).toEqual([null, 100]);
});
