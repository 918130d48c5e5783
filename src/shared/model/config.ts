/**
 * The complete, validated configuration as every thread sees it: no optional keys, no references,
 * nothing left to interpret. Built once at the edge (src/main/config); types only.
 */

import type { AsksConfig } from './asks.ts';

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

/** Where a server is that is spoken to over Streamable HTTP. */
export interface EndpointConfig {
  /** Normalised; https, or http on this machine; without credentials. May hold secrets in its path or query. */
  readonly url: string;
  /** Sent with every request, after expansion. Their values are treated as secrets in every output. */
  readonly headers: Readonly<Record<string, string>>;
  /** Absolute path of a file with a bearer token, read at each connect; null for none. */
  readonly tokenFile: string | null;
}

/** One configured server. Paths are absolute; `${VAR}` is already expanded. */
export interface ServerConfig {
  /** `^[a-z0-9][a-z0-9-]{0,31}$`, unique. */
  readonly name: string;
  /** Unique among all that run: the name, or `name#3` for an instance of one client. */
  readonly lane: string;
  /** Null: a child process, described by `command` to `envPassthrough`, which mean nothing otherwise. */
  readonly endpoint: EndpointConfig | null;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Variables set for the child, after expansion. Their values are treated as secrets in every output. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of gateway variables handed on unchanged. */
  readonly envPassthrough: readonly string[];
  /** Variables that stood in its texts, each once, and what was put in for them: they may be secrets. */
  readonly expanded: readonly { readonly name: string; readonly value: string }[];
  /** JSON text of the client capabilities it is told; null: what its client says, over HTTP none. */
  readonly clientCapabilities: string | null;
  /** What it may ask of clients. @default all of it, and only while a call or task of the client is there */
  readonly asks: AsksConfig;
  /** Prefix of its tool names; the name unless configured. */
  readonly prefix: string;
  readonly tools: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** `owner`: patterns of the URIs that are its own, whoever else lists them. */
  readonly resources: { readonly owner: readonly string[] };
  /** Whether clients are told its instructions. @default 'on' */
  readonly instructions: 'on' | 'off';
  readonly startTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly callTotalTimeoutMs: number;
  readonly maxConcurrency: number;
  readonly maxQueue: number;
  readonly maxMessageBytes: number;
  readonly restart: RestartPolicy;
  readonly breaker: BreakerPolicy;
  readonly liveness: LivenessPolicy;
  /** `lazy`: at its first use, unless it has to be asked first what it offers. */
  readonly start: 'eager' | 'lazy';
  /** Stopped when it was not used for this long; 0 = never. */
  readonly idleStopMs: number;
  /** Resident MiB of the server and all it started from which it is started anew; 0 = no limit. */
  readonly maxRssMb: number;
  /** `session`: each client has a process of its own, started with it and ended with it. */
  readonly instances: 'shared' | 'session';
  /** Processes of a `session` server at the same time. @default 8 */
  readonly maxInstances: number;
  /** Its share of the CPU: lowered when it deserves it, never, or always. @default 'auto' */
  readonly priority: 'auto' | 'normal' | 'low';
  /** Why this server cannot be started at all (for example `missing env: A, B`), or null. */
  readonly unavailable: string | null;
  /**
   * Hash of what decides which tools it offers (command, args, cwd, names of env; or the URL and the
   * names of headers): 16 hex digits.
   */
  readonly fingerprint: string;
}

/** Settings of the supervisor threads. */
export interface ThreadsConfig {
  /** Whether each server has a thread of its own; `auto`: while there are at most `dedicatedUpTo`. @default auto */
  readonly mode: 'auto' | 'dedicated' | 'shared';
  /** @default 32 */
  readonly dedicatedUpTo: number;
  /** Heap limit of the thread of one server in MiB; four times that where several share one. @default 64 */
  readonly heapMb: number;
  /** How long a thread's heartbeat may stand still while it burns CPU. @default 1500 */
  readonly stallMs: number;
}

/** What the gateway may hold for its clients and servers. */
export interface LimitsConfig {
  /** Bytes of messages in the whole process beyond which reading slows down. @default 192 MiB */
  readonly byteCreditBytes: number;
  /** How long a client over HTTP may take nothing while something waits for it. @default 60000 */
  readonly slowClientMs: number;
}

/** What belongs to one server whatever others offer. */
export interface ReservedConfig {
  readonly server: string;
  /** Names that begin with it; "" = none. */
  readonly prefix: string;
  /** Patterns of URIs. */
  readonly resources: readonly string[];
}

export interface GatewayConfig {
  /** The file it was read from. */
  readonly file: string;
  /** Enabled servers in the order of the file. */
  readonly servers: readonly ServerConfig[];
  /** Of all servers in the file, also of those that are not enabled, in its order. */
  readonly reserved: readonly ReservedConfig[];
  readonly threads: ThreadsConfig;
  readonly limits: LimitsConfig;
  /** How long the first tools/list of a run waits for servers never seen before. @default 3000 */
  readonly listWaitMs: number;
  /** One line each: things accepted but worth knowing. */
  readonly warnings: readonly string[];
}
