/**
 * Whether the operator's patterns can be used: asks the engine in a process of its own, so that a pattern that takes
 * seconds costs the gateway none.
 */
import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RedactPattern } from '../../shared/model/policy.ts';
import { workerEntry } from '../threads/worker-entry.ts';
import type { Problem } from './problem.ts';

/** For all of them. */
const LIMIT_MS = 20_000;
const MAX_OUTPUT = 1024 * 1024;
const FIX = 'correct it, or make it simpler';

/** Waits for the answer: at a start, or where nothing runs. */
export function patternProblems(patterns: readonly RedactPattern[]): Problem[] {
  if (patterns.length === 0) return [];
  const { stdout } = spawnSync(process.execPath, [entry()], {
    ...OPTIONS,
    input: inputOf(patterns),
  });
  return problemsIn(patterns, stdout);
}

/** The same for a gateway that runs. Patterns that were found good are not tried again. */
export class PatternCheck {
  #good: string;

  /** @param good those that are in force. */
  constructor(good: readonly RedactPattern[]) {
    this.#good = inputOf(good);
  }

  areGood(patterns: readonly RedactPattern[]): boolean {
    return patterns.length === 0 || inputOf(patterns) === this.#good;
  }

  problems(patterns: readonly RedactPattern[]): Promise<Problem[]> {
    const input = inputOf(patterns);
    return new Promise((resolve) => {
      const child = execFile(process.execPath, [entry()], OPTIONS, (_error, stdout) => {
        const problems = problemsIn(patterns, stdout);
        if (problems.length === 0) this.#good = input;
        resolve(problems);
      });
      // One that ends without reading has said so by what it has not written.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
    });
  }
}

const OPTIONS = {
  encoding: 'utf8',
  env: {},
  timeout: LIMIT_MS,
  killSignal: 'SIGKILL',
  maxBuffer: MAX_OUTPUT,
} as const;

function entry(): string {
  return fileURLToPath(workerEntry('pattern-probe'));
}

function inputOf(patterns: readonly RedactPattern[]): string {
  return JSON.stringify(patterns.map(({ regex, flags }) => ({ regex, flags })));
}

/** @param output a line for each pattern and one for all; what is missing was not reached in time. */
function problemsIn(patterns: readonly RedactPattern[], output: string): Problem[] {
  const told = output.split('\n').slice(0, -1);
  const problems = patterns.flatMap((pattern, index): Problem[] => {
    const line = told[index];
    if (line === undefined) {
      // Those behind it were not tried.
      return index === told.length ? [problemOf(pattern, `took over ${LIMIT_MS / 1000} s`)] : [];
    }
    const fault: string | null = JSON.parse(line);
    return fault === null ? [] : [problemOf(pattern, fault)];
  });
  const [last] = patterns.slice(-1);
  if (problems.length > 0 || last === undefined) return problems;
  const together: string | null = JSON.parse(told[patterns.length] ?? '"took too long together"');
  return together === null ? [] : [problemOf(last, together)];
}

function problemOf({ name, at }: RedactPattern, fault: string): Problem {
  const [, file = at, line = ''] = /^(.*):(\d+)$/.exec(at) ?? [];
  return {
    file,
    line: line === '' ? null : Number(line),
    path: 'redact.patterns',
    message: `${JSON.stringify(name)} ${fault}`,
    fix: FIX,
  };
}
