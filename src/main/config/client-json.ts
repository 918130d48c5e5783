/**
 * The server lists of MCP clients (`mcpServers` in .mcp.json, Claude Desktop and Cursor; `servers` in
 * VS Code) → draft. Lenient, since these files belong to other programs: their unknown keys give one
 * warning, and one server that cannot be used does not cost the others.
 */
import { type ConfigDocument, problemAt } from './document.ts';
import type { Draft, DraftServer } from './draft.ts';
import { issueProblems } from './issues.ts';
import { clip, formatProblem, type Path, type Problem, show } from './problem.ts';
import { type ClientEntry, clientEntrySchema, nameAdvice } from './schema.ts';

const KNOWN = new Set(Object.keys(clientEntrySchema.shape));

/** True when `value` is a client's file: its list of servers is an object, not an array. */
export function isClientFile(value: unknown): boolean {
  return listKey(value) !== null;
}

/**
 * @param self absolute path of this program, to recognise entries that would start it again.
 */
export function readClientFile(document: ConfigDocument, self: string): Draft {
  const key = listKey(document.value) ?? 'mcpServers';
  const list = (document.value as Record<string, unknown>)[key];
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const servers: DraftServer[] = [];
  const origins = new Map<string, string>();
  if (!isObject(list)) {
    const fix = 'write an object with one entry for each server';
    problems.push(problemAt(document, [key], `is ${show(list)}`, fix));
  }
  for (const [original, value] of isObject(list) ? Object.entries(list) : []) {
    const path = [key, original];
    const entry = clientEntrySchema.safeParse(value);
    if (!entry.success) {
      // No spread: an entry can have more problems than a call can have arguments.
      for (const problem of issueProblems(entry.error, clientEntrySchema, document, path, value)) {
        problems.push(problem);
      }
      continue;
    }
    if (startsRea(entry.data, self)) {
      const fix = 'the gateway does not serve itself';
      warnings.push(formatProblem(problemAt(document, path, 'skipped: it would start rea', fix)));
      continue;
    }
    const found = [
      ...nameProblems(document, path, original, origins),
      ...programProblems(document, path, entry.data),
    ];
    problems.push(...found);
    warnings.push(...unknownKeys(document, path, value as object));
    if (found.length === 0) servers.push(draftServer(path, slug(original), entry.data));
  }
  return {
    dialect: 'client',
    servers,
    defaults: {},
    threads: {},
    limits: {},
    http: {},
    listWaitMs: null,
    problems,
    warnings,
  };
}

/** A client's name for a server → a valid one: lower case, other characters → `-`, at most 32. */
function slug(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '-')
    .replace(/^-+/, '')
    .slice(0, 32)
    .replace(/-+$/, '');
}

function listKey(value: unknown): 'mcpServers' | 'servers' | null {
  if (!isObject(value)) return null;
  if (Object.hasOwn(value, 'mcpServers')) return 'mcpServers';
  return isObject(value['servers']) ? 'servers' : null;
}

function draftServer(path: Path, name: string, entry: ClientEntry): DraftServer {
  const { command, args, env, cwd, url, headers, type } = entry;
  const enabled = entry.disabled !== true && entry.enabled !== false;
  const remote = overHttp(entry);
  return {
    path,
    name,
    endpoint: remote
      ? { url: url ?? '', headers: headers ?? {}, tokenFile: null, insecureHttp: false }
      : null,
    command: remote ? '' : (command ?? ''),
    args: remote ? [] : (args ?? []),
    prefix: name,
    ownedResources: [],
    options: remote ? { enabled } : { env, cwd, enabled },
    unavailable:
      type === 'sse' || type === 'ws'
        ? `servers of type ${type} are not supported; the server may also offer Streamable HTTP (type http)`
        : null,
  };
}

function overHttp(entry: ClientEntry): boolean {
  if (entry.type !== undefined) return entry.type !== 'stdio';
  return entry.url !== undefined && entry.command === undefined;
}

function programProblems(document: ConfigDocument, path: Path, entry: ClientEntry): Problem[] {
  const needed = overHttp(entry) ? 'url' : 'command';
  if (entry[needed] !== undefined) return [];
  const fix = needed === 'url' ? 'write the address' : 'write the program to start';
  return [problemAt(document, [...path, needed], 'is missing', fix)];
}

/** @param origins valid name → the client's name, for names so far; this call adds to it. */
function nameProblems(
  document: ConfigDocument,
  path: Path,
  original: string,
  origins: Map<string, string>,
): Problem[] {
  const name = slug(original);
  const clash = origins.get(name);
  const advice = nameAdvice(name);
  if (advice !== null) {
    return [problemAt(document, path, `cannot be used as the name "${name}"`, advice)];
  }
  if (clash !== undefined) {
    const message = `${show(original)} and ${show(clash)} both become "${name}"`;
    return [problemAt(document, path, message, 'rename one of the two')];
  }
  origins.set(name, original);
  return [];
}

function unknownKeys(document: ConfigDocument, path: Path, entry: object): string[] {
  const unknown = Object.keys(entry).filter((key) => !KNOWN.has(key));
  if (unknown.length === 0) return [];
  const message = `without effect here: ${unknown
    .slice(0, 8)
    .map((key) => clip(key, 60))
    .join(', ')}`;
  const fix = `read are ${[...KNOWN].join(', ')}`;
  return [formatProblem(problemAt(document, path, message, fix))];
}

const REA = /(?:^|[\s/\\])(?:rea|rea-gateway|@bookedsolid\/rea)(?:@[^\s/\\]+)?(?:\.cmd)?(?=\s|$)/;
const REA_BUILD = /[/\\]rea(?:-gateway)?[/\\]dist[/\\]/;

/** `rea … serve` by name, through npx and the like, or by the path of this very program. */
function startsRea(entry: ClientEntry, self: string): boolean {
  const words = [entry.command ?? '', ...(entry.args ?? [])];
  const at = words.findIndex((word) => word === self || REA.test(word) || REA_BUILD.test(word));
  return at >= 0 && words.slice(at).some((word) => /(?:^|\s)serve(?:\s|$)/.test(word));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
