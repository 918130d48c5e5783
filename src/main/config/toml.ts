/** TOML text → document with lines, for the file of Codex. */
import { parse, TomlError } from 'smol-toml';
import { isObject } from '../../shared/model/is-object.ts';
import { DocumentBuilder, MAX_DEPTH, type Parsed, syntaxProblems, tooDeepAt } from './document.ts';
import type { Path } from './problem.ts';

const FIX = 'correct the TOML here';

/** @param file the name used in messages. */
export function parseToml(source: string, file: string): Parsed {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source;
  const deep = tooDeepAt(text);
  if (deep !== null) {
    const error = { offset: deep, message: 'nested too deeply', fix: 'use fewer than 100 levels' };
    return { ok: false, problems: syntaxProblems(file, text, [error]) };
  }
  try {
    const value = parse(text);
    const builder = new DocumentBuilder(file);
    return builder.finish(copy(value, [], builder, linesOf(text)));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Only its first line: the others quote the file, which may hold secrets.
    const message = (error.message.split('\n', 1)[0] ?? '')
      .replace(/^Invalid TOML document: /, '')
      .slice(0, 200);
    const path = `column ${error.column}`;
    return { ok: false, problems: [{ file, line: error.line, path, message, fix: FIX }] };
  }
}

function copy(
  value: unknown,
  path: Path,
  builder: DocumentBuilder,
  lines: ReadonlyMap<string, number>,
): unknown {
  if (path.length > MAX_DEPTH) {
    const line = nearest(path, lines);
    builder.problem(path.slice(0, 3), line, 'is nested too deeply', 'use fewer than 100 levels');
    return null;
  }
  if (Array.isArray(value)) return value.map((one, at) => copy(one, [...path, at], builder, lines));
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'bigint') return Number(value);
  if (!isObject(value)) return value;
  const result: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value)) {
    const at = [...path, key];
    const line = lines.get(JSON.stringify(at));
    const read = () => copy(one, at, builder, lines);
    builder.member(result, at, line ?? nearest(at, lines), read);
  }
  return result;
}

function nearest(path: Path, lines: ReadonlyMap<string, number>): number {
  for (let length = path.length; length > 0; length--) {
    const line = lines.get(JSON.stringify(path.slice(0, length)));
    if (line !== undefined) return line;
  }
  return 1;
}

const TABLE = /^\s*\[\[?\s*([^\]]+?)\s*\]/;
const KEY =
  /^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=/;
const PART = /"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)/g;

/** Lines of tables and keys, as far as they can be told without parsing; the parser keeps none. */
function linesOf(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  let table: string[] = [];
  const note = (path: readonly string[], line: number) => {
    for (let length = 1; length <= Math.min(path.length, MAX_DEPTH); length++) {
      const key = JSON.stringify(path.slice(0, length));
      if (!lines.has(key)) lines.set(key, line);
    }
  };
  for (const [at, line] of text.split('\n').entries()) {
    const header = TABLE.exec(line)?.[1];
    if (header !== undefined) {
      table = partsOf(header);
      note(table, at + 1);
      continue;
    }
    const key = KEY.exec(line)?.[1];
    if (key !== undefined) note([...table, ...partsOf(key)], at + 1);
  }
  return lines;
}

function partsOf(text: string): string[] {
  return [...text.matchAll(PART)].map(([, double, single, bare]) => double ?? single ?? bare ?? '');
}
