/**
 * The sides that are compared, each started with the same servers and as its own documentation says,
 * in its default configuration: no gateway at all, the in-process reference, rea, and those from npm.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { cleanEnvironment } from './environment.ts';
import { HttpConnection } from './http-wire.ts';
import { mcpServers, peerCommand } from './peer-command.ts';
import { type Peer, peerProgram } from './peers.ts';
import type { Scope, Started } from './scope.ts';
import { sdkOverHttp, sdkOverStdio } from './sdk.ts';
import type { Server } from './servers.ts';
import { CLAIM, type Connection, handshake, StdioConnection } from './wire.ts';

export type SideName =
  | 'direct'
  | 'thread-relay'
  | 'in-process'
  | 'rea'
  /** An earlier build of rea. */
  | 'rea-before'
  /** This build without rules and without an audit log. */
  | 'rea-free'
  /** A session of a gateway that several share: its relay. */
  | 'rea-shared'
  /** Its client speaks revision 2026-07-28, which has no handshake. */
  | 'rea-sessionless'
  | 'rea-http'
  /** Over HTTP, without rules and without an audit log. */
  | 'rea-http-free'
  /** Over HTTP, its client speaks revision 2026-07-28. */
  | 'rea-http-sessionless'
  | Peer;

/** No gateway and no server: how long Node itself takes to start and to end. */
export const NODE_ALONE = 'node -e 0';

/** A side that runs. */
export interface Gateway {
  readonly side: SideName;
  readonly pid: number;
  /** On the clock of `performance.now()`: just before its process was made. */
  readonly spawned: number;
  /** Where it speaks MCP over HTTP. */
  readonly url: string | null;
  /** Its working directory. */
  readonly dir: string;
  readonly exited: Promise<unknown>;
  /** The name under which it offers a tool. */
  tool(server: string, tool: string): string;
  /** A raw client, after its handshake where it makes one; over stdio there can be only one client. */
  connect(): Promise<Connection>;
  /** The SDK's client. */
  connectSdk(): Promise<Client>;
  stderr(): string;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** The directory of an earlier run, for a warm start. @default a new one */
  readonly dir?: string;
  /** @default the home of the run, where something may lie that earlier starts have kept */
  readonly home?: string;
  /** Restart servers that crash at once and for ever, where this can be configured. @default false */
  readonly withoutBackoff?: boolean;
  /** Whether each server has a thread of its own, where there is a choice. @default what is the default there */
  readonly threads?: 'dedicated' | 'shared';
  /** Options of Node for this gateway alone, where it runs in Node. @default none */
  readonly nodeArgs?: readonly string[];
  /** What its policy says, where it has one. @default no policy: the audit log is on, and everything is allowed */
  readonly policy?: object;
}

export interface Sides {
  /** Those of `names` that can be started here, in the same order. */
  available(names: readonly SideName[]): SideName[];
  start(side: SideName, servers: readonly Server[], options?: StartOptions): Promise<Gateway>;
}

export const REA = fileURLToPath(new URL('../../dist/main/index.js', import.meta.url));
const IN_PROCESS = fileURLToPath(new URL('../servers/in-process-gateway.mjs', import.meta.url));
const RELAY = fileURLToPath(new URL('../servers/thread-relay.mjs', import.meta.url));
const HTTP_READY_MS = 120_000;
/** What a registry says for rea to restart at once, again and again. */
const WITHOUT_BACKOFF = {
  restart: { intensity: 1000, period_ms: 3_600_000, backoff_ms: 1, backoff_max_ms: 1 },
};

/** A policy that allows everything and records nothing. */
const FREE = { audit: 'off' };

/**
 * @param peersDir where those from npm are, null when they could not be installed.
 * @param nodeArgs options of Node for the gateways that run in it.
 * @param before the program of an earlier build; with one, only it and this build are compared.
 */
export function makeSides(
  scope: Scope,
  node: string,
  peersDir: string | null,
  nodeArgs: readonly string[],
  before: string | null = null,
): Sides {
  const isThere = (name: SideName) => {
    if (before !== null) return name === 'rea' || name === 'rea-before';
    return name !== 'rea-before' && (peersDir !== null || !isPeer(name));
  };
  return {
    available: (names) => names.filter(isThere),
    start: async (side, servers, options = {}) => {
      const dir = options.dir ?? scope.directory();
      const env = cleanEnvironment(dir, node, options.home);
      const start = (args: readonly string[]) =>
        scope.spawn(node, [...nodeArgs, ...(options.nodeArgs ?? []), ...args], { cwd: dir, env });
      const tool = isForOne(side) ? bare : prefixed;
      const common = { side, dir, tool };
      if (side === 'direct') {
        const [server] = servers as [Server];
        return overStdio(
          scope,
          scope.spawn(server.command, server.args, { cwd: dir, env }),
          common,
        );
      }
      if (side === 'thread-relay') {
        const [server] = servers as [Server];
        return overStdio(scope, start([RELAY, server.command, ...server.args]), common);
      }
      if (side === 'in-process') {
        const backoff = options.withoutBackoff === true ? '0' : '200';
        return overStdio(scope, start([IN_PROCESS, mcpServers(dir, servers), backoff]), common);
      }
      if (isRea(side)) {
        const program = side === 'rea-before' && before !== null ? before : REA;
        const serve = [program, 'serve', '--cwd', dir];
        writeRegistry(dir, servers, {
          ...(options.withoutBackoff === true ? WITHOUT_BACKOFF : {}),
          ...(options.threads === undefined ? {} : { threads: { mode: options.threads } }),
          // A shared gateway is to be gone soon after its last session.
          ...(side === 'rea-shared' ? { idle_exit_ms: 1000 } : {}),
        });
        const policy = side === 'rea-free' || side === 'rea-http-free' ? FREE : options.policy;
        if (policy !== undefined) writeInto(dir, 'policy.yaml', policy);
        const own = side === 'rea-shared' ? ['--shared'] : [];
        if (!side.startsWith('rea-http'))
          return overStdio(scope, start([...serve, ...own]), common);
        const port = await freePort();
        const started = start([...serve, '--http', String(port), '--no-token']);
        return overHttp(scope, started, { ...common, port, path: '/mcp', kind: 'streamable' });
      }
      const port = await freePort();
      const { args, path, kind } = peerCommand(side, port, dir, servers);
      const started = start([peerProgram(peersDir as string, side), ...args]);
      return overHttp(scope, started, { ...common, port, path, kind });
    },
  };
}

function isRea(side: SideName): side is Extract<SideName, `rea${string}`> {
  return side.startsWith('rea');
}

/** Whether its raw client makes no handshake. */
function isSessionless(side: SideName): boolean {
  return side === 'rea-sessionless' || side === 'rea-http-sessionless';
}

/** Whether it came from npm. */
export function isPeer(side: SideName): side is Peer {
  return side === 'mcp-hub' || isBridge(side);
}

/** Whether it holds one server only, whose tools keep their names. */
function isForOne(side: SideName): boolean {
  return side === 'direct' || side === 'thread-relay' || isBridge(side);
}

/** Whether it is a bridge from npm for one server. */
function isBridge(side: SideName): boolean {
  return side === 'mcp-proxy' || side === 'supergateway';
}

interface Common {
  readonly side: SideName;
  readonly dir: string;
  readonly tool: (server: string, tool: string) => string;
}

function overStdio(scope: Scope, started: Started, common: Common): Gateway {
  const { stdin, stdout } = started.child;
  return {
    ...common,
    ...started,
    url: null,
    connect: async () =>
      isSessionless(common.side)
        ? new StdioConnection(stdin, stdout, CLAIM)
        : handshake(new StdioConnection(stdin, stdout)),
    connectSdk: () => sdkOverStdio(started),
    stop: () => scope.stop(started),
  };
}

async function overHttp(
  scope: Scope,
  started: Started,
  {
    port,
    path,
    kind,
    ...common
  }: Common & { port: number; path: string; kind: 'sse' | 'streamable' },
): Promise<Gateway> {
  const url = `http://127.0.0.1:${port}${path}`;
  started.child.stdout.resume();
  await untilListening(started, url, kind);
  // Clients left open would try to reach the gateway for ever.
  const clients: { close(): unknown }[] = [];
  const kept = <C extends { close(): unknown }>(client: C): C => {
    clients.push(client);
    return client;
  };
  return {
    ...common,
    ...started,
    url,
    connect: async () => {
      if (isSessionless(common.side)) return kept(HttpConnection.sessionless(url));
      const open = kind === 'sse' ? HttpConnection.sse(url) : HttpConnection.streamable(url);
      return handshake(kept(await open));
    },
    connectSdk: async () => kept(await sdkOverHttp(url, kind)),
    stop: async () => {
      for (const client of clients) await client.close();
      await scope.stop(started, 'SIGTERM');
    },
  };
}

/** Some listen before they can serve: a long GET must be accepted. */
async function untilListening(
  started: Started,
  url: string,
  kind: 'sse' | 'streamable',
): Promise<void> {
  const end = performance.now() + HTTP_READY_MS;
  while (performance.now() < end) {
    const response = await fetch(url, { method: kind === 'sse' ? 'GET' : 'OPTIONS' }).catch(
      () => null,
    );
    await response?.body?.cancel();
    if (response !== null && (kind === 'streamable' || response.ok)) return;
    if (started.child.exitCode !== null) break;
    await pause(10);
  }
  throw new Error(`nothing listens at ${url}:\n${started.stderr()}`);
}

function writeRegistry(dir: string, servers: readonly Server[], defaults: object): void {
  if (!existsSync(REA)) throw new Error(`${REA} is missing: npm run build`);
  writeInto(dir, 'registry.yaml', { version: '1', defaults, servers });
}

function writeInto(dir: string, name: string, content: object): void {
  mkdirSync(join(dir, '.rea'), { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, '.rea', name), JSON.stringify(content), { mode: 0o600 });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function prefixed(server: string, tool: string): string {
  return `${server}__${tool}`;
}

function bare(_server: string, tool: string): string {
  return tool;
}
