/**
 * The patterns of `blocked_paths`: names with stars, question marks, classes and braces between slashes, and
 * `**` for any number of directories. One without a slash in it means that name in any directory, another one
 * begins at the project's directory, at `/` or at `~/`. Pure.
 */
import type { PathName } from '../../shared/model/policy.ts';
import { fold } from '../../shared/text/fold.ts';
import { MAX_PATTERN, parseGlob } from './parse.ts';

/** Names in one pattern. */
const MAX_NAMES = 32;

/** What would be right; null: the pattern can be used. */
export function blockedPathProblem(pattern: string): string | null {
  if (pattern.length > MAX_PATTERN) return `write at most ${MAX_PATTERN} characters`;
  if (pattern.includes('\0')) return 'remove the NUL character';
  const names = pattern
    .replace(/^~\//, '/')
    .split('/')
    .filter((name) => name !== '' && name !== '.');
  if (names.length === 0) return 'write a name or a path, like .env or secrets/';
  if (names.length > MAX_NAMES) return `write at most ${MAX_NAMES} names with slashes between them`;
  if (names.includes('..')) return 'write the path without ".."';
  for (const name of names) {
    if (name === '**') continue;
    if (name.includes('**')) return 'write "**" between slashes, like secrets/**/key';
    // A brace or bracket that is closed behind a slash would be two names.
    if (/^[^{]*\}|\{[^}]*$/.test(name)) return 'write several patterns: braces hold no slash';
    const parsed = parseGlob(name, 'path');
    if (!parsed.ok) return parsed.fix;
  }
  return null;
}

/**
 * A pattern that has no problem, as names from the root on.
 *
 * @param cwds absolute paths of the project. @param home absolute.
 */
export function blockedWays(
  pattern: string,
  cwds: readonly string[],
  home: string,
): readonly (readonly PathName[])[] {
  const names = namesIn(fold(pattern)).map(pathName);
  if (pattern.startsWith('~/')) return [[...literal(home), ...names.slice(1)]];
  if (pattern.startsWith('/')) return [names];
  const isName = !pattern.replace(/\/+$/, '').includes('/');
  return isName ? [['deep', ...names]] : cwds.map((cwd) => [...literal(cwd), ...names]);
}

function namesIn(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function pathName(name: string): PathName {
  if (name === '**') return 'deep';
  const parsed = parseGlob(name, 'path');
  if (!parsed.ok) throw new Error(`not a pattern: ${JSON.stringify(name)}: ${parsed.fix}`);
  return parsed.alternatives;
}

function literal(path: string): PathName[] {
  return namesIn(fold(path)).map((name) => [
    Array.from(name, (character) => character.codePointAt(0) ?? 0),
  ]);
}
