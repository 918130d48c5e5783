import { describe, expect, it } from 'vitest';
import { formatProblem, loadConfig } from '#src/main/config/load.ts';
import { directory, fullClientFile, fullRegistry, problemsOf, write } from './files.ts';
import { brokenClientFiles, brokenRegistries, type Mutation } from './mutations.ts';

const ONE_LINE = /^[\w./-]+:\d+: \S.*?: \S.*; \S.*$/;

/** Checks the lines a broken file is answered with; returns what is wrong with them, or null. */
function complaint(cwd: string, name: string, mutation: Mutation): string | null {
  const file = write(cwd, name, mutation.text);
  const result = loadConfig({ cwd, file, env: {} });
  if (result.ok) return 'accepted';
  const lines = result.problems.map(formatProblem);
  if (lines.length === 0) return 'refused without a problem';
  for (const line of lines) {
    if (!ONE_LINE.test(line) || line.includes('\n'))
      return `not one line with place and fix: ${line}`;
    if (/undefined|Invalid input|\[object|node_modules|hunter2/.test(line))
      return `unclear: ${line}`;
  }
  const source = mutation.text.split('\n');
  if (result.problems.some(({ line }) => line === null || line > source.length)) return 'no line';
  const { key } = mutation;
  const named = result.problems.some(
    ({ line }) => key === null || source[(line ?? 1) - 1]?.includes(key),
  );
  return named ? null : `does not name the line of ${key}: ${lines.join(' | ')}`;
}

describe('a broken configuration file', () => {
  it('is based on files that are valid', () => {
    expect(problemsOf(JSON.stringify(fullRegistry()), 'registry.json')).toEqual([]);
    expect(problemsOf(JSON.stringify(fullRegistry()))).toEqual([]);
    expect(problemsOf(JSON.stringify(fullClientFile()), 'client.json')).toEqual([]);
  });

  it.each([
    ['registry.yaml', brokenRegistries(1200, 1)],
    ['client.json', brokenClientFiles(1000, 2)],
  ])(
    '%s is refused with one line per problem, with file, line, place and fix',
    (name, broken) => {
      expect(broken.length).toBeGreaterThanOrEqual(1000);
      const cwd = directory();
      const complaints = broken.flatMap((mutation) => {
        const found = complaint(cwd, name, mutation);
        return found === null ? [] : [`${mutation.what}: ${found}`];
      });
      expect(complaints).toEqual([]);
    },
    60_000,
  );
});
