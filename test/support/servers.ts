/**
 * The servers that tests put behind the gateway: fixture programs with one behaviour each, and real
 * ones from npm; and configurations made of them, with times short enough for a test.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One entry of `servers`, as in registry.yaml. */
export interface ServerSpec {
  readonly command: string;
  readonly args?: readonly string[];
  readonly [option: string]: unknown;
}

/** A server that is reached over HTTP. */
export interface EndpointSpec {
  readonly url: string;
  readonly [option: string]: unknown;
}

/** The content of a registry.yaml. */
export interface Registry {
  readonly version: '1';
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly servers: readonly ((ServerSpec | EndpointSpec) & { readonly name: string })[];
}

/** Mostly short times, used unless a test says otherwise. Milliseconds. */
export const QUICK = {
  call_timeout_ms: 60_000,
  /** Long enough for a first list to be complete on a busy machine. */
  list_wait_ms: 40_000,
  restart: {
    intensity: 5,
    /** Long enough for a crash loop to be one on a busy machine. */
    period_ms: 60_000,
    backoff_ms: 50,
    backoff_max_ms: 500,
    stable_ms: 1_000,
  },
  breaker: { failures: 5, cooldown_ms: 1_000 },
  liveness: { idle_ms: 5_000, timeout_ms: 5_000, misses: 2 },
} as const;

/** A fixture by its file name without `.mjs`; `arguments_` follow it on the command line. */
export function fixture(name: string, ...arguments_: readonly (string | number)[]): ServerSpec {
  return { command: process.execPath, args: [fixturePath(name), ...arguments_.map(String)] };
}

export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/servers/${name}.mjs`, import.meta.url));
}

/** One of the reference servers, run from node_modules. */
export function realServer(
  name: 'everything' | 'memory' | 'filesystem',
  ...arguments_: readonly string[]
): ServerSpec {
  const manifest = createRequire(import.meta.url).resolve(
    `@modelcontextprotocol/server-${name}/package.json`,
  );
  return {
    command: process.execPath,
    args: [join(dirname(manifest), 'dist', 'index.js'), ...arguments_],
  };
}

/** A registry of named servers; `defaults` are laid over `QUICK`. */
export function registry(
  servers: Readonly<Record<string, ServerSpec | EndpointSpec>>,
  defaults: Readonly<Record<string, unknown>> = {},
): Registry {
  return {
    version: '1',
    defaults: { ...QUICK, ...defaults },
    servers: Object.entries(servers).map(([name, server]) => ({ name, ...server })),
  };
}
