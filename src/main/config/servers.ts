/**
 * Draft → servers as the gateway uses them: options settled, references expanded, paths absolute,
 * combinations checked. A server whose references cannot be resolved is kept, with the reason.
 */
import { createHash } from 'node:crypto';
import { isAbsolute, resolve } from 'node:path';
import type {
  EndpointConfig,
  ReservedConfig,
  ServerConfig,
  ThreadsConfig,
} from '../../shared/model/config.ts';
import { NO_RULES, type RulePlaces } from '../../shared/model/policy.ts';
import { oneLine } from '../../shared/text/clean-text.ts';
import { conflicts } from './combinations.ts';
import { type ConfigDocument, problemAt } from './document.ts';
import type { Draft, DraftEndpoint, DraftServer } from './draft.ts';
import { headerValueAdvice, isOwnHeader, readAddress } from './endpoint.ts';
import { readEnvFile } from './env-file.ts';
import { type Check, Expander, filled } from './expander.ts';
import { oauthProblems, resolveOAuth } from './oauth.ts';
import { clip, formatProblem, type Path, type Problem } from './problem.ts';
import { settle } from './settings.ts';
import { type Written, writtenOf } from './written.ts';

export interface ResolvedServers {
  /** Enabled servers in the order of the file. */
  readonly servers: readonly ServerConfig[];
  /** Also for servers that are not enabled. */
  readonly reserved: readonly ReservedConfig[];
  /** Their programs and addresses as written, by name. */
  readonly written: ReadonlyMap<string, Written>;
  /** Where their rules are written, by name. */
  readonly places: ReadonlyMap<string, RulePlaces>;
  /** Names of variables of the environment that they use, sorted. */
  readonly variables: readonly string[];
  readonly problems: readonly Problem[];
  /** One line each. */
  readonly warnings: readonly string[];
}

/** @param cwd absolute; where relative paths of servers begin. */
export function resolveServers(
  draft: Draft,
  document: ConfigDocument,
  threads: ThreadsConfig,
  cwd: string,
  env: NodeJS.ProcessEnv,
): ResolvedServers {
  const problems = [
    ...conflictProblems(draft, document, threads),
    ...draft.servers.flatMap((server) => oauthProblems(document, server)),
  ];
  const warnings: string[] = [];
  const servers: ServerConfig[] = [];
  const written = new Map<string, Written>();
  const places = new Map<string, RulePlaces>();
  const variables = new Set<string>();
  for (const server of draft.servers) {
    const expander = new Expander(draft, server, document, { env, folder: cwd });
    const config = resolveServer(draft, server, expander, cwd);
    // No spread: a server can have more problems than a call can have arguments.
    for (const problem of expander.problems) problems.push(problem);
    // Also of one that is off: it may be enabled while sessions share the gateway.
    for (const name of [...expander.variables(), ...config.envPassthrough]) variables.add(name);
    if (!(server.options.enabled ?? draft.defaults.enabled ?? true)) continue;
    servers.push(config);
    if (config.endpoint !== null && isUnencrypted(config.endpoint)) {
      const place = [...server.path, 'url'];
      const message = 'sends everything unencrypted, as insecure_http allows';
      const fix = 'use https where others can read the network';
      warnings.push(formatProblem(problemAt(document, place, message, fix)));
    }
    written.set(server.name, writtenOf(draft, server, cwd));
    places.set(server.name, rulePlaces(document, server));
  }
  const reserved = draft.servers.map(({ name, prefix, ownedResources }) => {
    return { server: name, prefix, resources: ownedResources };
  });
  return {
    servers,
    written,
    places,
    variables: [...variables].sort(),
    reserved,
    problems,
    warnings,
  };
}

function resolveServer(
  draft: Draft,
  server: DraftServer,
  expander: Expander,
  base: string,
): ServerConfig {
  const { defaults } = draft;
  const { options } = server;
  const endpoint =
    server.endpoint === null ? null : resolveEndpoint(server.endpoint, expander, base);
  const program = endpoint === null ? resolveProgram(draft, server, expander, base) : NO_PROGRAM;
  const capabilities = options.client_capabilities ?? defaults.client_capabilities;
  const unavailable = [server.unavailable, expander.unavailable()].filter((why) => why !== null);
  return {
    name: server.name,
    lane: server.name,
    endpoint,
    ...program,
    expanded: expander.expanded(),
    clientCapabilities: capabilities === undefined ? null : JSON.stringify(capabilities),
    prefix: server.prefix,
    resources: { owner: server.ownedResources },
    rules: NO_RULES,
    ...settle(defaults, options),
    blocked: null,
    unavailable: unavailable.length === 0 ? null : unavailable.join('; '),
    fingerprint: endpoint === null ? programFingerprint(program) : endpointFingerprint(endpoint),
  };
}

/** Where the rules of a server are written, in its own entry or in `defaults`; '' where they are not. */
function rulePlaces(document: ConfigDocument, { path }: DraftServer): RulePlaces {
  const at = (...keys: string[]) => {
    const place = [
      [...path, ...keys],
      ['defaults', ...keys],
    ].find((one) => document.has(one));
    return place === undefined ? '' : `${document.file}:${document.lineOf(place)}`;
  };
  return {
    allow: at('tools', 'allow'),
    deny: at('tools', 'deny'),
    tiers: at('tier_overrides'),
    rate: at('max_calls_per_minute'),
  };
}

type Program = Pick<ServerConfig, 'command' | 'args' | 'cwd' | 'env' | 'envPassthrough'>;

const NO_PROGRAM: Program = { command: '', args: [], cwd: '/', env: {}, envPassthrough: [] };

function resolveProgram(
  { defaults }: Draft,
  server: DraftServer,
  expander: Expander,
  base: string,
): Program {
  const { options } = server;
  const cwd = resolve(base, expander.option(['cwd'], options.cwd ?? defaults.cwd ?? '.', filled));
  const command = expander.own(['command'], server.command, filled);
  const args = server.args.map((arg, index) => expander.own(['args', index], arg));
  const env: Record<string, string> = ofEnvFile(
    options.env_file ?? defaults.env_file,
    expander,
    base,
  );
  for (const [name, value] of Object.entries({ ...defaults.env, ...options.env })) {
    env[name] = expander.option(['env', name], value);
  }
  const passthrough = new Set([
    ...(defaults.env_passthrough ?? []),
    ...(options.env_passthrough ?? []),
  ]);
  return {
    command: /[/\\]/.test(command) && !isAbsolute(command) ? resolve(cwd, command) : command,
    args,
    cwd,
    env,
    envPassthrough: [...passthrough],
  };
}

/** The variables of the file; what `env` says counts more. */
function ofEnvFile(written: string | undefined, expander: Expander, base: string) {
  if (written === undefined) return {};
  const file = expander.option(['env_file'], written, filled);
  // An incomplete path is a reason already.
  if (file === '' || expander.unavailable() !== null) return {};
  const read = readEnvFile(resolve(base, file));
  if (read.ok) return { ...read.variables };
  expander.refuse(`env_file ${clip(oneLine(file), 200)} ${read.message}: ${read.fix}`);
  return {};
}

/** Stands for an address that cannot be used. */
const NOWHERE = 'https://unavailable.invalid/';

/** The expander reports what is wrong with an endpoint; the result is meaningless then. */
function resolveEndpoint(
  { url: text, headers: written, tokenFile, oauth, insecureHttp }: DraftEndpoint,
  expander: Expander,
  base: string,
): EndpointConfig {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(written)) {
    if (isOwnHeader(name)) continue;
    headers[name] = expander.own(['headers', name], value, sendable);
  }
  const file = tokenFile === null ? null : expander.own(['token_file'], tokenFile, filled);
  const reachable: Check = (value, isWritten) => {
    const found = readAddress(value, isWritten, insecureHttp);
    return found.ok ? null : found;
  };
  const address = readAddress(expander.own(['url'], text, reachable), false, insecureHttp);
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const hasCredentials = file !== null || names.includes('authorization');
  return {
    url: address.ok ? address.url : NOWHERE,
    headers,
    tokenFile: file === null ? null : resolve(base, file),
    // What is logged in to is reached by https, or on this machine.
    oauth:
      hasCredentials || (address.ok && address.unencrypted)
        ? null
        : resolveOAuth(oauth ?? {}, expander),
  };
}

function isUnencrypted({ url }: EndpointConfig): boolean {
  const address = readAddress(url, false, true);
  return address.ok && address.unencrypted;
}

const sendable: Check = (value) => {
  const fix = headerValueAdvice(value);
  return fix === null ? null : { message: 'cannot be sent', fix };
};

function programFingerprint({ command, args, cwd, env, envPassthrough }: Program): string {
  const names = [...new Set([...Object.keys(env), ...envPassthrough])].sort();
  return hash([command, args, cwd, names]);
}

function endpointFingerprint({ url, headers, tokenFile }: EndpointConfig): string {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  if (tokenFile !== null) names.push('authorization');
  return hash([url, names.sort()]);
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

/** Checks `defaults` on their own, too, even when no server uses them. */
function conflictProblems(
  draft: Draft,
  document: ConfigDocument,
  threads: ThreadsConfig,
): Problem[] {
  const subjects: { path: Path; settings: ReturnType<typeof settle> }[] = [
    { path: ['defaults'], settings: settle(draft.defaults) },
    ...draft.servers.map((server) => ({
      path: server.path,
      settings: settle(draft.defaults, server.options),
    })),
  ];
  return subjects.flatMap(({ path, settings }) =>
    conflicts(settings, threads).map(({ keys, message, fix }) => {
      const own = keys.map((key) => [...path, ...key]);
      const shared = keys.map((key) => ['defaults', ...key]);
      const place = [...own, ...shared].find((candidate) => document.has(candidate)) ?? path;
      return problemAt(document, place, message, fix);
    }),
  );
}
