/**
 * Which server a problem of a configuration belongs to: a mistake in one entry keeps that server down and costs
 * no other one. What belongs to no entry concerns the whole file. Pure.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import { NO_RULES } from '../../shared/model/policy.ts';
import type { Draft } from './draft.ts';
import { formatPath, formatProblem, type Problem } from './problem.ts';
import { settle } from './settings.ts';

export interface Sorted {
  /** Of the file as a whole: with any of these nothing of it can be used. */
  readonly ofFile: readonly Problem[];
  /** Of single entries. */
  readonly ofEntries: readonly Problem[];
  /** The first problem of each server in one line, by name. */
  readonly reasons: ReadonlyMap<string, string>;
  /** Entries with problems whose server cannot be told. */
  readonly nameless: number;
}

export function sortProblems(draft: Draft, problems: readonly Problem[]): Sorted {
  const entries = [...draft.servers, ...draft.broken].map(({ path, name }) => {
    return { prefix: formatPath(path), name };
  });
  const ofFile: Problem[] = [];
  const ofEntries: Problem[] = [];
  const found = new Map<string, Problem[]>();
  const nameless = new Set<string>();
  const byPrefix = new Map(entries.map((entry) => [entry.prefix, entry]));
  for (const problem of problems) {
    const entry = entryOf(problem.path, byPrefix);
    if (entry === null) {
      ofFile.push(problem);
      continue;
    }
    ofEntries.push(problem);
    if (entry.name === null) nameless.add(entry.prefix);
    else found.set(entry.name, [...(found.get(entry.name) ?? []), problem]);
  }
  const reasons = new Map([...found].map(([name, all]) => [name, inOneLine(all)]));
  return { ofFile, ofEntries, reasons, nameless: nameless.size };
}

/** A server whose entry cannot be read: it is listed, and stays down. */
export function brokenServer(name: string, prefix: string, reason: string): ServerConfig {
  return {
    name,
    lane: name,
    endpoint: null,
    command: '',
    args: [],
    cwd: '/',
    env: {},
    envPassthrough: [],
    expanded: [],
    clientCapabilities: null,
    prefix,
    resources: { owner: [] },
    rules: NO_RULES,
    ...settle({}),
    unavailable: reason,
    fingerprint: '',
  };
}

function entryOf<T>(path: string, entries: ReadonlyMap<string, T>): T | null {
  // `servers[1].env.A` → itself, then shorter and shorter.
  for (let end = path.length; end > 0; end--) {
    const next = path[end];
    if (next !== undefined && next !== '.' && next !== '[') continue;
    const entry = entries.get(path.slice(0, end));
    if (entry !== undefined) return entry;
  }
  return null;
}

function inOneLine(problems: readonly Problem[]): string {
  const [first, ...more] = problems;
  if (first === undefined) return '';
  const text = formatProblem(first);
  return more.length === 0 ? text : `${text} (and ${more.length} more)`;
}
