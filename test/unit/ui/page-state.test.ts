/** What the page is told besides what `rea status` says. */
import { expect, test } from 'vitest';
import type { Facts } from '#src/main/status/collect.ts';
import { judgeStatus } from '#src/main/status/verdict.ts';
import { copiesOf, pageState, wereReplaced } from '#src/main/ui/page-state.ts';

const EVIDENCE = {
  now: 0,
  state: { kind: 'absent' },
  owner: 'none',
  pid: null,
  ageMs: null,
  instances: [],
  haltActive: true,
} as const;
const FACTS: Facts = {
  baseDir: '/shop\u202e',
  now: 0,
  evidence: EVIDENCE,
  directoryProblem: null,
  isConfigured: true,
  lastStop: null,
  halt: { active: true, reason: 'over\u202elunch', entry: 'HALT' },
  policy: { profile: null, autonomyLevel: 'L3', floor: null, blockedPaths: 0, problem: null },
  audit: {
    present: false,
    lines: 0,
    lastTimestamp: null,
    tailHashLooksValid: false,
    problem: null,
  },
  olderStates: [],
};
const LIVE = { sessionId: 'one', servers: [], asksOpen: 0, stopping: false };

function headOf(live: Partial<typeof LIVE>): string[] {
  const { head } = pageState(FACTS, judgeStatus(EVIDENCE), { ...LIVE, ...live });
  return head.map(({ text }) => text);
}

test('a gateway that stops, and questions that are open, are said below what status says', () => {
  const known = headOf({});
  expect(known).toContain('HALT: every call is refused: over\u{fffd}lunch');
  expect(headOf({ stopping: true, asksOpen: 1 })).toEqual([
    ...known,
    'the gateway is stopping: calls in flight end first',
    "a call waits for a person's yes; their clients ask for it",
  ]);
  expect(headOf({ asksOpen: 2 }).at(-1)).toMatch(/^2 calls wait /);
});

test('the copies of a server are others once it was replaced, and the same when its process died', () => {
  const lane = (copy: number, pid: number) => ({
    name: 'one',
    copy,
    phase: 'ready',
    pid,
    restarts: 0,
    circuit: 'closed',
    in_flight: 0,
    queued: 0,
    why: null,
    action: null,
  });
  const server = (...lanes: ReturnType<typeof lane>[]) => {
    const rest = { leaving: 0, leaving_calls: 0, tools: null, lazy: false };
    return { name: 'one', state: 'on' as const, lanes, ...rest };
  };
  expect(copiesOf(server(lane(1, 10), lane(2, 11)))).toBe(
    copiesOf(server(lane(1, 20), lane(2, 21))),
  );
  expect(copiesOf(server(lane(3, 10)))).not.toBe(copiesOf(server(lane(1, 10))));
  expect(copiesOf(undefined)).toBe('');
  // A copy for each client: one has left, another one has come, or both.
  const seen = copiesOf(server(lane(1, 10), lane(2, 11)));
  for (const now of [
    [lane(2, 11)],
    [lane(1, 10), lane(2, 11), lane(3, 12)],
    [lane(1, 10), lane(3, 12)],
    [],
  ]) {
    expect(wereReplaced(server(...now), seen)).toBe(false);
  }
  expect(wereReplaced(server(lane(1, 10)), '')).toBe(false);
  expect(wereReplaced(server(lane(3, 10), lane(4, 11)), seen)).toBe(true);
});
