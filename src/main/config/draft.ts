/**
 * The contents of a configuration file, the same for every format: servers with the options written for
 * them, nothing filled in or expanded yet. Types only.
 */
import type { Path, Problem } from './problem.ts';
import type { RegistryServer, ServerOptions } from './schema.ts';
import type { Dialect } from './variables.ts';

/** A server that is spoken to over HTTP, as written. */
export interface DraftEndpoint {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tokenFile: string | null;
  /** How rea logs in; null: nothing is said about it. */
  readonly oauth: RegistryServer['oauth'] | null;
  /** Plain http to another machine is meant. */
  readonly insecureHttp: boolean;
}

export interface DraftServer {
  /** Its place in the document. */
  readonly path: Path;
  readonly name: string;
  /** Null for a server with a program. */
  readonly endpoint: DraftEndpoint | null;
  /** Empty for a server that has no program (see `endpoint`, `unavailable`). */
  readonly command: string;
  readonly args: readonly string[];
  readonly prefix: string;
  /** Patterns of URIs. */
  readonly ownedResources: readonly string[];
  readonly options: ServerOptions;
  /** Why it cannot be started in any environment, or null. */
  readonly unavailable: string | null;
}

export interface ThreadOptions {
  readonly mode?: 'auto' | 'dedicated' | 'shared' | undefined;
  readonly dedicated_up_to?: number | undefined;
  readonly most_shared?: number | undefined;
  readonly heap_mb?: number | undefined;
  readonly stall_ms?: number | undefined;
}

export interface LimitOptions {
  readonly byte_credit_mb?: number | undefined;
  readonly slow_client_ms?: number | undefined;
}

export interface HttpLimitOptions {
  readonly max_sessions?: number | undefined;
  readonly max_connections?: number | undefined;
}

/** An entry that cannot be read as a server. */
export interface BrokenEntry {
  readonly path: Path;
  /** Null when it has none that can be used. */
  readonly name: string | null;
  readonly prefix: string;
  /** It is switched off anyway. */
  readonly off: boolean;
}

/** A server that got another name than its client gave it. */
export interface Rename {
  readonly from: string;
  readonly to: string;
}

export interface Draft {
  readonly dialect: Dialect;
  readonly servers: readonly DraftServer[];
  readonly broken: readonly BrokenEntry[];
  readonly defaults: ServerOptions;
  readonly threads: ThreadOptions;
  readonly limits: LimitOptions;
  readonly http: HttpLimitOptions;
  readonly listWaitMs: number | null;
  readonly idleExitMs: number | null;
  readonly renames: readonly Rename[];
  /** What a client's file says about its `${input:…}`, as written. */
  readonly inputs: readonly unknown[];
  readonly problems: readonly Problem[];
  /** One line each. */
  readonly warnings: readonly string[];
}
