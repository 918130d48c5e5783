/**
 * Changes the text of a TOML file, by lines: a new entry is a table at the end, and an entry is removed with the
 * tables below it. All else stays byte for byte. An entry that is no table of its own is left alone. Pure.
 */
import { stringify } from 'smol-toml';
import type { Path } from '../problem.ts';
import type { Change } from './change.ts';

/** A line such as `[a.b]` or `[[a]]`. */
const HEADER = /^[ \t]*\[\[?([^\]]+)\]/;
const KEY_PART = /"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)/g;
const BLANK = /^[ \t]*(?:#.*)?\r?$/;

/** The texts to try: one, or none. */
export function editToml(text: string, change: Change): string[] {
  switch (change.kind) {
    case 'set':
      return [];
    case 'remove':
      return cut(text, change.path);
    case 'add': {
      if (change.name === null) return [];
      const path = [...change.path, change.name];
      const [without = text] = cut(text, path);
      return [append(without, path, change.value)];
    }
  }
}

function append(text: string, path: Path, value: Readonly<Record<string, unknown>>): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const nested = path.reduceRight<unknown>((inner, step) => ({ [step]: inner }), value);
  const lines = stringify(nested as Record<string, unknown>)
    .trim()
    .split('\n');
  const plain = text.replace(/^\uFEFF/, '');
  const ended = plain === '' || plain.endsWith('\n') ? text : text + eol;
  const gap = plain.trim() === '' || ended.endsWith(eol + eol) ? '' : eol;
  return `${ended}${gap}${lines.join(eol)}${eol}`;
}

function cut(text: string, path: Path): string[] {
  const lines = text.split('\n');
  const kept: string[] = [];
  let found = false;
  let inside = false;
  /** Lines of the entry that may belong to what comes after it. */
  let loose: string[] = [];
  for (const line of lines) {
    const header = HEADER.exec(line)?.[1];
    if (header !== undefined) {
      const wasInside = inside;
      inside = begins(partsOf(header), path);
      // Comments right above a table are about it.
      if (wasInside && !inside) kept.push(...commentsAbove(loose));
      found ||= inside;
      loose = [];
    }
    if (!inside) kept.push(line);
    else if (BLANK.test(line)) loose.push(line);
    else loose = [];
  }
  if (!found) return [];
  // What stands behind it at the end of the file, and the last line's end.
  if (inside)
    kept.push(...loose.filter((line, at) => line.trim() !== '' || at === loose.length - 1));
  // A line end that was cut in two: the file ended without one.
  return [kept.join('\n').replace(/\r$/, '')];
}

/** The comments that end a run of blank lines. */
function commentsAbove(run: readonly string[]): readonly string[] {
  const first = run.findLastIndex((line) => line.trim() === '') + 1;
  return run.slice(first);
}

function begins(parts: readonly string[], path: Path): boolean {
  return parts.length >= path.length && path.every((step, at) => parts[at] === step);
}

function partsOf(header: string): string[] {
  return [...header.matchAll(KEY_PART)].map(([, double, single, bare]) => {
    return double ?? single ?? bare ?? '';
  });
}
