/**
 * Runs the official conformance suite against the endpoint of a gateway and reads what it found. The
 * suite is two pinned releases from node_modules. It needs Node 22, so that an older Node borrows a
 * newer one from npm; the gateway and its servers stay on the Node of the test run.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { environment } from './rea-command.ts';
import { newerNode, runProgram } from './run-program.ts';

export interface SuiteRun {
  /** A release of the suite, by its name in node_modules. */
  readonly suite: 'conformance-0.1' | 'conformance-0.2';
  /** Follow `server --url …`; say which scenarios run. */
  readonly args: readonly string[];
}

export interface Outcome {
  readonly exit: number | null;
  /** Checks, as the last line of the suite counts them; -1 when it does not come to that. */
  readonly passed: number;
  readonly failed: number;
  /** `scenario: check: why`, one for each check that failed. */
  readonly failures: readonly string[];
  /** Scenarios with a warning. */
  readonly warned: readonly string[];
  /** Scenarios that were run. */
  readonly scenarios: number;
  /** Checks that succeeded. */
  readonly succeeded: number;
}

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

/** Forty times what a run takes on an idle machine. */
const RUN_LIMIT_MS = 200_000;
/** For each scenario; the suite's own default is short of a busy machine's needs. */
const TIMEOUT = ['--timeout', '90000'];

/** Runs one release of the suite to its end. */
export async function runSuite(url: string, { suite, args }: SuiteRun): Promise<Outcome> {
  const results = mkdtempSync(join(tmpdir(), 'rea-conformance-'));
  try {
    const manifest = createRequire(import.meta.url).resolve(`${suite}/package.json`);
    const program = join(dirname(manifest), 'dist', 'index.js');
    const { code, stdout } = await runProgram(
      await newerNode(),
      [program, 'server', '--url', url, ...args, '-o', results],
      { env: environment(), limitMs: RUN_LIMIT_MS },
    );
    const total = /^Total: (\d+) passed, (\d+) failed$/m.exec(stdout);
    return {
      exit: code,
      passed: Number(total?.[1] ?? -1),
      failed: Number(total?.[2] ?? -1),
      ...readChecks(results),
    };
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
}

/**
 * Has one release of the suite examine a client of servers over HTTP.
 *
 * @param command without arguments that hold spaces.
 * @param revision in which the suite's server speaks; null: the suite's own choice.
 */
export async function runClientScenario(
  suite: SuiteRun['suite'],
  scenario: string,
  command: readonly string[],
  revision: string | null = null,
): Promise<Omit<Outcome, 'passed' | 'failed'> & { stdout: string }> {
  const results = mkdtempSync(join(tmpdir(), 'rea-conformance-'));
  try {
    const manifest = createRequire(import.meta.url).resolve(`${suite}/package.json`);
    const program = join(dirname(manifest), 'dist', 'index.js');
    const { code, stdout } = await runProgram(
      await newerNode(),
      [
        program,
        'client',
        '--command',
        command.join(' '),
        '--scenario',
        scenario,
        ...(revision === null ? [] : ['--spec-version', revision]),
        ...TIMEOUT,
        '-o',
        results,
      ],
      { env: environment(), limitMs: RUN_LIMIT_MS },
    );
    return { exit: code, stdout, ...readChecks(results) };
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
}

/** Each scenario has a directory `server-<scenario>-<time>` with its checks, those of logins within another one. */
function readChecks(results: string): Omit<Outcome, 'exit' | 'passed' | 'failed'> {
  const failures: string[] = [];
  const warned: string[] = [];
  let succeeded = 0;
  const directories = readdirSync(results, { recursive: true, encoding: 'utf8' })
    .filter((path) => basename(path) === 'checks.json')
    .map((path) => dirname(path))
    .sort();
  for (const directory of directories) {
    const scenario = directory.replace(/^server-|-\d{4}-\d\d-\d\dT.*$/g, '');
    const checks: Check[] = JSON.parse(
      readFileSync(join(results, directory, 'checks.json'), 'utf8'),
    );
    for (const { id, status, errorMessage } of checks) {
      if (status === 'SUCCESS') succeeded += 1;
      if (status === 'FAILURE') failures.push(`${scenario}: ${id}: ${errorMessage ?? ''}`);
    }
    if (checks.some(({ status }) => status === 'WARNING')) warned.push(scenario);
  }
  return { failures, warned, succeeded, scenarios: directories.length };
}
