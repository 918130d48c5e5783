/**
 * `rea init`: writes a first `.rea/registry.yaml` and `.rea/policy.yaml`, with the servers of an MCP
 * client's file if one is given. Creates only: never overwrites, never writes through a symbolic link.
 */
import { closeSync, constants, lstatSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { oneLine } from '../../shared/text/clean-text.ts';
import { allProblems } from '../config/document.ts';
import type { Draft } from '../config/draft.ts';
import { literalSecrets } from '../config/literal-secrets.ts';
import { openConfig } from '../config/load.ts';
import { problemLines, warningLines } from '../config/problem.ts';
import { displayName, systemCode } from '../config/read-file.ts';
import { POLICY_TEMPLATE, registryText } from '../config/templates.ts';

export interface InitOptions {
  /** Absolute directory to make `.rea` in. */
  readonly cwd: string;
  /** File to write the registry to instead of `.rea/registry.yaml`. */
  readonly config?: string;
  /** File of an MCP client; its servers are imported. */
  readonly from?: string;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** @returns the exit code: 0 both files written, 1 nothing written. */
export function runInit(options: InitOptions): number {
  const { cwd } = options;
  const fail = (line: string): 1 => {
    options.stderr.write(`rea: ${oneLine(line)}\n`);
    return 1;
  };
  const registry = resolve(cwd, options.config ?? join('.rea', 'registry.yaml'));
  if (['.json', '.jsonc'].includes(extname(registry).toLowerCase())) {
    return fail(`${registry}: init writes YAML; give a name that ends in .yaml`);
  }
  const imported = options.from === undefined ? null : readClient(cwd, options.from);
  if (imported !== null && !imported.ok) {
    for (const line of imported.lines) fail(line);
    return 1;
  }
  const directory = join(cwd, '.rea');
  const refused = makeDirectory(directory);
  if (refused !== null) return fail(refused);
  const files: [path: string, text: string][] = [
    [registry, registryText(imported?.draft ?? null)],
    [join(directory, 'policy.yaml'), POLICY_TEMPLATE],
  ];
  for (const [path] of files) {
    if (exists(path)) {
      const shown = displayName(path, cwd);
      return fail(`${shown} exists already; edit it, or move it away and run rea init again`);
    }
  }
  for (const [path, text] of files) {
    const error = create(path, text);
    if (error !== null) return fail(`${displayName(path, cwd)} cannot be written (${error})`);
    options.stdout.write(`${oneLine(`wrote ${displayName(path, cwd)}`)}\n`);
  }
  for (const line of imported?.warnings ?? []) {
    options.stderr.write(`rea: warning: ${oneLine(line)}\n`);
  }
  return 0;
}

type Imported =
  | { readonly ok: true; readonly draft: Draft; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly lines: readonly string[] };

function readClient(cwd: string, from: string): Imported {
  // Trusted: it is read once, for a person who sees the result.
  const opened = openConfig({ cwd, file: from, trustConfig: true });
  if (!opened.ok) return { ok: false, lines: problemLines(opened.problems) };
  const { draft, document } = opened;
  const problems = allProblems(document, draft.problems);
  if (problems.length > 0) return { ok: false, lines: problemLines(problems) };
  if (draft.dialect !== 'client') {
    const advice = 'copy it to .rea/registry.yaml instead of importing it';
    return { ok: false, lines: [`${document.file} is no client file; ${advice}`] };
  }
  const left = draft.servers
    .filter((server) => server.unavailable !== null)
    .map((server) => `server "${server.name}" is left out: ${server.unavailable}`);
  const warnings = warningLines([...opened.warnings, ...draft.warnings, ...left]);
  // All of these are shown, not only the first: no other command finds the secrets in the file.
  return { ok: true, draft, warnings: [...warnings, ...literalSecrets(draft)] };
}

/** Makes `.rea`, 0700. @returns why that is impossible, or null. */
function makeDirectory(directory: string): string | null {
  try {
    mkdirSync(directory, { mode: 0o700 });
    return null;
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'EEXIST') {
      return `${directory} cannot be created (${code}); pass --cwd DIR with a directory of yours`;
    }
  }
  if (lstatSync(directory).isDirectory()) return null;
  return `${directory} is not a directory; move it away and run rea init again`;
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Writes a new file, 0600. @returns the code of the system error, or null. */
function create(path: string, text: string): string | null {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  try {
    const descriptor = openSync(path, flags | (constants.O_NOFOLLOW ?? 0), 0o600);
    try {
      writeSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
    return null;
  } catch (error) {
    return systemCode(error);
  }
}
