/** What a session is told when the shared gateway does not come up. */
import { expect, test } from 'vitest';
import { whyEnded } from '#src/main/relay/reach.ts';

test('one that was killed says nothing itself, so the next step is named', () => {
  expect(whyEnded({ why: 'it has ended with SIGKILL', wasKilled: true })).toBe(
    'it has ended with SIGKILL; rea logs shows what it said last',
  );
  const why = '.rea/registry.yaml:3: servers: a mistake';
  expect(whyEnded({ why, wasKilled: false })).toBe(why);
});
