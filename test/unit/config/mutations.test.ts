import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { formatProblem, type LoadResult, loadConfig } from '#src/main/config/load.ts';
import type { ServerConfig } from '#src/shared/model/config.ts';
import { directory, fullClientFile, fullRegistry, problemsOf, write } from './files.ts';
import { brokenClientFiles, brokenRegistries, type Mutation } from './mutations.ts';

const ONE_LINE = /^[\w./-]+:\d+: \S.*?: \S.*; \S.*$/;
/** The text itself is broken, so that nothing of it can be told. */
const SYNTAX = /^(?:cut at|no character|brackets at|line \d+ is)/;

type Loaded = Extract<LoadResult, { ok: true }>;

/** What is wrong with the lines, or null. */
function unclear(lines: readonly string[]): string | null {
  for (const line of lines) {
    if (!ONE_LINE.test(line) || line.includes('\n'))
      return `not one line with place and fix: ${line}`;
    if (/undefined|Invalid input|\[object|node_modules|hunter2/.test(line))
      return `unclear: ${line}`;
  }
  return null;
}

/** Names of servers that are not as they are without the mistake. */
function changed({ config }: Loaded, base: readonly ServerConfig[]): string[] {
  const found = new Map(config.servers.map((server) => [server.name, server]));
  return base.filter((one) => !isDeepStrictEqual(found.get(one.name), one)).map(({ name }) => name);
}

/** Checks what a broken registry is answered with; returns what is wrong with it, or null. */
function ofRegistry(cwd: string, base: readonly ServerConfig[], mutation: Mutation): string | null {
  const file = write(cwd, 'registry.yaml', mutation.text);
  const result = loadConfig({ cwd, file, env: {} });
  const problems = result.ok ? result.mistakes.problems : result.problems;
  if (problems.length === 0) return 'accepted';
  const lines = problems.map(formatProblem);
  const source = mutation.text.split('\n');
  if (problems.some(({ line }) => line === null || line > source.length)) return 'no line';
  const { key } = mutation;
  const isNamed = problems.some(
    ({ line }) => key === null || source[(line ?? 1) - 1]?.includes(key),
  );
  if (!isNamed) return `does not name the line of ${key}: ${lines.join(' | ')}`;
  const inEntries = problems.every(({ path }) => path.startsWith('servers['));
  if (inEntries !== result.ok) return `the whole file is refused: ${lines.join(' | ')}`;
  if (result.ok) {
    const concerned = new Set(problems.map(({ path }) => /^servers\[(\d+)\]/.exec(path)?.[1]));
    const others = changed(result, base).length;
    // Two servers are concerned when one takes the name or the prefix of the other.
    const isClash = /^"(?:plain|off)" at/.test(mutation.what);
    if (others > concerned.size + Number(isClash))
      return `${others} servers differ: ${lines.join(' | ')}`;
    const down = result.config.servers.filter(({ name }) => result.mistakes.servers.has(name));
    if (down.some(({ unavailable }) => unavailable === null))
      return 'a server with a mistake is up';
  }
  return unclear(lines);
}

/** The same for the file of a client, which takes more: what is not taken is said, and costs one server. */
function ofClient(cwd: string, base: readonly ServerConfig[], mutation: Mutation): string | null {
  const file = write(cwd, 'client.json', mutation.text);
  const result = loadConfig({ cwd, file, env: {} });
  if (!result.ok) {
    const lines = result.problems.map(formatProblem);
    const isSyntax = SYNTAX.test(mutation.what) || /at mcpServers$|__proto__/.test(mutation.what);
    return isSyntax ? unclear(lines) : `the whole file is refused: ${lines.join(' | ')}`;
  }
  const { config, mistakes } = result;
  const differ = changed(result, base);
  if (differ.length > 1 && !mutation.what.endsWith('at mcpServers'))
    return `${differ.join()} differ`;
  const lines = [
    ...mistakes.problems.map(formatProblem),
    ...config.servers.flatMap(({ unavailable }) => unavailable ?? []),
    ...config.warnings,
  ];
  const gone = differ.filter((name) => {
    const server = config.servers.find((one) => one.name === name);
    return server === undefined || server.unavailable !== null;
  });
  const isOff = /(?:disabled|enabled)/.test(mutation.what);
  if (gone.length > 0 && lines.length === 0 && !isOff)
    return `${gone.join()} is gone without a word`;
  return unclear(lines.filter((line) => !line.endsWith('no server is enabled')));
}

function baseOf(cwd: string, text: string, name: string): readonly ServerConfig[] {
  const result = loadConfig({ cwd, file: write(cwd, name, text), env: {} });
  if (!result.ok) throw new Error('the base is not valid');
  return result.config.servers;
}

describe('a broken configuration file', () => {
  it('is based on files that are valid', () => {
    expect(problemsOf(JSON.stringify(fullRegistry()), 'registry.json')).toEqual([]);
    expect(problemsOf(JSON.stringify(fullRegistry()))).toEqual([]);
    expect(problemsOf(JSON.stringify(fullClientFile()), 'client.json')).toEqual([]);
  });

  it.each([
    ['registry', brokenRegistries(1200, 1), ofRegistry, JSON.stringify(fullRegistry())],
    ['client', brokenClientFiles(1000, 2), ofClient, JSON.stringify(fullClientFile())],
  ])(
    'of a %s is answered with one line per problem, and one entry costs no other server',
    (name, broken, complaint, valid) => {
      expect(broken.length).toBeGreaterThanOrEqual(1000);
      const cwd = directory();
      const base = baseOf(cwd, valid, `${name}.json`);
      const complaints = broken.flatMap((mutation) => {
        const found = complaint(cwd, base, mutation);
        return found === null ? [] : [`${mutation.what}: ${found}`];
      });
      expect(complaints).toEqual([]);
    },
    60_000,
  );
});
