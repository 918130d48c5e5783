/** docs/benchmarks.md and its plots are exactly what the kept results say. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { renderReport } from '../../../bench/lib/report.ts';
import { PROGRAMS } from '../../../bench/programs/all.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const results = 'bench/results';

test('programs without a result are said to be not measured', () => {
  const text = renderReport([], PROGRAMS).get('docs/benchmarks.md');
  for (const { title } of PROGRAMS)
    expect(text).toContain(`## ${title}\n\nNot measured in these runs.`);
});

test('the published benchmarks are generated from their results', () => {
  const runs = readdirSync(join(root, results))
    .toSorted()
    .map((name) => ({
      file: `${results}/${name}`,
      results: JSON.parse(readFileSync(join(root, results, name), 'utf8')),
    }));
  const files = renderReport(runs, PROGRAMS);
  expect(files.size).toBeGreaterThan(1);
  // What users feel comes first.
  expect(files.get('docs/benchmarks.md')).toMatch(
    /^# Benchmarks\n\n- A call takes .*\n- While .*\n- A start /,
  );
  for (const [path, text] of files) {
    expect(existsSync(join(root, path)), path).toBe(true);
    expect(readFileSync(join(root, path), 'utf8'), path).toBe(text);
  }
  const plots = readdirSync(join(root, 'docs/benchmarks'))
    .filter((name) => name.endsWith('.svg'))
    .map((name) => `docs/benchmarks/${name}`);
  expect(plots.filter((path) => !files.has(path))).toEqual([]);
});
