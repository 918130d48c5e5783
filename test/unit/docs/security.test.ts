/** The page about security names the tests that show what it says. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);

test('each defence names tests that are there', () => {
  const page = readFileSync(new URL('docs/security.md', root), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| [A-Z]/.test(line));
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) {
    const named = [...row.matchAll(/`(test\/[\w./-]+)`/g)].map(([, path]) => path ?? '');
    expect([row, named.length > 0]).toEqual([row, true]);
    for (const path of named) expect([path, existsSync(new URL(path, root))]).toEqual([path, true]);
  }
});
