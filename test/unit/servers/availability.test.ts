/** Whether calls can be posted to a server: rules that hold after any events in any order. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ABSENT,
  type Availability,
  type AvailabilityEvent,
  phaseOf,
  step,
} from '#src/main/servers/availability.ts';
import type { Phase } from '#src/shared/model/errors.ts';

type Told = Extract<AvailabilityEvent, { type: 'told' }>;

const PHASES: readonly Phase[] = [
  'idle',
  'starting',
  'ready',
  'backoff',
  'draining',
  'stopped',
  'failed',
];

/** Incarnations begin at 1, and a process that was never started is not ready. */
const told: fc.Arbitrary<Told> = fc
  .record({
    type: fc.constant('told' as const),
    phase: fc.constantFrom(...PHASES),
    incarnation: fc.integer({ min: 1, max: 4 }),
    nextStartAt: fc.option(fc.nat(100)),
    drains: fc.boolean(),
    paused: fc.boolean(),
  })
  .map((event) => ({ ...event, drains: event.drains && event.phase === 'draining' }));

const other: fc.Arbitrary<AvailabilityEvent> = fc.oneof(
  fc.record({
    type: fc.constant('returned' as const),
    incarnation: fc.integer({ min: 0, max: 4 }),
  }),
  fc.constantFrom<AvailabilityEvent>({ type: 'recycled' }, { type: 'paused' }, { type: 'resumed' }),
  fc.record({ type: fc.constant('lost' as const), nextStartAt: fc.nat(100) }),
);

const history = fc.array(fc.oneof(told, other), { maxLength: 30 });

/** Checks each step of any history. */
function always(
  check: (before: Availability, event: AvailabilityEvent, after: Availability) => void,
): void {
  fc.assert(
    fc.property(history, (events) => {
      let state = ABSENT;
      for (const event of events) {
        const after = step(state, event);
        check(state, event, after);
        state = after;
      }
    }),
    { numRuns: 500 },
  );
}

const afterAll = (...events: readonly AvailabilityEvent[]) => events.reduce(step, ABSENT);

const says = (phase: Phase, more: Partial<Told> = {}): Told => ({
  type: 'told',
  phase,
  incarnation: 1,
  nextStartAt: null,
  drains: false,
  paused: false,
  ...more,
});

describe('at any time', () => {
  test('calls are posted to an incarnation only that was told to be ready', () => {
    fc.assert(
      fc.property(history, (events) => {
        const ready = new Set<number>();
        let state = ABSENT;
        for (const event of events) {
          state = step(state, event);
          if (event.type === 'told' && event.phase === 'ready') ready.add(event.incarnation);
          if (state.kind === 'down') continue;
          expect(state.incarnation).toBeGreaterThan(0);
          if (state.kind === 'ready') expect(ready).toContain(state.incarnation);
        }
      }),
    );
  });

  test('a server that is held takes no calls before its supervisor has spoken, or the pause is over', () => {
    always((before, event, after) => {
      if (before.kind !== 'held' || after.kind !== 'ready') return;
      const isOver = event.type === 'resumed' && before.why === 'pausing';
      const isTold = event.type === 'told' && event.phase === 'ready' && !event.paused;
      expect([before.why, event, isOver || isTold]).toEqual([before.why, event, true]);
    });
  });

  test('the phase is what was told last, and backoff once the thread is lost', () => {
    fc.assert(
      fc.property(history, (events) => {
        let expected: Phase = 'idle';
        let state = ABSENT;
        for (const event of events) {
          state = step(state, event);
          if (event.type === 'told') expected = event.phase;
          if (event.type === 'lost') expected = 'backoff';
          expect([event, phaseOf(state)]).toEqual([event, expected]);
        }
      }),
    );
  });

  test('a call that another incarnation gives back changes nothing', () => {
    always((before, event, after) => {
      if (event.type !== 'returned' || event.incarnation === before.incarnation) return;
      expect(after).toBe(before);
    });
  });

  test('the next start is known only while no process is there', () => {
    always((_before, event, after) => {
      if (event.type !== 'told' && event.type !== 'lost') return;
      if (after.kind === 'down') expect(after.nextStartAt).toBe(event.nextStartAt);
      else expect(after).not.toHaveProperty('nextStartAt');
    });
  });

  test('only what the supervisor tells names another incarnation', () => {
    always((before, event, after) => {
      const expected = event.type === 'told' ? event.incarnation : before.incarnation;
      expect(after.incarnation).toBe(expected);
    });
  });
});

describe('a process that runs', () => {
  test('that gives a call back is held, also when a pause ends meanwhile', () => {
    const returned = { type: 'returned', incarnation: 1 } as const;
    const held = { kind: 'held', incarnation: 1, why: 'returned' };
    expect(afterAll(says('ready'), returned)).toEqual(held);
    const paused = afterAll(says('ready'), { type: 'paused' }, returned);
    expect([paused, step(paused, { type: 'resumed' })]).toEqual([held, held]);
  });

  test('that was asked to end is held, and no pause that ends makes it ready', () => {
    const recycled = afterAll(says('ready'), { type: 'paused' }, { type: 'recycled' });
    expect(recycled).toEqual({ kind: 'held', incarnation: 1, why: 'recycling' });
    expect(step(recycled, { type: 'resumed' })).toBe(recycled);
    expect(step(recycled, { type: 'returned', incarnation: 1 })).toBe(recycled);
  });

  test('is held while it ends to begin anew, and down while it ends for good', () => {
    const drains = afterAll(says('ready'), says('draining', { drains: true }));
    expect(drains).toEqual({ kind: 'held', incarnation: 1, why: 'draining' });
    // What is told in the meantime does not say again why it ends.
    expect(step(drains, says('draining'))).toEqual(drains);
    expect(step(drains, says('idle'))).toMatchObject({ kind: 'down', phase: 'idle' });
    expect(afterAll(says('ready'), says('draining'))).toMatchObject({
      kind: 'down',
      phase: 'draining',
    });
  });

  test('stays paused while its supervisor tells of something else', () => {
    const paused = afterAll(says('ready'), { type: 'paused' });
    expect(step(paused, says('ready', { paused: true }))).toEqual(paused);
    expect(step(paused, { type: 'resumed' })).toEqual({ kind: 'ready', incarnation: 1 });
  });
});
