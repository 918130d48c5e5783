/**
 * What `rea init` writes: a first `.rea/registry.yaml` and `.rea/policy.yaml`, with the servers of an MCP client's file
 * if one is given, and their schemas; says what comes next. It overwrites nothing that people write, and never writes
 * through a symbolic link.
 */
import { closeSync, constants, lstatSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { isThere, readSmallFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import { sortProblems } from '../config/broken.ts';
import { MAX_CLIENT_BYTES } from '../config/clients/known/files.ts';
import { type Merged, mergeDrafts, type NamedDraft } from '../config/clients/merge.ts';
import { allProblems } from '../config/document.ts';
import { schemaLine } from '../config/editor/files.ts';
import { envExample } from '../config/env-example.ts';
import { firstLines, firstNames } from '../config/first-of.ts';
import { type Import, importServers } from '../config/import.ts';
import { literalSecrets } from '../config/literal-secrets.ts';
import { loadConfig, openConfig } from '../config/load.ts';
import { clip, problemLines, warningLines } from '../config/problem.ts';
import { displayName, systemCode } from '../config/read-file.ts';
import {
  GIT_IGNORE,
  GIT_IGNORE_REGISTRY,
  POLICY_TEMPLATE,
  registryText,
} from '../config/templates.ts';
import { speechOn } from './say.ts';
import { writeSchemas } from './schema.ts';

const MAX_TEMPLATE_BYTES = 64 * 1024;

export interface FirstFilesOptions {
  /** Absolute directory to make `.rea` in. */
  readonly cwd: string;
  /** File to write the registry to instead of `.rea/registry.yaml`. */
  readonly config?: string;
  /** Files of MCP clients; their servers are imported. */
  readonly from?: readonly ImportFile[];
  /** What rea would be started with. */
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

export interface ImportFile {
  /** Absolute. */
  readonly file: string;
  /** The name of a client that is known and has its own file there. */
  readonly client?: string;
}

/** @returns the exit code: 0 the files are written, 1 nothing written. */
export function writeFirstFiles(options: FirstFilesOptions): number {
  const { cwd } = options;
  const { say, fail, warn } = speechOn(options);
  const registry = resolve(cwd, options.config ?? join('.rea', 'registry.yaml'));
  if (['.json', '.jsonc'].includes(extname(registry).toLowerCase())) {
    return fail(`${registry}: init writes YAML; give a name that ends in .yaml`, 1);
  }
  const shown = displayName(registry, cwd);
  const from = options.from ?? [];
  const client = from.length === 0 ? null : readClients(cwd, from, shown);
  if (client !== null && !client.ok) return fail(client.lines, 1);
  const failed = writeAll(cwd, registry, client, say);
  if (failed !== null) return fail(failed, 1);
  for (const line of client?.warnings ?? []) warn(line);
  if (client === null) {
    say(`next: write your servers into ${shown}, then: rea check`);
    return 0;
  }
  for (const line of firstLines(afterImport(client), 'server', 'rea check lists them')) say(line);
  if (envExample(client.draft) !== null)
    say('the variables in .rea/env.example have to be set for rea serve');
  const names = [...new Set(from.flatMap(({ client: name }) => name ?? []))];
  say(`next: ${nextStep(names, downIn(options, registry))}`);
  return 0;
}

/** @param clients that can be connected. @param down servers that rea could not start now. */
function nextStep(clients: readonly string[], down: readonly string[]): string {
  const connect = `rea connect ${clients.join(' ')}`;
  if (clients.length === 0) return 'rea check';
  if (down.length === 0) {
    return `rea check, then, so that no server runs twice: ${connect} --take-over`;
  }
  // A server that only its client can start as things are stays there.
  return `rea check says why these stay down: ${firstNames(down).join(', ')}; mend that, then: ${connect}`;
}

function downIn({ cwd, env }: FirstFilesOptions, file: string): string[] {
  const loaded = loadConfig({ cwd, file, env });
  if (!loaded.ok) return [];
  return loaded.config.servers.flatMap(({ name, unavailable }) =>
    unavailable === null ? [] : [name],
  );
}

interface Clients extends Merged {
  readonly ok: true;
  /** Files that `rea connect` can take servers out of, by their names in messages. */
  readonly connectable: ReadonlySet<string>;
  readonly imported: Import;
  readonly warnings: readonly string[];
  /** Secrets are written out in the new registry. */
  readonly isSecret: boolean;
}

/** Writes the files, or none if the registry or the policy is there. @returns why not, or null. */
function writeAll(
  cwd: string,
  registry: string,
  client: Clients | null,
  say: (line: string) => void,
): string | null {
  const directory = join(cwd, '.rea');
  const refused = makeDirectory(directory);
  if (refused !== null) return refused;
  const policy = join(directory, 'policy.yaml');
  const head = schemaLine(registry, cwd, 'registry');
  const empty = `${head}${registryText([], cwd)}`;
  const rules = `${schemaLine(policy, cwd, 'policy')}${POLICY_TEMPLATE}`;
  const files: [path: string, text: string][] = [
    [registry, client === null ? empty : `${head}${client.imported.text}`],
    [policy, rules],
  ];
  const isUntouched = (path: string) => holds(path, path === policy ? rules : empty);
  const untouched = new Set(files.map(([path]) => path).filter(isUntouched));
  // An import goes into the empty registry that an earlier `rea init` has left.
  if (client === null) untouched.delete(registry);
  for (const [path] of files) {
    if (isThere(path) && !untouched.has(path)) {
      const name = displayName(path, cwd);
      return `${name} exists already; edit it, or move it away and run rea init again`;
    }
  }
  const ignored = join(directory, '.gitignore');
  if (holds(ignored, GIT_IGNORE)) untouched.add(ignored);
  files.push(...companions(directory, registry, client, untouched));
  for (const [path, text] of files) {
    if (untouched.has(path) && holds(path, text)) continue;
    const error = untouched.has(path) ? replace(path, text) : create(path, text);
    if (error !== null) return `${displayName(path, cwd)} cannot be written (${error})`;
    say(`wrote ${displayName(path, cwd)}`);
  }
  if (client?.isSecret === true) say(outOfGit(displayName(registry, cwd), ignored));
  return writeSchemas(cwd, say);
}

/** Files that may be there already, and are a person's own then. */
function companions(
  directory: string,
  registry: string,
  client: Clients | null,
  untouched: ReadonlySet<string>,
): [path: string, text: string][] {
  const isSecret = client?.isSecret === true && dirname(registry) === directory;
  const all: [name: string, text: string | null][] = [
    ['.gitignore', isSecret ? GIT_IGNORE_REGISTRY : GIT_IGNORE],
    ['env.example', client === null ? null : envExample(client.draft)],
  ];
  return all.flatMap(([name, text]): [string, string][] => {
    const path = join(directory, name);
    return text === null || (isThere(path) && !untouched.has(path)) ? [] : [[path, text]];
  });
}

/** Whether git takes a registry with secrets in it. */
function outOfGit(registry: string, ignored: string): string {
  const isIgnored = holds(ignored, GIT_IGNORE_REGISTRY) && /^\.rea[/\\][^/\\]+$/.test(registry);
  return isIgnored
    ? `${registry} is kept out of git by .rea/.gitignore: values are written out in it`
    : `keep ${registry} out of git: values are written out in it`;
}

/** What became of the clients' servers, and what is left to do there. */
function afterImport({ origins, imported, connectable }: Clients): string[] {
  const quoted = (name: string) => JSON.stringify(clip(name, 60));
  const renamed: string[] = [];
  const twins: string[] = [];
  const twice = new Map<string, string[]>();
  for (const { name, options } of imported.taken) {
    const [first, ...others] = origins.get(name) ?? [];
    if (first === undefined) continue;
    if (first.name !== name) renamed.push(`${quoted(first.name)} is called ${name} here`);
    for (const { file, name: other } of others) {
      twins.push(`${quoted(other)} of ${file} is ${name}, too, and taken once`);
    }
    if (options.enabled === false) continue;
    for (const one of [first, ...others].filter(({ file }) => !connectable.has(file))) {
      twice.set(one.file, [...(twice.get(one.file) ?? []), quoted(one.name)]);
    }
  }
  const left = [...twice].map(([file, names]) => {
    return `take these out of ${file}, or they run twice: ${firstNames(names).join(', ')}`;
  });
  return [...renamed, ...twins, ...left];
}

type Lines = { readonly ok: false; readonly lines: readonly string[] };

function readClients(cwd: string, from: readonly ImportFile[], registry: string): Clients | Lines {
  const parts: NamedDraft[] = [];
  const warnings: string[] = [];
  const connectable = new Set<string>();
  for (const { file, client } of from) {
    const read = readClient(cwd, file);
    if (!read.ok) return read;
    parts.push(read.part);
    if (client !== undefined) connectable.add(read.part.file);
    warnings.push(...read.warnings);
  }
  const merged = mergeDrafts(parts, cwd);
  const imported = importServers(merged.draft, cwd, registry);
  const all = warningLines([...warnings, ...merged.draft.warnings, ...imported.left]);
  // All of these are shown, not only the first: no other command finds the secrets in the file.
  const secrets = literalSecrets(imported.taken);
  const isSecret = secrets.length > 0;
  return { ok: true, ...merged, connectable, imported, warnings: [...all, ...secrets], isSecret };
}

function readClient(
  cwd: string,
  from: string,
): Lines | { readonly ok: true; readonly part: NamedDraft; readonly warnings: readonly string[] } {
  // Trusted: it is read once, for a person who sees the result.
  const opened = openConfig({ cwd, file: from, trustConfig: true, maxBytes: MAX_CLIENT_BYTES });
  if (!opened.ok) return { ok: false, lines: problemLines(opened.problems) };
  const { draft, document } = opened;
  if (draft.dialect !== 'client') {
    const isOwn = draft.servers.length + draft.broken.length > 0;
    const line = isOwn
      ? `${document.file} is no client file; copy it to .rea/registry.yaml instead of importing it`
      : `${document.file} holds no list of servers; known are mcpServers, servers, mcp, context_servers, mcp_servers and extensions`;
    return { ok: false, lines: [line] };
  }
  // A key that is given twice, in an entry too: what its client takes of it is not known.
  const sorted = sortProblems(draft, allProblems(document, draft.problems)).ofFile;
  const problems = document.problems.length > 0 ? document.problems : sorted;
  if (problems.length > 0) return { ok: false, lines: problemLines(problems) };
  return { ok: true, part: { file: document.file, draft }, warnings: opened.warnings };
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

/** Whether a file is what `rea init` writes. */
function holds(path: string, text: string): boolean {
  const read = readSmallFile(path, MAX_TEMPLATE_BYTES);
  return read.kind === 'file' && read.bytes.toString() === text;
}

/** Writes a file anew. @returns the code of the system error, or null. */
function replace(path: string, text: string): string | null {
  try {
    writeWholeFile(path, text, 'replace');
    return null;
  } catch (error) {
    return systemCode(error);
  }
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
