/**
 * Every stress program in its full form, and the tests that soak, one after the other; exits 1 if any of
 * them finds a violation.
 * Takes half an hour or more on two cores. Needs Node 22.18 or newer, which runs TypeScript.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { sourceArgs } from '../support/worker-url.ts';
import { SOAKS } from './soaks.ts';

const PROGRAMS: readonly (readonly [file: string, ...args: string[]])[] = [
  ['run-scanner.ts', '500000', '1'],
  ['interleave.ts', '100000', '20'],
  ['fuzz-frames.ts', '1000000', '1'],
  ['path-spellings.ts', '100000', '1'],
  ['lock-model.ts'],
  ['write-faults.ts'],
  ['lock-kill.ts'],
  ['lock-race.ts'],
];

console.log(
  `Node ${process.version}, ${process.platform} ${process.arch}, ${availableParallelism()} cores`,
);
let failed = 0;
for (const [file, ...args] of PROGRAMS) {
  console.log(`\n$ node test/stress/${[file, ...args].join(' ')}`);
  const path = fileURLToPath(new URL(file, import.meta.url));
  const { status } = spawnSync(process.execPath, [...sourceArgs, path, ...args], {
    stdio: 'inherit',
  });
  if (status !== 0) failed += 1;
}
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
for (const [file, test] of SOAKS) {
  console.log(`\n$ REA_TEST_SOAK=1 npx vitest run ${file} -t '${test}'`);
  const { status } = spawnSync(process.execPath, [vitest, 'run', file, '-t', test], {
    stdio: 'inherit',
    env: { ...process.env, REA_TEST_SOAK: '1' },
  });
  if (status !== 0) failed += 1;
}
console.log(failed === 0 ? '\nno violation' : `\n${failed} programs found violations`);
process.exitCode = failed === 0 ? 0 : 1;
