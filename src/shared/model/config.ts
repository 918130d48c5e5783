/**
 * The complete, validated configuration as every thread sees it: no optional keys, no references,
 * nothing left to interpret. Built once at the edge (src/main/config); types only.
 */

import type { AsksConfig } from './asks.ts';
import type { ServerRules } from './policy.ts';
import type { Detached } from './process-mark.ts';
import type { Tier } from './tier.ts';

/** When and how fast a server that died is started again. Times in milliseconds. */
export interface RestartPolicy {
  /** Deaths within `periodMs` that make a crash loop. @default 5 */
  readonly intensity: number;
  /** @default 30000 */
  readonly periodMs: number;
  /** Upper bound of the first delayed restart; doubles from there. @default 200 */
  readonly backoffMs: number;
  /** @default 30000 */
  readonly backoffMaxMs: number;
  /** `ready` held this long forgets earlier deaths. @default 5000 */
  readonly stableMs: number;
}

/** When calls to a failing server are refused without trying. */
export interface BreakerPolicy {
  /** Consecutive failures that open the circuit. @default 5 */
  readonly failures: number;
  /** @default 30000 */
  readonly cooldownMs: number;
}

/** When a silent server is taken for hung. */
export interface LivenessPolicy {
  /** Silence after which a ping is sent. @default 30000 */
  readonly idleMs: number;
  /** How long one ping may stay unanswered. @default 5000 */
  readonly timeoutMs: number;
  /** Unanswered pings in a row that mean a stall. @default 2 */
  readonly misses: number;
}

/** The address of a server over Streamable HTTP. */
export interface EndpointConfig {
  /** Normalised; https, or http on this machine or where `insecure_http` is set; without credentials. May hold secrets in its path or query. */
  readonly url: string;
  /** Sent with every request, after expansion. Their values are treated as secrets in every output. */
  readonly headers: Readonly<Record<string, string>>;
  /** Absolute path of a file with a bearer token, read at each connect; null for none. */
  readonly tokenFile: string | null;
  /** How a person logs in there; null: never, since it has credentials of its own. */
  readonly oauth: OAuthConfig | null;
}

/** What is known of rea at the authorization server of a server. */
export interface OAuthConfig {
  /** The only one that is asked, and told who rea is; null: whichever the server names. */
  readonly issuer: string | null;
  /** Null: rea registers itself. */
  readonly clientId: string | null;
  /** A secret, after expansion. */
  readonly clientSecret: string | null;
  /** Address of a client metadata document, which is the id where that is supported. */
  readonly clientMetadataUrl: string | null;
  /** Asked for at a login; empty: what the server asks for. */
  readonly scopes: readonly string[];
}

/** One configured server. Paths are absolute; `${VAR}` is already expanded. */
export interface ServerConfig {
  /** `^[a-z0-9][a-z0-9-]{0,31}$`, unique. */
  readonly name: string;
  /** Unique among running servers: the name, or `name#3` for an instance of one client. */
  readonly lane: string;
  /** Null: a child process, described by `command` to `envPassthrough`; else these are meaningless. */
  readonly endpoint: EndpointConfig | null;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Variables set for the child, after expansion. Their values are treated as secrets in every output. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of gateway variables handed on unchanged. */
  readonly envPassthrough: readonly string[];
  /** Variables referenced in its texts, each once, with their values, which may be secrets. */
  readonly expanded: readonly { readonly name: string; readonly value: string }[];
  /** JSON text of the client capabilities it is told; null: those of its client, over HTTP none. */
  readonly clientCapabilities: string | null;
  /** Its requests to clients. @default all kinds, only while it has a call or task of the client */
  readonly asks: AsksConfig;
  /** Prefix of its tool names; the name unless configured. */
  readonly prefix: string;
  readonly tools: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** By the tool's own name. */
  readonly tierOverrides: Readonly<Record<string, Tier>>;
  /** Its annotations may lower the tier of a tool, too. @default false */
  readonly trusted: boolean;
  /** Calls of all clients together; 0 = no limit. */
  readonly maxCallsPerMinute: number;
  /** Rules of the policies, and where those of its own entry are written. */
  readonly rules: ServerRules;
  /** `owner`: patterns of its own URIs, even if other servers list them. */
  readonly resources: { readonly owner: readonly string[] };
  /** `on`: clients are told its instructions. @default 'on' */
  readonly instructions: 'on' | 'off';
  /** `off`: its program may be any, once a person has accepted just that. @default 'on' */
  readonly pin: 'on' | 'off';
  readonly startTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly callTotalTimeoutMs: number;
  /** How long a call may wait for its client to answer the server's questions. @default 1800000 */
  readonly askTimeoutMs: number;
  readonly maxConcurrency: number;
  readonly maxQueue: number;
  readonly maxMessageBytes: number;
  readonly restart: RestartPolicy;
  readonly breaker: BreakerPolicy;
  readonly liveness: LivenessPolicy;
  /** `lazy`: started at its first use, unless its lists are not known yet. */
  readonly start: 'eager' | 'lazy';
  /** Stopped when it was not used for this long, milliseconds; 0 = never. */
  readonly idleStopMs: number;
  /** It is restarted when it and all it started reach so many resident MiB; 0 = no limit. */
  readonly maxRssMb: number;
  /** `end`: what it has started in other process groups is ended with it, apart from a person's programs. @default 'end' */
  readonly detached: Detached;
  /** `session`: each client has its own process, from its start to its end. */
  readonly instances: 'shared' | 'session';
  /** Processes of a `session` server at the same time. @default 8 */
  readonly maxInstances: number;
  /** Size of a result beyond which its texts are cut. @default 33554432 */
  readonly maxResultBytes: number;
  /** Its share of the CPU: lowered while it takes too much, never lowered, or always. @default 'auto' */
  readonly priority: 'auto' | 'normal' | 'low';
  /** With a handshake (`legacy`, up to 2025-11-25), without one (`modern`, 2026-07-28), or as the server likes. @default 'auto' */
  readonly protocol: 'auto' | 'legacy' | 'modern';
  /** Why this server cannot be started at all (for example `missing env: A, B`), or null. */
  readonly unavailable: string | null;
  /** Why its program may not be started until a person has accepted it, in one line, or null. */
  readonly blocked: string | null;
  /**
   * Hash of the settings that decide its tools (command, args, cwd, names of env; or the URL and the names
   * of headers): 16 hex digits.
   */
  readonly fingerprint: string;
}

/** Settings of the supervisor threads. */
export interface ThreadsConfig {
  /** `dedicated`: a thread for each server; `auto`: while there are at most `dedicatedUpTo`. @default auto */
  readonly mode: 'auto' | 'dedicated' | 'shared';
  /** @default 8 */
  readonly dedicatedUpTo: number;
  /** The most threads for all servers that share a thread. @default 4 */
  readonly mostShared: number;
  /** Heap limit of a thread with one server in MiB; four times that for a shared thread. @default 64 */
  readonly heapMb: number;
  /** How long a thread's heartbeat may stand still while it burns CPU. @default 1500 */
  readonly stallMs: number;
}

/** Limits on the messages that the gateway holds for its clients and servers. */
export interface LimitsConfig {
  /** Bytes of messages in the whole process beyond which reading slows down. @default 192 MiB */
  readonly byteCreditBytes: number;
  /** How long a client over HTTP may read nothing while messages wait for it. @default 60000 */
  readonly slowClientMs: number;
}

/** Limits of the HTTP edge. */
export interface HttpLimitsConfig {
  /** Sessions at the same time. @default 256 */
  readonly maxSessions: number;
  /** Open connections. @default 1024 */
  readonly maxConnections: number;
}

/** Names and URIs that belong to one server, whatever others offer. */
export interface ReservedConfig {
  readonly server: string;
  /** Names with this prefix belong to the server; "" = none. */
  readonly prefix: string;
  /** Patterns of URIs. */
  readonly resources: readonly string[];
}

export interface GatewayConfig {
  /** The file it was read from. */
  readonly file: string;
  /** Enabled servers in the order of the file. */
  readonly servers: readonly ServerConfig[];
  /** For all servers in the file, also those that are not enabled, in its order. */
  readonly reserved: readonly ReservedConfig[];
  readonly threads: ThreadsConfig;
  readonly limits: LimitsConfig;
  readonly http: HttpLimitsConfig;
  /** How long the first tools/list of a run waits for servers never seen before. @default 3000 */
  readonly listWaitMs: number;
  /** How long a shared gateway goes on without a client. @default 60000 */
  readonly idleExitMs: number;
  /** Names of variables of the environment that the servers use, set or not, sorted. */
  readonly variables: readonly string[];
  /** One line each: things accepted but worth knowing. */
  readonly warnings: readonly string[];
}
