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

/** The first problem of a server, and how many more it has. */
interface First {
  readonly problem: Problem;
  more: number;
}

export function sortProblems(draft: Draft, problems: readonly Problem[]): Sorted {
  const entries = [...draft.servers, ...draft.broken].map(({ path, name }) => {
    return { prefix: formatPath(path), name };
  });
  const ofFile: Problem[] = [];
  const ofEntries: Problem[] = [];
  const first = new Map<string, First>();
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
    else if (!first.has(entry.name)) first.set(entry.name, { problem, more: 0 });
    else (first.get(entry.name) as First).more += 1;
  }
  const reasons = new Map([...first].map(([name, one]) => [name, inOneLine(one)]));
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
    blocked: null,
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

function inOneLine({ problem, more }: First): string {
  const text = formatProblem(problem);
  return more === 0 ? text : `${text} (and ${more} more)`;
}
