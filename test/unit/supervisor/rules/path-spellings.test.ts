/** However one of the gateway's own files is spelt: what any opener can reach does not leave. */
import { expect, test } from 'vitest';
import { spellPaths } from '../../../stress/path-spellings.ts';

test('no spelling that a server could open leaves the gateway', { timeout: 120_000 }, async () => {
  const { spellings, openable, escaped } = await spellPaths(2_000, 1);
  expect(escaped).toEqual([]);
  // Else the spellings would be none.
  expect(openable).toBeGreaterThan(spellings / 2);
});
