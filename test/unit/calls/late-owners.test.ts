/** Whose calls have ended while their server may work on. */
import { expect, test } from 'vitest';
import type { CallOwner } from '#src/main/calls/call.ts';
import { LateOwners } from '#src/main/calls/late-owners.ts';

test('others count at the same process of a server, for ten minutes after their last call', () => {
  const late = new LateOwners();
  const [one, other] = [{}, {}] as [CallOwner, CallOwner];
  late.add(one, 1, 0);
  expect([late.othersThan(one, 1, 0), late.othersThan(other, 1, 0)]).toEqual([false, true]);
  expect(late.othersThan(other, 2, 0)).toBe(false);
  late.add(one, 1, 100_000);
  expect(late.othersThan(other, 1, 699_999)).toBe(true);
  expect(late.othersThan(other, 1, 700_000)).toBe(false);
  late.add(other, 1, 700_000);
  expect([late.othersThan(one, 1, 700_001), late.othersThan(other, 1, 700_001)]).toEqual([
    true,
    false,
  ]);
});
