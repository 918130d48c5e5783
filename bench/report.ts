/**
 * `npm run bench -- report [FILE …]`: writes `docs/benchmarks.md` and its plots from the results of runs,
 * by default all in `bench/results`.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderReport } from './lib/report.ts';
import type { Results } from './lib/results.ts';
import { PROGRAMS } from './programs/all.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const kept = join(root, 'bench', 'results');
const given = process.argv.slice(2);
const paths = given.length > 0 ? given : readdirSync(kept).map((name) => join(kept, name));
const runs = paths.toSorted().map((path) => ({
  file: relative(root, resolve(path)),
  results: JSON.parse(readFileSync(path, 'utf8')) as Results,
}));

// Plots of programs that no longer exist must not stay; pages beside them are written by hand.
const plots = join(root, 'docs', 'benchmarks');
for (const name of readdirSync(plots)) if (name.endsWith('.svg')) rmSync(join(plots, name));
for (const [path, text] of renderReport(runs, PROGRAMS)) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  process.stdout.write(`${path}\n`);
}
