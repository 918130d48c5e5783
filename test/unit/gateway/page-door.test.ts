/** The page is loaded once, and a load that fails costs nothing but itself. */
import { expect, test } from 'vitest';
import { pageDoor } from '#src/main/gateway/page-door.ts';
import type { PageOpened } from '#src/main/operator/control-options.ts';

const OPENED: PageOpened = { ok: true, port: 1, tokenFile: '/token' };

function door(failures: number) {
  const seen = { loads: 0, closed: 0 };
  const inner = {
    open: async () => OPENED,
    close: async () => {
      seen.closed += 1;
    },
  };
  const load = async () => {
    seen.loads += 1;
    if (seen.loads <= failures) throw new Error('of the disk');
    return inner;
  };
  return { page: pageDoor(load), seen };
}

test('it is loaded by the first who asks, and closed if it was', async () => {
  const { page, seen } = door(0);
  await page.close();
  expect(seen).toEqual({ loads: 0, closed: 0 });
  expect(await Promise.all([page.open(), page.open()])).toEqual([OPENED, OPENED]);
  await page.close();
  expect(seen).toEqual({ loads: 1, closed: 1 });
});

test('a load that fails is said, is tried anew, and lets the gateway end', async () => {
  const { page, seen } = door(1);
  const message = 'the page cannot be loaded: of the disk; if it stays so, restart rea';
  const failed = { ok: false, message };
  const asked = [page.open(), page.open()];
  // The stop of the gateway, at the same time.
  await page.close();
  expect(await Promise.all(asked)).toEqual([failed, failed]);
  await page.close();
  expect(await page.open()).toEqual(OPENED);
  expect(seen).toEqual({ loads: 2, closed: 0 });
});
