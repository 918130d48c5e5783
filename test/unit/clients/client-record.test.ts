/** What is kept of a client's own words about itself. */
import { expect, it } from 'vitest';
import { clientRecord } from '#src/main/clients/client-record.ts';

it.each<[info: unknown, kept: unknown]>([
  [
    { name: 'claude-code', version: '2.1' },
    { name: 'claude-code', version: '2.1' },
  ],
  [{ name: 'cursor' }, { name: 'cursor', version: null }],
  [
    { name: ' a\u202e\u001b[2J\n\u2028b ', version: '\u200b' },
    { name: 'a[2J  b', version: null },
  ],
  [
    { name: 'x'.repeat(1_000_000), version: 7 },
    { name: 'x'.repeat(512), version: null },
  ],
  [{ name: `${'x'.repeat(511)}🙂` }, { name: 'x'.repeat(511), version: null }],
  [{ name: '' }, null],
  [{ name: 7 }, null],
  [{}, null],
  ['claude', null],
  [null, null],
  [undefined, null],
])('%j', (info, kept) => {
  expect(clientRecord(info)).toEqual(kept);
});
