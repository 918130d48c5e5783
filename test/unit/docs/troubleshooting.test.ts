/** docs/troubleshooting.md gives the advice that `rea status` gives. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { causeOf } from '#src/main/causes/causes.ts';

const PAGE = readFileSync(new URL('../../../docs/troubleshooting.md', import.meta.url), 'utf8');
const ROWS = [...PAGE.matchAll(/^\| `(.+)` \| (.+) \|$/gm)].map(
  ([, said = '', advice = '']) => [said, advice] as const,
);

test.each(ROWS)('%s', (said, advice) => {
  const isExit = said.includes('exited with');
  const last_exit = {
    reason: isExit ? ('handshake' as const) : ('connect' as const),
    detail: said,
  };
  // What an entry lacks is known before the first start.
  const incarnation = said.startsWith('missing env') ? 0 : 1;
  expect(causeOf({ phase: 'failed', incarnation, last_error: said, last_exit })).toEqual({
    why: said,
    action: advice,
  });
});

test('there are some', () => {
  expect(ROWS.length).toBeGreaterThan(6);
});
