/**
 * The MCP clients that people use, as far as they run without a desktop: each visits an endpoint as its
 * user would have it do, lists the tools and calls `echo__echo`. Programs come from node_modules.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpV2,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { environment } from './rea-command.ts';
import { newerNode, runProgram } from './run-program.ts';

/** What a client is configured with. */
export type Target = Program | Endpoint;

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface Endpoint {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Visit {
  readonly tools: readonly string[];
  /** The result of the call, as the client gives it to its user. */
  readonly content: unknown;
}

interface Listed {
  readonly tools: readonly { readonly name: string }[];
}

/** What all of them call, and with what. */
export const CALLED = 'echo__echo';
export const SAID = 'grüße = 世界';
const INFO = { name: 'rea-test-client', version: '1.0.0' };
/** Sixty times what a run of the Inspector takes on an idle machine. */
const RUN_LIMIT_MS = 100_000;

/** `@modelcontextprotocol/sdk`. */
export async function visitWithSdk1(
  target: Target,
  env = environment(),
  cwd = tmpdir(),
): Promise<Visit> {
  const client = new Client(INFO);
  const transport =
    'url' in target
      ? new StreamableHTTPClientTransport(new URL(target.url), sending(target))
      : new StdioClientTransport({
          ...spawned(target),
          env: { ...env, ...target.env },
          cwd,
          stderr: 'ignore',
        });
  await client.connect(transport as Transport);
  const { tools } = await client.listTools();
  const { content } = await client.callTool({ name: CALLED, arguments: { text: SAID } });
  await client.close();
  return { tools: tools.map(({ name }) => name), content };
}

/** How a client of version 2 finds out what the gateway speaks. */
type Negotiation = 'legacy' | 'auto' | { readonly pin: string };

/** `@modelcontextprotocol/client`, as it is without a word about that. */
export async function visitWithSdk2(target: Target): Promise<Visit> {
  const { era: _, ...visit } = await negotiateWithSdk2(target, null);
  return visit;
}

/** @param mode null: the client's own default. */
export async function negotiateWithSdk2(
  target: Target,
  mode: Negotiation | null,
): Promise<Visit & { readonly era: string | undefined }> {
  const client = new ClientV2(INFO, mode === null ? {} : { versionNegotiation: { mode } });
  await client.connect(
    'url' in target
      ? new HttpV2(new URL(target.url), sending(target))
      : new StdioV2({ ...spawned(target), env: environment(), cwd: tmpdir(), stderr: 'ignore' }),
  );
  const { tools } = await client.listTools();
  const { content } = await client.callTool({ name: CALLED, arguments: { text: SAID } });
  const era = client.getProtocolEra();
  await client.close();
  return { tools: tools.map(({ name }) => name), content, era };
}

/** The command line of the MCP Inspector: one connection for each request. @param era of the protocol; null: its own choice. */
export async function visitWithInspector(
  target: Target,
  era: 'legacy' | 'auto' | 'modern' | null = null,
): Promise<Visit> {
  const server = 'url' in target ? ['--', target.url] : ['--', target.command, ...target.args];
  const headers = Object.entries('url' in target ? (target.headers ?? {}) : {});
  const sent = [
    ...(era === null ? [] : ['--protocol-era', era]),
    ...headers.flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
  ];
  const call = ['--method', 'tools/call', '--tool-name', CALLED, '--tool-arg', `text=${SAID}`];
  const { tools } = (await inspect(['--method', 'tools/list', ...sent, ...server])) as Listed;
  const { content } = (await inspect([...call, ...sent, ...server])) as { content: unknown };
  return { tools: tools.map(({ name }) => name), content };
}

/** An SDK client that starts the bridge from stdio to HTTP. */
export async function visitWithMcpRemote(target: Target): Promise<Visit> {
  if (!('url' in target)) throw new Error('mcp-remote is for HTTP');
  return withHome((HOME) => {
    // As its own documentation has it: what is secret stands in no argument.
    const headers = Object.entries(target.headers ?? {});
    const sent = headers.flatMap(([name], at) => ['--header', `${name}:\${HEADER_${at}}`]);
    const env = Object.fromEntries(headers.map(([, value], at) => [`HEADER_${at}`, value]));
    const args = [programOf('mcp-remote', 'proxy.js'), target.url, ...sent];
    return visitWithSdk1({ command: process.execPath, args, env }, environment({ HOME }));
  });
}

/**
 * Needs a newer Node than the gateway does, and so is no dependency: `npm ci` would warn of it on an older
 * one. Fetched once for all tests of a run.
 */
const INSPECTOR = '@modelcontextprotocol/inspector@2.12.0';
let inspector: Promise<string> | null = null;

async function findInspector(): Promise<string> {
  const args = ['-y', '-p', INSPECTOR, '--', 'sh', '-c', 'command -v mcp-inspector'];
  const env = { ...process.env, npm_config_ignore_scripts: 'true' };
  const { code, stdout, stderr } = await runProgram('npx', args, { env, limitMs: RUN_LIMIT_MS });
  if (code !== 0) throw new Error(`npx cannot provide ${INSPECTOR}: ${stderr}`);
  return realpathSync(stdout.trim());
}

/** Runs the Inspector with these arguments; resolves with the JSON that it prints. */
export async function inspect(args: readonly string[], env = environment()): Promise<unknown> {
  inspector ??= findInspector();
  const launcher = await inspector;
  return withHome(async (HOME) => {
    const { code, stdout, stderr } = await runProgram(
      await newerNode(),
      [launcher, '--cli', '--connect-timeout', '90000', ...args],
      { env: { ...env, HOME }, limitMs: RUN_LIMIT_MS },
    );
    if (code !== 0) throw new Error(`the Inspector ended with ${code}: ${stderr}`);
    return JSON.parse(stdout);
  });
}

function sending({ headers = {} }: Endpoint) {
  return { requestInit: { headers: { ...headers } } };
}

function spawned({ command, args }: Program) {
  return { command, args: [...args] };
}

/** A file in the `dist` of an installed package. */
function programOf(name: string, file: string): string {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  return join(dirname(manifest), 'dist', file);
}

/** A home directory for clients that keep things there. */
async function withHome<T>(use: (home: string) => Promise<T>): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), 'rea-home-'));
  try {
    return await use(home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
