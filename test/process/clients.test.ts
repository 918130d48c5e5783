/** The clients that people use, and every configuration that the documentation gives them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  CALLED,
  inspect,
  SAID,
  type Target,
  type Visit,
  visitWithInspector,
  visitWithMcpRemote,
  visitWithSdk1,
  visitWithSdk2,
} from '../support/clients.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { environment } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { newerNode, runProgram } from '../support/run-program.ts';
import { fixture, registry } from '../support/servers.ts';
import { shell } from '../support/shell.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A gateway that is shared ends soon after the client. */
const REGISTRY = registry({ echo: fixture('echo') }, { idle_exit_ms: 1000 });
const VISITED: Visit = {
  tools: expect.arrayContaining(['__rea__health', CALLED]),
  content: [{ type: 'text', text: SAID }],
};

let started: Promise<Running> | null = null;

beforeAll(async () => {
  await newerNode();
});
afterAll(async () => {
  if (started !== null) {
    // A gateway that serves only HTTP does not end with its stdin.
    const { rea } = await started;
    rea.kill('SIGTERM');
    const { code } = await rea.exited;
    if (code !== 0) throw new Error(`the gateway ended with ${code}`);
  }
  await tidy();
});

/** A directory that a client's gateway may serve. */
function project(): string {
  const dir = makeDirectory();
  writeRegistry(dir, REGISTRY);
  return dir;
}

interface Running {
  readonly rea: Rea;
  readonly url: string;
  readonly tokenFile: string;
  readonly token: string;
}

/** A gateway that runs already, as it is without a word about tokens: one for all clients. */
function running(): Promise<Running> {
  started ??= start();
  return started;
}

async function start(): Promise<Running> {
  const rea = await startRea({
    args: ['--http', '127.0.0.1:0'],
    config: REGISTRY,
    initialize: false,
  });
  const url = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  const tokenFile = rea.state()?.endpoint.token_file ?? '';
  return { rea, url, tokenFile, token: readFileSync(tokenFile, 'utf8').trim() };
}

const CLIENTS: Readonly<Record<string, (target: Target) => Promise<Visit>>> = {
  'the SDK, version 1': (target) => visitWithSdk1(target),
  'the SDK, version 2': visitWithSdk2,
  'the MCP Inspector': (target) => visitWithInspector(target),
  'the MCP Inspector, auto': (target) => visitWithInspector(target, 'auto'),
  'the MCP Inspector, modern': (target) => visitWithInspector(target, 'modern'),
};

test.each(Object.entries(CLIENTS))('%s lists and calls tools over stdio', async (_, visit) => {
  const rea = reaCommand();
  const args = [...rea.args, 'serve', '--cwd', project()];
  expect(await visit({ command: rea.command, args })).toEqual(VISITED);
});

test.each([...Object.entries(CLIENTS), ['mcp-remote', visitWithMcpRemote] as const])(
  '%s lists and calls tools over HTTP',
  async (_, visit) => {
    const { url, token } = await running();
    const headers = { Authorization: `Bearer ${token}` };
    expect(await visit({ url, headers })).toEqual(VISITED);
  },
);

interface Snippet {
  readonly file: string;
  readonly language: string;
  readonly text: string;
}

/** What stands between fences in these files. */
function snippets(...files: readonly string[]): Snippet[] {
  return files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(
      ([, language = '', text = '']) => ({ file, language, text: text.trim() }),
    ),
  );
}

const ALL = snippets('docs/clients.md');
const CONFIGURATIONS = ALL.filter(({ language }) => language === 'json');
/** That of rea itself is run in connect.test.ts. */
const COMMANDS = ALL.filter(({ language, text }) => language === 'sh' && !text.startsWith('rea '));
const PROGRAMS = ALL.filter(({ language }) => language === 'js');

interface Filled {
  readonly text: string;
  /** What the documentation has its reader put into the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** How the clients write a value that they put in: from the environment, or from their user. */
const ASKED_FOR = /\$\{REA_TOKEN\}|\$\{env:REA_TOKEN\}|\$\{input:rea-token\}|<token>/g;

/** A snippet's text for this machine: its placeholders stand for a real directory, endpoint and token. */
async function fill({ text }: Snippet): Promise<Filled> {
  const { url, tokenFile, token } = text.includes(':7332') ? await running() : NOT_RUNNING;
  return {
    text: text
      .replaceAll(/\/path\/to\/your-project|\$\{workspaceFolder\}/g, () => project())
      .replaceAll('http://127.0.0.1:7332/mcp', url)
      .replaceAll('/path/to/token', tokenFile)
      .replaceAll(ASKED_FOR, token),
    env: { REA_TOKEN: token },
  };
}

const NOT_RUNNING: Omit<Running, 'rea'> = { url: '', tokenFile: '', token: '' };

/** The words that a shell makes of a command. */
async function wordsOf(text: string): Promise<string[]> {
  const told = `{ printf '%s\\0' "$@"; }`;
  const [program = ''] = text.split(' ', 1);
  const script = `tell() ${told}; ${text.replace(/^\S+/, 'tell')}`;
  const { stdout } = await runProgram('/bin/sh', ['-c', script], {
    env: environment(),
    limitMs: 60_000,
  });
  return [program, ...stdout.split('\0').slice(0, -1)];
}

test.each(CONFIGURATIONS)('the configuration in $file works: $text', async (snippet) => {
  const { text } = await fill(snippet);
  const { mcpServers, servers = mcpServers } = JSON.parse(text) as Record<string, object>;
  const target = (servers as { rea: Target }).rea;
  if ('command' in target && target.command === 'rea') expect(target.args).toContain('--cwd');
  expect(await visitWithSdk1(target, shell(), ROOT)).toEqual(VISITED);
});

test.each(COMMANDS)('the command in $file works: $text', async (snippet) => {
  const { text } = await fill(snippet);
  const [program = '', ...words] = await wordsOf(text);
  if (program === 'npx') {
    expect(words.slice(0, 2)).toEqual(['@modelcontextprotocol/inspector', '--cli']);
    expect(JSON.stringify(await inspect(words.slice(2), shell()))).toContain(CALLED);
  } else {
    expect([program, ...words.slice(0, 2)]).toEqual(['claude', 'mcp', 'add']);
    const [command = '', ...args] = words.slice(words.indexOf('--') + 1);
    const url = words.find((word) => word.startsWith('http:')) ?? '';
    const [, name = '', value = ''] = /^(\S+): (.*)$/.exec(words.at(-1) ?? '') ?? [];
    const target = words.includes('--') ? { command, args } : { url, headers: { [name]: value } };
    expect(words).toContain(words.includes('--') ? '--cwd' : '--transport');
    expect(await visitWithSdk1(target, shell(), ROOT)).toEqual(VISITED);
  }
});

test.each(PROGRAMS)('the program in $file works: $text', async (snippet) => {
  const { text, env } = await fill(snippet);
  const { stdout } = await runProgram(process.execPath, ['--input-type=module', '-e', text], {
    cwd: ROOT,
    env: { ...shell(), ...env },
    limitMs: 100_000,
  });
  expect(stdout).toContain(`'${CALLED}'`);
});

test('every kind of snippet was found', () => {
  expect(ALL).toHaveLength(CONFIGURATIONS.length + COMMANDS.length + PROGRAMS.length + 1);
  expect([CONFIGURATIONS.length, COMMANDS.length, PROGRAMS.length]).toEqual([8, 4, 2]);
});
