import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  DEFAULT_DRAIN_POLICY,
  type DrainEffect,
  type DrainEvent,
  type DrainState,
  INITIAL_DRAIN,
  step,
} from '#src/shared/machines/drain.ts';

// A safety net for a busy machine: the properties take well under a second each.
vi.setConfig({ testTimeout: 60_000 });

type Name = DrainEvent['type'];

function run(...timeline: readonly (readonly [at: number, event: Name])[]) {
  let state: DrainState = INITIAL_DRAIN;
  const effects: DrainEffect[] = [];
  for (const [at, type] of timeline) {
    const [next, more] = step(DEFAULT_DRAIN_POLICY, at, state, { type });
    state = next;
    effects.push(...more);
  }
  return { state: state.kind, effects, did: effects.map((effect) => effect.type) };
}

const STOP = ['cancelCalls', 'stopServers', 'wake'];
const exitCode = (effects: readonly DrainEffect[]) =>
  effects.flatMap((effect) => (effect.type === 'exit' ? [effect.code] : []));

describe('a signal', () => {
  test('stops accepting and gives the calls in flight their grace', () => {
    const { state, effects } = run([100, 'signal']);
    expect(state).toBe('draining');
    expect(effects).toEqual([{ type: 'stopAccepting' }, { type: 'wake', at: 5100 }]);
  });

  test('stops the servers when the last call has ended', () => {
    const { state, did } = run([0, 'signal'], [300, 'drained']);
    expect(state).toBe('stopping');
    expect(did.slice(2)).toEqual(STOP);
  });

  test('stops the servers when the grace is over, and not before', () => {
    expect(run([0, 'signal'], [4999, 'deadline']).state).toBe('draining');
    expect(run([0, 'signal'], [5000, 'deadline']).state).toBe('stopping');
  });

  test('exits 0 when all servers have stopped', () => {
    const { state, effects } = run([0, 'signal'], [1, 'drained'], [9, 'allStopped']);
    expect(state).toBe('done');
    expect(exitCode(effects)).toEqual([0]);
  });

  test('repeated within a second is the same signal', () => {
    expect(run([0, 'signal'], [1, 'signal'], [999, 'signal']).state).toBe('draining');
    expect(run([0, 'signal'], [1, 'drained'], [999, 'signal']).state).toBe('stopping');
  });

  test.each([
    [
      'while draining',
      [
        [0, 'signal'],
        [1000, 'signal'],
      ],
    ],
    [
      'while stopping',
      [
        [0, 'signal'],
        [1, 'drained'],
        [1000, 'signal'],
      ],
    ],
  ] as const)('a second later sends TERM at once and exits 1 (%s)', (_, timeline) => {
    const { state, effects } = run(...timeline);
    expect(state).toBe('stopping');
    // Servers that are being stopped get no more time than they had.
    const at = timeline.length === 2 ? 1360 : 1161;
    expect(effects.slice(-2)).toEqual([
      { type: 'stopServers', eofMs: 0, termMs: 300 },
      { type: 'wake', at },
    ]);
    expect(exitCode(run(...timeline, [1003, 'allStopped']).effects)).toEqual([1]);
    const killed = run(...timeline, [1360, 'deadline']);
    expect(killed.did).toContain('killAllGroups');
    expect(exitCode(run(...timeline, [1360, 'deadline'], [1420, 'deadline']).effects)).toEqual([1]);
  });

  test('a third one kills all groups, and a fourth does not wait for their end', () => {
    const three = [
      [0, 'signal'],
      [1000, 'signal'],
      [1001, 'signal'],
    ] as const;
    expect(run(...three).state).toBe('killing');
    expect(exitCode(run(...three, [1002, 'signal']).effects)).toEqual([1]);
  });
});

describe('the end of stdin', () => {
  test('lets what was read be answered, for 1.1 s', () => {
    const { state, effects } = run([50, 'eof']);
    expect(state).toBe('answering');
    expect(effects).toEqual([
      { type: 'answerRest', eofMs: 600, termMs: 500 },
      { type: 'wake', at: 50 + 1100 },
    ]);
  });

  test('stops the servers once all is answered', () => {
    const { state, effects } = run([50, 'eof'], [60, 'drained']);
    expect(state).toBe('stopping');
    expect(effects.slice(2)).toEqual([
      { type: 'cancelCalls' },
      { type: 'stopServers', eofMs: 600, termMs: 500 },
      { type: 'wake', at: 60 + 1160 },
    ]);
  });

  test('leaves servers no more time than there is', () => {
    const { effects } = run([0, 'eof'], [1000, 'drained']);
    expect(effects).toContainEqual({ type: 'stopServers', eofMs: 100, termMs: 500 });
  });

  test('sends TERM with the end of input to servers whose calls are still open after 1.1 s', () => {
    expect(run([0, 'eof'], [1099, 'deadline']).state).toBe('answering');
    const { state, effects } = run([0, 'eof'], [1100, 'deadline']);
    expect(state).toBe('stopping');
    expect(effects.slice(2)).toEqual([
      { type: 'cancelCalls' },
      { type: 'stopServers', eofMs: 0, termMs: 500 },
      { type: 'wake', at: 1660 },
    ]);
  });

  test('ends the grace of a signal', () => {
    const { state, effects } = run([0, 'signal'], [100, 'eof']);
    expect(state).toBe('answering');
    expect(effects.at(-1)).toEqual({ type: 'wake', at: 1200 });
    expect(run([0, 'signal'], [4900, 'eof']).effects.at(-1)).toEqual({ type: 'wake', at: 5000 });
  });

  test.each([
    ['while it is answered', [[0, 'eof']]],
    [
      'while servers are stopped',
      [
        [0, 'eof'],
        [0, 'drained'],
      ],
    ],
  ] as const)('followed by a signal sends TERM at once, and exits 0 (%s)', (_, timeline) => {
    const { state, effects } = run(...timeline, [10, 'signal']);
    expect(state).toBe('stopping');
    expect(effects.slice(-2)).toEqual([
      { type: 'stopServers', eofMs: 0, termMs: 300 },
      { type: 'wake', at: 370 },
    ]);
    expect(run(...timeline, [10, 'signal'], [2000, 'signal']).effects).toEqual(effects);
    expect(exitCode(run(...timeline, [10, 'signal'], [20, 'allStopped']).effects)).toEqual([0]);
  });

  test('leaves within 1.8 s even when no server ever stops, and is still a clean stop', () => {
    let now = 0;
    const timeline: [number, Name][] = [[0, 'eof']];
    for (let round = 0; round < 3; round++) {
      const wake = run(...timeline).effects.findLast((effect) => effect.type === 'wake');
      now = wake?.type === 'wake' ? wake.at : Number.NaN;
      timeline.push([now, 'deadline']);
    }
    const { state, effects, did } = run(...timeline);
    expect(state).toBe('done');
    expect(did).toContain('killAllGroups');
    expect(exitCode(effects)).toEqual([0]);
    expect(now).toBeLessThanOrEqual(1800);
  });
});

test('a timer that runs out early is set again', () => {
  const stories: (readonly [number, Name])[][] = [
    [[0, 'signal']],
    [[0, 'eof']],
    [
      [0, 'signal'],
      [1000, 'signal'],
    ],
  ];
  for (const story of stories) {
    const wish = run(...story).effects.at(-1);
    const at = wish?.type === 'wake' ? wish.at : Number.NaN;
    const early = run(...story, [at - 1, 'deadline']);
    expect(early.state).toBe(run(...story).state);
    expect(early.effects).toEqual([...run(...story).effects, { type: 'wake', at }]);
    expect(run(...story, [at, 'deadline']).state).not.toBe(early.state);
  }
});

test('whatever happens: each effect in order, and never stuck', () => {
  const events = fc.constantFrom<Name>('signal', 'eof', 'drained', 'allStopped', 'deadline');
  const order = [
    'stopAccepting',
    'answerRest',
    'cancelCalls',
    'stopServers',
    'killAllGroups',
    'exit',
  ];
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2000), events)), (story) => {
      let now = 0;
      const timeline = story.map(([by, event]) => [(now += by), event] as const);
      const begun = timeline.some(([, event]) => event === 'signal' || event === 'eof');
      // Timers alone must bring every stop that has begun to its end.
      const timers = [10_000, 20_000, 30_000].map((by) => [now + by, 'deadline'] as const);
      const { state, did } = run(...timeline, ...timers);
      // Servers may be told a second time, to hurry.
      const told = did.filter((name) => name !== 'wake' && name !== 'stopServers');
      const steps = told.map((name) => order.indexOf(name));
      const stops = did.filter((name) => name === 'stopServers').length;
      expect(stops).toBeLessThanOrEqual(2);
      expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
      expect(state).toBe(begun ? 'done' : 'running');
    }),
    { numRuns: 2000 },
  );
});
