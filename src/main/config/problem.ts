/**
 * A problem of a configuration file as a value: its place, what is wrong, what would be right. Loading
 * never throws for a bad file and never stops at the first problem; each is shown as exactly one line.
 */
import leven from 'leven';
import { oneLine } from '../../shared/text/clean-text.ts';
import { firstLines } from './first-of.ts';

/** A place inside a document: keys and array indices from the top. */
export type Path = readonly (string | number)[];

export interface Problem {
  /** As shown to people: relative to the working directory where that is shorter. */
  readonly file: string;
  /** Counted from 1, null when it concerns the file as a whole. */
  readonly line: number | null;
  /** `servers[1].restart.intensity`; empty when it concerns the file as a whole. */
  readonly path: string;
  /** What is wrong. */
  readonly message: string;
  /** What would be right. */
  readonly fix: string;
}

/** One line: `file:line: path: what is wrong; what would be right`. */
export function formatProblem(problem: Problem): string {
  const place = problem.line === null ? problem.file : `${problem.file}:${problem.line}`;
  const path = problem.path === '' ? '' : `${problem.path}: `;
  return oneLine(`${place}: ${path}${problem.message}; ${problem.fix}`);
}

/** The first problems, a line each, and a count of the others: nobody mends all of many at once. */
export function problemLines(problems: readonly Problem[]): string[] {
  return firstLines(problems.map(formatProblem), 'problem', 'mend these first');
}

/** The same for warnings: things that are accepted all the same. */
export function warningLines(warnings: readonly string[]): string[] {
  return firstLines(warnings, 'warning', 'mend these first');
}

/** `['servers', 1, 'tools']` → `servers[1].tools`; a key with other characters than `[\w-]` is quoted. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[\w-]+$/.test(step)) text += `[${JSON.stringify(clip(step, 60))}]`;
    else text += `${text === '' ? '' : '.'}${clip(step, 60)}`;
  }
  return text;
}

/** A value as it may stand in a message: short, quoted, without control characters. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  if (value === null || value === undefined) return 'empty';
  if (typeof value === 'string') return JSON.stringify(clip(value, 60));
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'boolean' ? String(value) : `a ${typeof value}`;
}

/** The known key or name that was probably meant, or null when none is near. */
export function nearest(wanted: string, known: readonly string[]): string | null {
  const plain = (key: string) => key.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const target = plain(wanted.slice(0, 64));
  let best: { key: string; distance: number } | null = null;
  for (const key of known) {
    const distance = leven(target, plain(key));
    if (best === null || distance < best.distance) best = { key, distance };
  }
  if (best === null) return null;
  return best.distance <= Math.max(2, Math.floor(best.key.length / 3)) ? best.key : null;
}

/** The advice for an unknown key: the one that was probably meant, else all that are known. */
export function keyAdvice(wanted: string, known: readonly string[]): string {
  const key = nearest(wanted, known);
  return key === null ? keysAdvice(known) : `did you mean "${key}"?`;
}

export function keysAdvice(known: readonly string[]): string {
  return `known keys here: ${known.join(', ')}`;
}

/** At most `length` UTF-16 units. */
export function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
