/**
 * Loads the configuration of a gateway: finds the file, reads it in its format, and answers with a
 * complete configuration or with all problems. Starts nothing, writes nothing, never throws for anything
 * that an operator can cause.
 */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GatewayConfig, LimitsConfig, ServerConfig } from '../../shared/model/config.ts';
import { isObject } from '../../shared/model/is-object.ts';
import type { RulePlaces } from '../../shared/model/policy.ts';
import { moduleFile } from '../own-files.ts';
import { brokenServer, sortProblems } from './broken.ts';
import { findLists } from './clients/lists.ts';
import { readClientFile } from './clients/read.ts';
import { configCandidates } from './default-files.ts';
import { allProblems, type ConfigDocument, problemAt } from './document.ts';
import type { Draft } from './draft.ts';
import { parseConfig } from './parse.ts';
import type { Problem } from './problem.ts';
import { displayName, readConfigFile } from './read-file.ts';
import { readRegistry } from './registry.ts';
import { resolveServers } from './servers.ts';
import {
  DEFAULT_IDLE_EXIT_MS,
  DEFAULT_LIST_WAIT_MS,
  leastCredit,
  settleHttp,
  settleLimits,
  settleThreads,
} from './settings.ts';
import type { Written } from './written.ts';

export { formatProblem, type Problem } from './problem.ts';

export interface LoadOptions {
  /** Absolute directory that the gateway works for: it holds `.rea`, and relative paths begin there. */
  readonly cwd: string;
  /** Configuration to read instead of `.rea/registry.yaml` (also `.yml`, `.json`). */
  readonly file?: string;
  /** True: a file that others can change is read with a warning. @default false: refused */
  readonly trustConfig?: boolean;
  /** A larger file is a problem. @default 1 MiB */
  readonly maxBytes?: number;
  readonly env: NodeJS.ProcessEnv;
}

export type LoadResult =
  | {
      readonly ok: true;
      readonly config: GatewayConfig;
      /** The programs and addresses of its servers as written, by name. */
      readonly written: ReadonlyMap<string, Written>;
      /** Where the rules of its servers are written, by name. */
      readonly places: ReadonlyMap<string, RulePlaces>;
      readonly mistakes: Mistakes;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Mistakes in single entries: each keeps its own server down. */
export interface Mistakes {
  readonly problems: readonly Problem[];
  /** Names of the servers that stay down for it. */
  readonly servers: ReadonlySet<string>;
  /** Entries with mistakes that do not say which server they are about. */
  readonly nameless: number;
}

export function loadConfig(options: LoadOptions): LoadResult {
  const opened = openConfig(options);
  if (!opened.ok) return opened;
  const { file, document, draft } = opened;
  const threads = settleThreads(draft.threads);
  const resolved = resolveServers(draft, document, threads, options.cwd, options.env);
  const largest = Math.max(0, ...resolved.servers.map(({ maxMessageBytes }) => maxMessageBytes));
  const limits = settleLimits(draft.limits, largest);
  const problems = allProblems(document, [
    ...draft.problems,
    ...resolved.problems,
    ...creditProblems(document, limits, largest),
  ]);
  const sorted = sortProblems(draft, problems);
  if (sorted.ofFile.length > 0) return { ok: false, problems };
  const servers = inFileOrder(draft, [
    ...resolved.servers.map((server) => {
      const reason = sorted.reasons.get(server.name);
      return reason === undefined ? server : { ...server, unavailable: reason };
    }),
    ...draft.broken.flatMap(({ name, prefix, off }) =>
      name === null || off ? [] : [brokenServer(name, prefix, sorted.reasons.get(name) ?? '')],
    ),
  ]);
  const warnings = [...opened.warnings, ...draft.warnings, ...resolved.warnings];
  if (servers.length === 0 && problems.length === 0)
    warnings.push(`${document.file}: no server is enabled`);
  return {
    ok: true,
    config: {
      file,
      servers,
      reserved: resolved.reserved,
      threads,
      limits,
      http: settleHttp(draft.http),
      listWaitMs: draft.listWaitMs ?? DEFAULT_LIST_WAIT_MS,
      idleExitMs: draft.idleExitMs ?? DEFAULT_IDLE_EXIT_MS,
      variables: resolved.variables,
      warnings,
    },
    written: resolved.written,
    places: resolved.places,
    mistakes: {
      problems: sorted.ofEntries,
      servers: new Set(sorted.reasons.keys()),
      nameless: sorted.nameless,
    },
  };
}

/** Entries that cannot be read stand between those that can. */
function inFileOrder(draft: Draft, servers: readonly ServerConfig[]): ServerConfig[] {
  if (draft.broken.length === 0) return [...servers];
  const places = new Map(
    [...draft.servers, ...draft.broken].map(({ name, path }) => [name, Number(path.at(-1))]),
  );
  return [...servers].sort((a, b) => (places.get(a.name) ?? 0) - (places.get(b.name) ?? 0));
}

/** What is wrong with the text of a registry; variables count as not set. */
export interface TextProblems {
  readonly ofFile: readonly Problem[];
  /** The first problem of an entry, without its place, by its index in `servers`. */
  readonly byEntry: ReadonlyMap<number, string>;
}

/** @param file the name in messages. @param cwd absolute. */
export function loadText(text: string, file: string, cwd: string): TextProblems {
  const parsed = parseConfig(text, file, '.yaml');
  if (!parsed.ok) return { ofFile: parsed.problems, byEntry: new Map() };
  const { document } = parsed;
  const draft = readRegistry(document);
  const resolved = resolveServers(draft, document, settleThreads(draft.threads), cwd, {});
  const ofFile: Problem[] = [];
  const byEntry = new Map<number, string>();
  for (const problem of allProblems(document, [...draft.problems, ...resolved.problems])) {
    const [, at, key = ''] = /^servers\[(\d+)\]\.?(.*)$/.exec(problem.path) ?? [];
    if (at === undefined) ofFile.push(problem);
    else if (!byEntry.has(Number(at))) {
      byEntry.set(Number(at), `${key} ${problem.message}; ${problem.fix}`.trim());
    }
  }
  return { ofFile, byEntry };
}

/** With a byte credit smaller than its largest messages the gateway would stand still. */
function creditProblems(
  document: ConfigDocument,
  { byteCreditBytes }: LimitsConfig,
  largest: number,
): Problem[] {
  const least = leastCredit(largest);
  if (byteCreditBytes >= least) return [];
  const message = `is too little for messages of ${largest} bytes`;
  const fix = `write ${Math.ceil(least / 1_048_576)} or more, or lower max_message_bytes`;
  return [problemAt(document, ['defaults', 'byte_credit_mb'], message, fix)];
}

export type Opened =
  | {
      readonly ok: true;
      readonly file: string;
      readonly document: ConfigDocument;
      readonly draft: Draft;
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Finds and parses the file; the draft has nothing filled in and no reference expanded. */
export function openConfig({
  cwd,
  file,
  trustConfig = false,
  maxBytes,
}: Omit<LoadOptions, 'env'>): Opened {
  const candidates = configCandidates(cwd, file);
  for (const candidate of candidates) {
    const shown = displayName(candidate, cwd);
    const read = readConfigFile(candidate, shown, trustConfig, maxBytes);
    if (read.kind === 'absent') continue;
    if (read.kind === 'problem') return { ok: false, problems: read.problems };
    const parsed = parseConfig(read.text, shown, extname(candidate).toLowerCase());
    if (!parsed.ok) return parsed;
    const { document } = parsed;
    const lists = isRegistry(document.value) ? null : findLists(document.value, cwd);
    const draft =
      lists === null
        ? readRegistry(document)
        : readClientFile(document, lists, fileURLToPath(moduleFile('main/index')));
    return { ok: true, file: candidate, document, draft, warnings: read.warnings };
  }
  const shown = displayName(candidates[0] ?? cwd, cwd);
  const message = file === undefined ? `does not exist in ${cwd}` : 'does not exist';
  const fix = 'run "rea init" there, or pass --cwd DIR or --config FILE';
  return { ok: false, problems: [{ file: shown, line: null, path: '', message, fix }] };
}

/** The list of a registry is a list; that of a client is an object, or has another name. */
function isRegistry(value: unknown): boolean {
  return isObject(value) && (Array.isArray(value['servers']) || Object.hasOwn(value, 'version'));
}
