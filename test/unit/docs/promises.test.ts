/** Each promise of docs/promises.md names tests that are there. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);

test('each promise names files with tests that are there', () => {
  const page = readFileSync(new URL('docs/promises.md', root), 'utf8');
  const [promises = '', limits] = page.split('\n## Limits\n');
  expect(limits).toBeDefined();
  // Each list item, with the lines that belong to it.
  const each = promises.match(/^- .*\n(?: {2}.*\n)*/gm) ?? [];
  expect(each.length).toBeGreaterThan(30);
  for (const item of each) {
    const named = [...item.matchAll(/`(test\/[\w./-]+)`/g)].map(([, path]) => path ?? '');
    expect([item, named.length > 0]).toEqual([item, true]);
    for (const path of named) expect([path, existsSync(new URL(path, root))]).toEqual([path, true]);
  }
});
