/** When a healthy server may end: the decision as a table, at a given time. */
import { expect, test } from 'vitest';
import { decideRest, type RestView } from '#src/main/routing/resting.ts';

const IDLE: RestView = {
  inFlight: 0,
  wanted: false,
  idleSince: 0,
  largeSince: null,
  idleStopMs: 1000,
};

test.each<[string, Partial<RestView>, number, object]>([
  ['not used for long enough', {}, 1000, { do: 'rest', into: 'idle' }],
  ['not used, but not for long', {}, 400, { do: 'serve', lookAt: 1000 }],
  ['a call in flight', { inFlight: 1 }, 5000, { do: 'serve', lookAt: null }],
  ['somebody relies on it', { wanted: true }, 5000, { do: 'serve', lookAt: null }],
  ['it is never stopped', { idleStopMs: 0 }, 1e9, { do: 'serve', lookAt: null }],
  ['too large and nothing to do', { largeSince: 0 }, 1, { do: 'rest', into: 'restart' }],
  [
    'too large, nothing to do, and never stopped for that',
    { largeSince: 0, idleStopMs: 0, wanted: true },
    1,
    { do: 'rest', into: 'restart' },
  ],
  ['too large and busy', { largeSince: 0, inFlight: 1 }, 4000, { do: 'serve', lookAt: 10_000 }],
  ['for 10 s', { largeSince: 0, inFlight: 1 }, 10_000, { do: 'hold', lookAt: 15_000 }],
  ['in the midst of that', { largeSince: 0, inFlight: 1 }, 14_000, { do: 'hold', lookAt: 15_000 }],
  ['after that', { largeSince: 0, inFlight: 1 }, 15_000, { do: 'serve', lookAt: 40_000 }],
  ['and once more', { largeSince: 0, inFlight: 1 }, 40_000, { do: 'hold', lookAt: 45_000 }],
])('%s', (_what, change, now, expected) => {
  expect(decideRest({ ...IDLE, ...change }, now)).toEqual(expected);
});
