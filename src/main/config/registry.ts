/** `registry.yaml` (or the same as JSON) → draft. Strict: every key is known, every name is unique. */
import type { z } from 'zod';
import { isObject } from '../../shared/model/is-object.ts';
import { type ConfigDocument, problemAt } from './document.ts';
import type { BrokenEntry, Draft, DraftServer } from './draft.ts';
import { isOwnHeader } from './endpoint.ts';
import { issueProblems } from './issues.ts';
import { formatProblem, type Path, type Problem } from './problem.ts';
import {
  defaultsSchema,
  nameAdvice,
  prefixAdvice,
  type RegistryServer,
  registrySchema,
  serverSchema,
} from './schema.ts';

/** The draft holds everything valid, and a problem for each mistake. */
export function readRegistry(document: ConfigDocument): Draft {
  const problems: Problem[] = [];
  const read = <T extends z.ZodType>(schema: T, path: Path, value: unknown): z.infer<T> | null => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    // No spread: a value can have more problems than a call can have arguments.
    for (const problem of issueProblems(result.error, schema, document, path, value)) {
      problems.push(problem);
    }
    return null;
  };
  read(registrySchema, [], document.value);
  const file = isObject(document.value) ? document.value : {};
  const { threads, list_wait_ms, idle_exit_ms, byte_credit_mb, slow_client_ms, http, ...defaults } =
    read(defaultsSchema, ['defaults'], file['defaults'] ?? {}) ?? {};
  const servers: DraftServer[] = [];
  const broken: BrokenEntry[] = [];
  for (const [index, value] of list(file['servers']).entries()) {
    const path = ['servers', index];
    const server = read(serverSchema, path, value);
    const found = isObject(value) ? transportProblems(document, path, value) : [];
    problems.push(...found);
    if (server !== null && found.length === 0) servers.push(draftServer(server, path));
    else broken.push(brokenEntry(value, path));
  }
  const twice = duplicates(document, servers, broken);
  // Which of two servers of one name is meant cannot be told: the first one is served.
  const used = servers.filter(({ path }) => !twice.entries.some((one) => one.path === path));
  return {
    dialect: 'registry',
    servers: used,
    broken: twice.entries,
    defaults,
    threads: threads ?? {},
    limits: { byte_credit_mb, slow_client_ms },
    http: http ?? {},
    listWaitMs: list_wait_ms ?? null,
    idleExitMs: idle_exit_ms ?? null,
    renames: [],
    inputs: [],
    problems: [...problems, ...twice.problems],
    warnings: servers.flatMap((server) => ownHeaders(document, server)),
  };
}

function draftServer(server: RegistryServer, path: Path): DraftServer {
  const { name, command, args, url, headers, token_file, insecure_http, ...others } = server;
  const { oauth, prefix, resources, ...options } = others;
  return {
    path,
    name,
    endpoint:
      url === undefined
        ? null
        : {
            url,
            headers: headers ?? {},
            tokenFile: token_file ?? null,
            oauth: oauth ?? null,
            insecureHttp: insecure_http ?? false,
          },
    command: command ?? '',
    args: args ?? [],
    prefix: prefix ?? name,
    ownedResources: resources?.owner ?? [],
    options,
    unavailable: null,
  };
}

/** Keys for a server with a program, and for one with an address. */
export const OF_COMMAND = ['args', 'cwd', 'env', 'env_file', 'env_passthrough'] as const;
export const OF_URL = ['headers', 'token_file', 'insecure_http', 'oauth'] as const;

/** A server is a program or an address; settings of the other kind are problems. @param server as written. */
function transportProblems(
  document: ConfigDocument,
  path: Path,
  server: Readonly<Record<string, unknown>>,
): Problem[] {
  const has = (key: string) => server[key] !== undefined;
  if (!has('command') && !has('url')) {
    const fix = 'write the program to start, or url: the address of a server that runs already';
    return [problemAt(document, [...path, 'command'], 'is missing', fix)];
  }
  if (has('command') && has('url')) {
    const fix = 'keep one of the two: a server is started, or is reached at an address';
    return [problemAt(document, [...path, 'url'], 'stands beside command', fix)];
  }
  const kind = has('url') ? 'url' : 'command';
  const problems = (kind === 'url' ? OF_COMMAND : OF_URL).filter(has).map((key) => {
    const message = `has no meaning for a server with ${kind}`;
    return problemAt(document, [...path, key], message, 'remove this key');
  });
  const names = Object.keys(isObject(server['headers']) ? server['headers'] : {}).map((name) =>
    name.toLowerCase(),
  );
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    const message = `has "${twice}" twice, in different cases`;
    problems.push(problemAt(document, [...path, 'headers'], message, 'keep one of the two'));
  }
  if (has('token_file') && names.includes('authorization')) {
    const message = 'stands beside a header Authorization';
    problems.push(problemAt(document, [...path, 'token_file'], message, 'keep one of the two'));
  }
  return problems;
}

function brokenEntry(value: unknown, path: Path): BrokenEntry {
  const { name, prefix, enabled } = isObject(value) ? value : {};
  const usable = typeof name === 'string' && nameAdvice(name) === null ? name : null;
  const isPrefix = typeof prefix === 'string' && prefixAdvice(prefix) === null;
  return {
    path,
    name: usable,
    prefix: isPrefix ? prefix : (usable ?? ''),
    off: enabled === false,
  };
}

function ownHeaders(document: ConfigDocument, { path, endpoint }: DraftServer): string[] {
  const names = Object.keys(endpoint?.headers ?? {}).filter(isOwnHeader);
  return names.map((name) => {
    const fix = 'the gateway sets this header itself';
    return formatProblem(problemAt(document, [...path, 'headers', name], 'not sent', fix));
  });
}

/** Names and prefixes route calls, so no two servers may share one. */
function duplicates(
  document: ConfigDocument,
  servers: readonly DraftServer[],
  broken: readonly BrokenEntry[],
): { readonly problems: readonly Problem[]; readonly entries: readonly BrokenEntry[] } {
  const problems: Problem[] = [];
  const entries: BrokenEntry[] = [];
  const names = new Map<string, Path>();
  const prefixes = new Map<string, DraftServer>();
  for (const server of servers) {
    const namePath = [...server.path, 'name'];
    const first = names.get(server.name);
    if (first !== undefined) {
      const message = `"${server.name}" is the name of a server in line ${document.lineOf(first)} too`;
      problems.push(problemAt(document, namePath, message, 'give each server its own name'));
      entries.push({ path: server.path, name: null, prefix: '', off: false });
      continue;
    }
    names.set(server.name, namePath);
    const other = server.prefix === '' ? undefined : prefixes.get(server.prefix);
    if (other !== undefined) {
      const path = [...server.path, 'prefix'];
      const message = `"${server.prefix}" is the prefix of server "${other.name}" too`;
      problems.push(problemAt(document, path, message, 'give each server its own prefix'));
      entries.push({ path: server.path, name: server.name, prefix: '', off: false });
    } else {
      prefixes.set(server.prefix, server);
    }
  }
  // One that cannot be read may have the name of another one: that one is served, or told of.
  for (const one of broken) {
    const { path, name } = one;
    const first = name === null ? undefined : names.get(name);
    if (name !== null && first === undefined) names.set(name, [...path, 'name']);
    if (first === undefined) {
      entries.push(one);
      continue;
    }
    const message = `"${name}" is the name of a server in line ${document.lineOf(first)} too`;
    problems.push(problemAt(document, [...path, 'name'], message, 'give each server its own name'));
    entries.push({ ...one, name: null });
  }
  return { problems, entries };
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
