/** Short form of the stress program; `npm run stress` makes 100,000 calls. */
import { afterEach, expect, test, vi } from 'vitest';
import { interleave } from '../stress/interleave.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 400_000, hookTimeout: 60_000 });
afterEach(tidy);

test('20 clients with the same ids and tokens get their own messages and nobody else’s', async () => {
  const calls = 2000;
  const result = await interleave(calls, 20);
  expect(result.problems).toEqual([]);
  expect(result).toMatchObject({ calls, exact: calls });
  expect(result.progress).toBeGreaterThan(calls);
  expect(result.asked).toBeGreaterThan(0);
  expect(result.refused).toBeGreaterThan(0);
});
