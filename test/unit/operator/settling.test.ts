import { expect, test } from 'vitest';
import type { LaneView, ServerView } from '#src/main/operator/operable.ts';
import { isGone, leavingText, settledOf } from '#src/main/operator/settling.ts';

const lane = (phase: string, why: string | null = null): LaneView => ({
  name: 'one',
  phase,
  pid: null,
  copy: 1,
  restarts: 0,
  circuit: 'closed',
  in_flight: 0,
  queued: 0,
  why,
  action: null,
});
const server = (lanes: LaneView[], more: Partial<ServerView> = {}): ServerView => ({
  name: 'one',
  state: 'on',
  lazy: false,
  lanes,
  leaving: 0,
  leaving_calls: 0,
  tools: null,
  ...more,
});

test.each([
  ['ready', [lane('ready')], {}, 0, 'ready ready'],
  ['starting', [lane('starting')], {}, 0, 'pending starting'],
  ['one of two instances starts', [lane('ready'), lane('starting')], {}, 0, 'pending starting'],
  ['no client has it', [], {}, 0, 'ready starts with its next client'],
  ['idle and not lazy', [lane('idle')], {}, 0, 'pending waits for its turn to start'],
  ['idle and lazy', [lane('idle')], { lazy: true }, 0, 'ready starts at its first call'],
  [
    'its first restart',
    [lane('backoff', 'died')],
    {},
    100,
    'pending has ended, and is started again',
  ],
  ['it dies again and again', [lane('backoff', 'died')], {}, 5000, 'failed died'],
  ['given up', [lane('failed', 'no such program')], {}, 0, 'failed no such program'],
  [
    'the predecessor has calls',
    [lane('ready')],
    { leaving: 1, leaving_calls: 2 },
    0,
    'pending 2 calls in flight end first',
  ],
  [
    'off, and its process still ends',
    [],
    { state: 'off', leaving: 1 },
    0,
    'pending its process ends',
  ],
  ['off', [], { state: 'off' }, 0, 'ready off'],
] as const)('%s', (_what, lanes, more, downMs, wanted) => {
  const settled = settledOf(server([...lanes], more), downMs);
  expect(`${settled.kind} ${settled.kind === 'failed' ? settled.why : settled.text}`).toBe(wanted);
});

test('it is gone when nothing of it runs, whatever the configuration says', () => {
  expect(isGone(undefined)).toBe(true);
  expect(isGone(server([], { state: 'off' }))).toBe(true);
  expect(isGone(server([], { leaving: 1 }))).toBe(false);
  expect(isGone(server([lane('stopped')]))).toBe(false);
  expect(leavingText(server([], { leaving: 1, leaving_calls: 1 }))).toBe(
    '1 call in flight ends first',
  );
});
