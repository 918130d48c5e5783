/**
 * Every stress program in its full form, and the tests that soak, one after the other; exits 1 if any of
 * them finds a violation.
 * Takes half an hour or more on two cores. Needs Node 22.18 or newer, which runs TypeScript.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceArgs } from '../support/worker-url.ts';

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

/** Tests that repeat themselves far more often here than in `npm test`. */
const SOAKS: readonly (readonly [file: string, test: string])[] = [
  ['reload-again.test.ts', 'changed again and again'],
  ['recycle.test.ts', 'calls that never stop coming'],
  ['lazy-and-idle.test.ts', 'under load with stops in between'],
  ['shared-threads.test.ts', 'many servers share eight threads'],
  ['http-full.test.ts', 'visitors that'],
  ['http-visits.test.ts', 'bad visits leave nothing behind'],
  ['control-loop.test.ts', 'no call is lost'],
  ['shared-kills.test.ts', 'a shared gateway that is killed'],
  ['audit-kill.test.ts', 'kill -9'],
  ['thread-kills.test.ts', 'threads are lost'],
  ['ui-agreement.test.ts', 'page, status and health never differ'],
  ['halt-load.test.ts', 'calls while it is set'],
  ['login-renewal.test.ts', 'one rotating login'],
  ['conformance-login.test.ts', 'a login passes'],
  ['undo.test.ts', 'byte for byte as it was'],
  ['results.test.ts', 'source files'],
  ['parked-lives.test.ts', 'servers and threads that die'],
  ['parked-calls.test.ts', 'in any order'],
  ['sessionless-soak.test.ts', 'calls by the ten thousand'],
  ['sessionless-soak.test.ts', 'questions by the thousand'],
  ['sessionless-soak.test.ts', 'streams of changes by the hundred'],
  ['sessionless-soak.test.ts', 'gateways that are only asked what they are'],
  ['sessionless-soak.test.ts', 'after five minutes'],
  ['policy-pairs.test.ts', 'together'],
  ['policy-mutations.test.ts', 'broken policies'],
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
const tests = fileURLToPath(new URL('..', import.meta.url));
const files = readdirSync(tests, { recursive: true, encoding: 'utf8' });
const textOf = (path: string) => readFileSync(join(tests, path), 'utf8');
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
for (const [file, test] of SOAKS) {
  console.log(`\n$ REA_TEST_SOAK=1 npx vitest run ${file} -t '${test}'`);
  // Vitest calls a run good that has skipped all.
  const has = files.some((path) => path.endsWith(`/${file}`) && textOf(path).includes(test));
  if (!has) throw new Error(`${file} has no test "${test}"`);
  const { status } = spawnSync(process.execPath, [vitest, 'run', file, '-t', test], {
    stdio: 'inherit',
    env: { ...process.env, REA_TEST_SOAK: '1' },
  });
  if (status !== 0) failed += 1;
}
console.log(failed === 0 ? '\nno violation' : `\n${failed} programs found violations`);
process.exitCode = failed === 0 ? 0 : 1;
