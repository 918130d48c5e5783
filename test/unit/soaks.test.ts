/** The list of tests that `npm run stress` repeats: every entry names a test, and every test that can repeat itself is listed. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SOAKS } from '../stress/soaks.ts';

const TESTS = fileURLToPath(new URL('..', import.meta.url));
const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => ({ file: basename(path), text: readFileSync(join(TESTS, path), 'utf8') }));

test.each(SOAKS)('%s has a test “%s”', (file, title) => {
  // Vitest calls a run good that has skipped all.
  const isTitle = new RegExp(`['"\`][^'"\`\\n]*${title}`);
  expect(files.some((one) => one.file === file && isTitle.test(one.text))).toBe(true);
});

test('no test that can go on for longer is forgotten', () => {
  const can = files
    .filter(({ text }) => /^import .*support\/soak.ts'/m.test(text))
    .map(({ file }) => file);
  expect(can.length).toBeGreaterThan(10);
  const named: readonly string[] = SOAKS.map(([file]) => file);
  expect(can.filter((file) => !named.includes(file))).toEqual([]);
});
