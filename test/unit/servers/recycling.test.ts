/** When a healthy server may end: the decision as a table, at a given time. */
import { expect, test } from 'vitest';
import { decideRecycle, type RecycleView } from '#src/main/servers/recycling.ts';

const IDLE: RecycleView = {
  inFlight: 0,
  atWork: false,
  wanted: false,
  idleSince: 0,
  due: null,
  idleStopMs: 1000,
};

const LARGE = { why: 'large', since: 0 } as const;
const MOVING = { why: 'moving', since: 0 } as const;

test.each<[string, Partial<RecycleView>, number, object]>([
  ['not used for long enough', {}, 1000, { do: 'recycle', why: 'unused' }],
  ['not used, but not for long', {}, 400, { do: 'serve', lookAt: 1000 }],
  ['a call in flight', { inFlight: 1 }, 5000, { do: 'serve', lookAt: null }],
  ['somebody relies on it', { wanted: true }, 5000, { do: 'serve', lookAt: null }],
  ['a task at work', { atWork: true }, 5000, { do: 'serve', lookAt: 15_000 }],
  ['it is never stopped', { idleStopMs: 0 }, 1e9, { do: 'serve', lookAt: null }],
  ['too large and nothing to do', { due: LARGE }, 1, { do: 'recycle', why: 'large' }],
  [
    'too large, nothing to do, and never stopped for that',
    { due: LARGE, idleStopMs: 0, wanted: true },
    1,
    { do: 'recycle', why: 'large' },
  ],
  ['too large and busy', { due: LARGE, inFlight: 1 }, 4000, { do: 'serve', lookAt: 10_000 }],
  ['for 10 s', { due: LARGE, inFlight: 1 }, 10_000, { do: 'pause', lookAt: 15_000 }],
  ['in the midst of that', { due: LARGE, inFlight: 1 }, 14_000, { do: 'pause', lookAt: 15_000 }],
  ['after that', { due: LARGE, inFlight: 1 }, 15_000, { do: 'serve', lookAt: 40_000 }],
  ['and once more', { due: LARGE, inFlight: 1 }, 40_000, { do: 'pause', lookAt: 45_000 }],
  ['too large, and a task', { due: LARGE, atWork: true }, 10_000, { do: 'serve', lookAt: 20_000 }],
  [
    'too large, a task and calls: these are not held back',
    { due: LARGE, atWork: true, inFlight: 1 },
    11_000,
    { do: 'serve', lookAt: 21_000 },
  ],
  [
    'too large, and a task for an hour',
    { due: LARGE, atWork: true },
    3_600_000,
    { do: 'recycle', why: 'large' },
  ],
  ['moving, and a task', { due: MOVING, atWork: true }, 59_000, { do: 'serve', lookAt: 69_000 }],
  [
    'moving, and a task for a minute',
    { due: MOVING, atWork: true },
    60_000,
    { do: 'recycle', why: 'moving' },
  ],
  ['moving and nothing to do', { due: MOVING, idleStopMs: 0 }, 1, { do: 'recycle', why: 'moving' }],
  ['moving and busy', { due: MOVING, inFlight: 1 }, 10_000, { do: 'pause', lookAt: 15_000 }],
])('%s', (_what, change, now, expected) => {
  expect(decideRecycle({ ...IDLE, ...change }, now)).toEqual(expected);
});
