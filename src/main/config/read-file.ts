/**
 * Reads one configuration file as text: bounded, never blocking on a pipe, with a problem instead of
 * an exception for everything an operator can cause. Refuses a file that another user could have written.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import { readRange } from '../../shared/platform/safe-file.ts';
import { formatProblem, type Problem } from './problem.ts';
import { type Doubt, doubtsAbout } from './trust.ts';

const MIB = 1024 * 1024;
/** Largest configuration file that is read, in bytes. */
const MAX_FILE_BYTES = MIB;
const SYMBOLIC_LINK = {
  message: 'is a symbolic link',
  fix: 'whoever can write its target decides which programs are started',
};

export type FileText =
  | { readonly kind: 'text'; readonly text: string; readonly warnings: readonly string[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'problem'; readonly problems: readonly Problem[] };

/** The name of `file` in messages: relative to `cwd` when it lies inside. */
export function displayName(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path === '' || path.startsWith('..') || isAbsolute(path) ? file : path;
}

/**
 * @param file absolute path.
 * @param shown the name used in messages.
 * @param trusted true: a file that others can change is read with a warning, not refused.
 * @param maxBytes a larger file is a problem.
 */
export function readConfigFile(
  file: string,
  shown: string,
  trusted: boolean,
  maxBytes = MAX_FILE_BYTES,
): FileText {
  const problem = (message: string, fix: string): FileText => ({
    kind: 'problem',
    problems: [problemOf({ message, fix }, shown)],
  });
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' };
    return problem(`cannot be opened (${code})`, 'make it a regular file that you may read');
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return problem('is not a regular file', 'give the path of a file');
    const doubts = doubtsAbout(file, stat);
    const refused = trusted ? [] : doubts.filter(({ weight }) => weight === 'refuse');
    if (refused.length > 0) {
      return { kind: 'problem', problems: refused.map((doubt) => problemOf(doubt, shown)) };
    }
    const bytes = readRange(descriptor, 0, maxBytes + 1);
    if (bytes.length > maxBytes) {
      return problem(
        `is larger than ${maxBytes / MIB} MiB`,
        'a configuration of that size is a mistake',
      );
    }
    const text = decode(bytes);
    if (text === null) return problem('is not UTF-8 text', 'save it as UTF-8');
    return { kind: 'text', text, warnings: warnings(file, shown, doubts) };
  } catch (error) {
    return problem(`cannot be read (${systemCode(error)})`, 'make it a regular file');
  } finally {
    closeSync(descriptor);
  }
}

/** The code of a system error; anything else is a bug and thrown on. */
export function systemCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  throw error;
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (systemCode(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA') return null;
    throw error;
  }
}

/** One warning for the worst doubt is enough, since the file is accepted. */
function warnings(file: string, shown: string, doubts: readonly Doubt[]): string[] {
  const worst = doubts.find(({ weight }) => weight === 'refuse') ?? doubts[0];
  const link = lstatSync(file).isSymbolicLink() ? [SYMBOLIC_LINK] : [];
  return [...link, ...(worst === undefined ? [] : [worst])].map((about) =>
    formatProblem(problemOf(about, shown)),
  );
}

function problemOf({ message, fix }: Pick<Doubt, 'message' | 'fix'>, shown: string): Problem {
  return { file: shown, line: null, path: '', message, fix };
}
