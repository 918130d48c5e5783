/** Findings of a zod schema → problems: each with its place, what stands there, and the advice. */
import { z } from 'zod';
import { type ConfigDocument, problemAt } from './document.ts';
import { formatPath, keyAdvice, keysAdvice, type Path, type Problem, show } from './problem.ts';

/** So many unknown keys of a mapping get the nearest known key as advice; only the first problems are shown. */
const ADVISED_KEYS = 100;

/**
 * @param base path of the validated value in the document.
 * @param value the validated value.
 */
export function issueProblems(
  error: z.ZodError,
  schema: z.ZodType,
  document: ConfigDocument,
  base: Path,
  value: unknown,
): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const issue of error.issues) {
    const inside = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    const path = [...base, ...inside];
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(schemaAt(schema, inside));
      for (const [at, key] of issue.keys.entries()) {
        const fix = at < ADVISED_KEYS ? keyAdvice(key, known) : keysAdvice(known);
        problems.push(problemAt(document, [...path, key], 'unknown key', fix));
      }
      continue;
    }
    // One value can break several rules; the first says enough.
    const place = JSON.stringify(path);
    if (seen.has(place)) continue;
    seen.add(place);
    if (issue.code === 'invalid_type' && issue.expected === 'never') {
      const message = 'not supported by this version yet';
      problems.push(problemAt(document, path, message, 'remove this key'));
    } else if (issue.code === 'invalid_key') {
      const fix = issue.issues[0]?.message ?? 'choose another name';
      const problem = problemAt(document, path, 'is no valid name', fix);
      problems.push({ ...problem, path: formatPath(withoutValue(path)) });
    } else {
      const message = wrong(valueAt(value, inside), inside);
      problems.push(problemAt(document, path, message, issue.message));
    }
  }
  return problems;
}

/** Cuts a value off a pair written as a name (`NAME=value`, `Name: value`): it may be secret. */
function withoutValue(path: Path): Path {
  const [, name] = /^([^=:]*)[=:]/.exec(String(path.at(-1))) ?? [];
  return name === undefined ? path : [...path.slice(0, -1), `${name}…`];
}

/** Values under these keys may be secrets: messages give only their type. */
const SECRET_KEYS = ['env', 'env_passthrough', 'headers', 'args', 'url'];

function wrong(value: unknown, path: Path): string {
  if (value === undefined) return 'is missing';
  const secret = SECRET_KEYS.some((key) => path.includes(key));
  if (secret && (typeof value === 'number' || typeof value === 'string')) {
    return typeof value === 'number' ? 'is a number' : 'is not allowed';
  }
  return `is ${show(value)}`;
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) {
      return undefined;
    }
    current = (current as Record<string | number, unknown>)[step];
  }
  return current;
}

function schemaAt(schema: z.ZodType, path: Path): z.ZodType | null {
  let current: unknown = schema;
  for (const step of ['', ...path]) {
    if (step !== '' && current instanceof z.ZodObject) current = current.shape[step];
    else if (step !== '' && current instanceof z.ZodArray) current = current.element;
    while (current instanceof z.ZodOptional || current instanceof z.ZodNullable) {
      current = current.unwrap();
    }
  }
  return current instanceof z.ZodType ? current : null;
}

/** The supported keys of a mapping. */
function knownKeys(schema: z.ZodType | null): string[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape)
    .filter(
      ([, value]) => !(value instanceof z.ZodOptional && value.unwrap() instanceof z.ZodNever),
    )
    .map(([key]) => key);
}
