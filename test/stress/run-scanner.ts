/**
 * The long form of the scanner's fuzz, spread over the cores: `node test/stress/run-scanner.ts
 * [documents] [seed]`. Prints a summary and exits 1 when the scanner and the other parsers disagree.
 * Needs a Node that runs TypeScript.
 */
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import type { FuzzSummary, fuzzTask } from './scanner.ts';

const DOCUMENTS_PER_TASK = 10_000;

const documents = Number(process.argv[2] ?? 500_000);
const seed = Number(process.argv[3] ?? 1);
if (!Number.isSafeInteger(documents) || documents < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write('usage: run-scanner.ts [documents] [seed]\n');
  process.exit(2);
}

const pool = new Piscina<Parameters<typeof fuzzTask>[0], FuzzSummary>({
  filename: new URL('./scanner.ts', import.meta.url).href,
  name: 'fuzzTask',
  maxThreads: availableParallelism(),
});
const started = performance.now();
const tasks: Promise<FuzzSummary>[] = [];
for (let from = 0; from < documents; from += DOCUMENTS_PER_TASK) {
  const task = {
    documents: Math.min(DOCUMENTS_PER_TASK, documents - from),
    // Neighbouring seeds give unlike sequences only after mixing.
    seed: Math.imul(seed * 65_536 + tasks.length + 1, 0x9e37_79b1) | 1,
  };
  tasks.push(pool.run(task));
}
const summaries = await Promise.all(tasks);
await pool.close();

const sum = (field: Exclude<keyof FuzzSummary, 'examples'>): number =>
  summaries.reduce((total, summary) => total + summary[field], 0);
process.stdout.write(
  [
    `documents      ${sum('documents')}  (seed ${seed}, Node ${process.versions.node})`,
    `accepted       ${sum('accepted')}`,
    `refused        ${sum('refusedByRule')} by a rule, ${sum('malformed')} malformed`,
    `ranges checked ${sum('rangesChecked')}, ids ${sum('idsChecked')}`,
    `disagreements  ${sum('disagreements')}`,
    `seconds        ${((performance.now() - started) / 1000).toFixed(1)}`,
    ...summaries.flatMap((summary) => summary.examples).slice(0, 20),
    '',
  ].join('\n'),
);
process.exitCode = sum('disagreements') === 0 ? 0 : 1;
