/**
 * Whether the operator's patterns can be used: asks the engine in a process of its own, so that a pattern that takes
 * seconds costs the gateway none.
 */
import { type ExecFileException, execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RedactPattern } from '../../shared/model/policy.ts';
import { errorCode } from '../../shared/platform/errno.ts';
import { workerEntry } from '../threads/worker-entry.ts';
import type { Problem } from './problem.ts';

/** For all of them. */
const LIMIT_MS = 20_000;
const MAX_OUTPUT = 1024 * 1024;
const FIX = 'correct it, or make it simpler';
const FIX_MACHINE = 'see that the machine has memory and processes left, and try again';

/** How the process has ended. */
interface End {
  /** All that it has said. */
  readonly output: string;
  /** Null: it was still at work when the time was over. */
  readonly how: string | null;
  readonly limitMs: number;
}

/** Waits for the answer: at a start, or where nothing runs. */
export function patternProblems(
  patterns: readonly RedactPattern[],
  limitMs: number = LIMIT_MS,
): Problem[] {
  if (patterns.length === 0) return [];
  const { error, signal, status, stdout } = spawnSync(process.execPath, [entry()], {
    ...OPTIONS,
    timeout: limitMs,
    input: inputOf(patterns),
  });
  const code = errorCode(error);
  // A program that ends without reading could be run all the same.
  const failed = error === undefined || code === 'EPIPE' ? null : error;
  const how = code === 'ETIMEDOUT' ? null : endInWords(failed, signal, status);
  // Null when it could not be started.
  return problemsIn(patterns, { output: String(stdout ?? ''), how, limitMs });
}

/** The same for a gateway that runs. Patterns that were found good are not tried again. */
export class PatternCheck {
  #good: string;
  readonly #limitMs: number;

  /** @param good those that are in force. */
  constructor(good: readonly RedactPattern[], limitMs: number = LIMIT_MS) {
    this.#good = inputOf(good);
    this.#limitMs = limitMs;
  }

  areGood(patterns: readonly RedactPattern[]): boolean {
    return patterns.length === 0 || inputOf(patterns) === this.#good;
  }

  problems(patterns: readonly RedactPattern[]): Promise<Problem[]> {
    const input = inputOf(patterns);
    const limitMs = this.#limitMs;
    const options = { ...OPTIONS, timeout: limitMs };
    return new Promise((resolve) => {
      const child = execFile(process.execPath, [entry()], options, (error, output) => {
        const problems = problemsIn(patterns, { output, how: howItEnded(error), limitMs });
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
  killSignal: 'SIGKILL',
  maxBuffer: MAX_OUTPUT,
} as const;

function entry(): string {
  return fileURLToPath(workerEntry('pattern-probe'));
}

function inputOf(patterns: readonly RedactPattern[]): string {
  return JSON.stringify(patterns.map(({ regex, flags }) => ({ regex, flags })));
}

/** `how` of an `End`. */
function howItEnded(error: ExecFileException | null): string | null {
  const code = error?.code ?? null;
  // What was too much output has a code, too.
  if (error?.killed === true && code === null) return null;
  const failed = typeof code === 'string' ? error : null;
  return endInWords(failed, error?.signal ?? null, typeof code === 'number' ? code : 0);
}

function endInWords(error: Error | null, signal: string | null, status: number | null): string {
  if (error !== null) return `could not be run (${errorCode(error)})`;
  return signal === null ? `ended with code ${status}` : `was ended by ${signal}`;
}

/** Of the output: a line for each pattern and one for all; what is missing was not reached. */
function problemsIn(patterns: readonly RedactPattern[], end: End): Problem[] {
  const told = end.output.split('\n').slice(0, -1);
  const problems = patterns.flatMap((pattern, index): Problem[] => {
    const line = told[index];
    if (line === undefined) {
      // Those behind it were not tried.
      return index === told.length ? [unanswered(pattern, end, 'took')] : [];
    }
    const fault: string | null = JSON.parse(line);
    return fault === null ? [] : [problemOf(pattern, fault)];
  });
  const [last] = patterns.slice(-1);
  if (problems.length > 0 || last === undefined) return problems;
  const line = told[patterns.length];
  if (line === undefined) return [unanswered(last, end, 'took, together with the others,')];
  const together: string | null = JSON.parse(line);
  return together === null ? [] : [problemOf(last, together)];
}

function unanswered(pattern: RedactPattern, { how, limitMs }: End, took: string): Problem {
  if (how === null) return problemOf(pattern, `${took} over ${limitMs / 1000} s`);
  const fault = `could not be tried: the process that tries patterns ${how}`;
  return { ...problemOf(pattern, fault), fix: FIX_MACHINE };
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
