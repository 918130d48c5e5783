/**
 * A configuration file after parsing: plain values and the line each of them stands on. YAML and JSON
 * are both turned into this, so that validation and messages know nothing of the syntax.
 */
import { formatPath, formatProblem, type Path, type Problem } from './problem.ts';

/** Deepest nesting that is read; real configurations need five levels. */
export const MAX_DEPTH = 100;

export interface ConfigDocument {
  /** As shown in messages. */
  readonly file: string;
  /** Plain objects, arrays, strings, numbers, booleans and null. */
  readonly value: unknown;
  /** Problems that the parser lets pass and the format forbids, such as a key given twice. */
  readonly problems: readonly Problem[];
  /** Line of a key or list item, counted from 1; of the nearest one above it when it does not exist. */
  lineOf(path: Path): number;
  /** True when there is a value at exactly this path. */
  has(path: Path): boolean;
}

export type Parsed =
  | { readonly ok: true; readonly document: ConfigDocument }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Collects values, their lines and problems while a syntax tree is walked. */
export class DocumentBuilder {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #lines = new Map<string, number>();

  constructor(file: string) {
    this.#file = file;
  }

  at(path: Path, line: number): void {
    this.#lines.set(JSON.stringify(path), line);
  }

  problem(path: Path, line: number, message: string, fix: string): void {
    this.problems.push({ file: this.#file, line, path: formatPath(path), message, fix });
  }

  /**
   * Adds a member to a mapping. Refuses a second one of the same name, and names that mean something
   * to JavaScript itself.
   */
  member(target: Record<string, unknown>, path: Path, line: number, read: () => unknown): void {
    const key = String(path.at(-1));
    if (key === '__proto__') {
      this.problem(path, line, 'is a reserved name', 'choose another one');
    } else if (Object.hasOwn(target, key)) {
      const first = this.#lines.get(JSON.stringify(path));
      this.problem(path, line, `is given twice, first in line ${first}`, 'keep one of the two');
    } else {
      this.at(path, line);
      target[key] = read();
    }
  }

  finish(value: unknown): Parsed {
    const lines = this.#lines;
    return {
      ok: true,
      document: {
        file: this.#file,
        value,
        problems: this.problems,
        has: (path) => lines.has(JSON.stringify(path)),
        lineOf(path) {
          for (let length = path.length; length > 0; length--) {
            const line = lines.get(JSON.stringify(path.slice(0, length)));
            if (line !== undefined) return line;
          }
          return lines.get('[]') ?? 1;
        },
      },
    };
  }
}

/**
 * All problems of a file in the order of its lines. Where the parser found a problem, the validation's
 * problems at the same place are left out.
 */
export function allProblems(document: ConfigDocument, found: readonly Problem[]): Problem[] {
  const known = new Set(document.problems.map((problem) => problem.path));
  const problems = [...document.problems, ...found.filter((problem) => !known.has(problem.path))];
  const unique = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return [...unique.values()].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

/** A problem at a path of a parsed document. */
export function problemAt(
  document: ConfigDocument,
  path: Path,
  message: string,
  fix: string,
): Problem {
  const shown = path.length === 0 ? 'top level' : formatPath(path);
  return { file: document.file, line: document.lineOf(path), path: shown, message, fix };
}

/**
 * Syntax errors, placed by column. Parsers go on after an error and then report its consequences, so
 * only the first error of a line is kept, and at most five.
 */
export function syntaxProblems(
  file: string,
  text: string,
  errors: readonly { offset: number; message: string; fix: string }[],
): Problem[] {
  const byLine = new Map<number, Problem>();
  for (const { offset, message, fix } of errors) {
    const before = text.slice(0, offset);
    const line = before.split('\n').length;
    const column = offset - before.lastIndexOf('\n');
    if (byLine.has(line)) continue;
    byLine.set(line, { file, line, path: `column ${column}`, message, fix });
    if (byLine.size === 5) break;
  }
  return [...byLine.values()];
}

/**
 * Offset at which brackets nest deeper than MAX_DEPTH, or null. To be called before parsing, since both
 * parsers recurse. Brackets in strings count, too: real configurations stay far below the limit.
 */
export function tooDeepAt(text: string): number | null {
  const dashes = /(?:- ){101}/.exec(text);
  if (dashes !== null) return dashes.index;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '[' || char === '{') depth++;
    else if ((char === ']' || char === '}') && depth > 0) depth--;
    if (depth > MAX_DEPTH) return at;
  }
  return null;
}
