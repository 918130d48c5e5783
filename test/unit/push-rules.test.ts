/** `push_gate`: what off means, and that turning it off is told. */
import { expect, test } from 'vitest';
import { looserPush, modeFor, type PushMode, type PushRule } from '#src/main/push/rules.ts';

const rule = (mode: PushMode, branches: string[] | null = null): PushRule => ({
  mode,
  branches,
  paths: null,
  at: `${mode}:1`,
});
const main = { branch: 'main', paths: () => null };

test('without any word it warns; off holds only where no file says more', () => {
  expect(modeFor([], main)).toEqual({ mode: 'warn', at: null });
  expect(modeFor([rule('off')], main).mode).toBe('off');
  expect(modeFor([rule('off'), rule('warn')], main)).toEqual({ mode: 'warn', at: 'warn:1' });
  expect(modeFor([rule('enforce'), rule('off')], main)).toEqual({
    mode: 'enforce',
    at: 'enforce:1',
  });
  // The rest is warned of, whatever the other file says.
  expect(modeFor([rule('enforce', ['x']), rule('off')], main).mode).toBe('warn');
});

test.each([
  [[], [rule('off')], 'push_gate is off'],
  [[rule('off')], [rule('off')], null],
  [[rule('warn')], [], null],
  [[rule('enforce')], [rule('warn')], 'push_gate is milder (was enforce:1)'],
  [[rule('enforce')], [rule('enforce', ['main'])], 'push_gate is milder (was enforce:1)'],
  [[rule('enforce', ['main'])], [rule('enforce', ['main', 'b'])], null],
  [[rule('enforce', ['main'])], [], 'push_gate is milder (was enforce:1)'],
] as const)('from %j to %j is told as %s', (before, after, told) => {
  expect(looserPush(before, after)).toBe(told);
});
