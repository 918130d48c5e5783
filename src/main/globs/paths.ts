/**
 * The patterns of `blocked_paths`: names with stars, question marks, classes and braces between slashes, and
 * `**` for any number of directories. Pure.
 */
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
