/**
 * Loads the configuration of a gateway: finds the file, reads it in its format, and answers with a
 * complete configuration or with all problems. Starts nothing, writes nothing, never throws for anything
 * that an operator can cause.
 */
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GatewayConfig, LimitsConfig } from '../../shared/model/config.ts';
import { isClientFile, readClientFile } from './client-json.ts';
import { allProblems, type ConfigDocument, problemAt } from './document.ts';
import type { Draft } from './draft.ts';
import { parseJson } from './json.ts';
import type { Problem } from './problem.ts';
import { displayName, readConfigFile } from './read-file.ts';
import { readRegistry } from './registry.ts';
import { resolveServers } from './servers.ts';
import {
  DEFAULT_LIST_WAIT_MS,
  leastCredit,
  settleHttp,
  settleLimits,
  settleThreads,
} from './settings.ts';
import type { Written } from './written.ts';
import { parseYaml } from './yaml.ts';

export { formatProblem, type Problem } from './problem.ts';

export interface LoadOptions {
  /** Absolute directory that the gateway works for: it holds `.rea`, and relative paths begin there. */
  readonly cwd: string;
  /** Configuration to read instead of `.rea/registry.yaml` (also `.yml`, `.json`). */
  readonly file?: string;
  /** True: a file that others can change is read with a warning. @default false: refused */
  readonly trustConfig?: boolean;
  readonly env: NodeJS.ProcessEnv;
}

export type LoadResult =
  | {
      readonly ok: true;
      readonly config: GatewayConfig;
      /** The programs and addresses of its servers as written, by name. */
      readonly written: ReadonlyMap<string, Written>;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Names under `.rea`, in the order of preference. */
const DEFAULT_NAMES = ['registry.yaml', 'registry.yml', 'registry.json'];

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
  if (problems.length > 0) return { ok: false, problems };
  const warnings = [...opened.warnings, ...draft.warnings, ...resolved.warnings];
  if (resolved.servers.length === 0) warnings.push(`${document.file}: no server is enabled`);
  return {
    ok: true,
    config: {
      file,
      servers: resolved.servers,
      reserved: resolved.reserved,
      threads,
      limits,
      http: settleHttp(draft.http),
      listWaitMs: draft.listWaitMs ?? DEFAULT_LIST_WAIT_MS,
      warnings,
    },
    written: resolved.written,
  };
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
export function openConfig({ cwd, file, trustConfig = false }: Omit<LoadOptions, 'env'>): Opened {
  const candidates =
    file === undefined
      ? DEFAULT_NAMES.map((name) => join(cwd, '.rea', name))
      : [resolve(cwd, file)];
  for (const candidate of candidates) {
    const shown = displayName(candidate, cwd);
    const read = readConfigFile(candidate, shown, trustConfig);
    if (read.kind === 'absent') continue;
    if (read.kind === 'problem') return { ok: false, problems: read.problems };
    const json = ['.json', '.jsonc'].includes(extname(candidate).toLowerCase());
    const parsed = json ? parseJson(read.text, shown) : parseYaml(read.text, shown);
    if (!parsed.ok) return parsed;
    const { document } = parsed;
    const draft =
      json && isClientFile(document.value)
        ? readClientFile(document, ownProgram())
        : readRegistry(document);
    return { ok: true, file: candidate, document, draft, warnings: read.warnings };
  }
  const shown = displayName(candidates[0] ?? cwd, cwd);
  const message = file === undefined ? `does not exist in ${cwd}` : 'does not exist';
  const fix = 'run "rea init" there, or pass --cwd DIR or --config FILE';
  return { ok: false, problems: [{ file: shown, line: null, path: '', message, fix }] };
}

/** Path of the `rea` entry point beside this module. */
function ownProgram(): string {
  const here = fileURLToPath(import.meta.url);
  return join(dirname(dirname(here)), `index${extname(here)}`);
}
