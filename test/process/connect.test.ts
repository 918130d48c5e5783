/** The commands that README begins with, on a machine with three clients; and what they leave when they are undone. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'jsonc-parser';
import { afterEach, expect, test, vi } from 'vitest';
import type { StateSnapshot } from '#src/shared/model/snapshot.ts';
import { type Target, visitWithSdk1 } from '../support/clients.ts';
import { processesOf } from '../support/processes.ts';
import { environment, runRea } from '../support/rea-command.ts';
import { makeDirectory } from '../support/rea-process.ts';
import { fixture } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const README = fileURLToPath(new URL('../../README.md', import.meta.url));
const CURSOR = '.cursor/mcp.json';
const VSCODE = '.config/Code/User/mcp.json';
const CLAUDE = '.claude.json';

/** The lines of a shell that the section on use has. */
function commands(): string[][] {
  const [, block = ''] =
    /^## Use it\n\n```sh\n(.*?)^```$/ms.exec(readFileSync(README, 'utf8')) ?? [];
  const lines = block.split('\n').filter((line) => line !== '');
  expect(lines.length).toBeLessThanOrEqual(5);
  return lines
    .map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
    .filter(([program]) => program === 'rea')
    .map(([, ...words]) => words);
}

/** Of the servers of the gateway that runs. */
function phases(cwd: string): string[] {
  const text = readFileSync(join(cwd, '.rea', 'serve.state.json'), 'utf8');
  return (JSON.parse(text) as StateSnapshot).downstreams.map(({ phase }) => phase);
}

/** One that differs from the others in a variable. */
const server = (name: string) => ({
  ...fixture('echo'),
  env: { WHO: name, API_KEY: `secret of ${name}` },
});

test('README alone: five servers of two clients, three files connected, all tools seen in each, and all of it undone', async () => {
  const home = makeDirectory();
  const cwd = join(home, 'shop');
  const [echo, two, three, four, five] = ['echo', 'two', 'three', 'four', 'five'].map(server);
  const texts = {
    [CURSOR]: `\uFEFF{\n\t// mine\n\t"mcpServers": {\n\t\t"echo": ${JSON.stringify(echo)},\n\t\t"two": ${JSON.stringify(two)}, // 2\n\t\t"three": ${JSON.stringify(three)},\n\t},\n}\n`,
    [VSCODE]: `{\r\n  "servers": {\r\n    "four": ${JSON.stringify(four)},\r\n    /* the same */ "again": ${JSON.stringify(echo)},\r\n    "five": ${JSON.stringify(five)}\r\n  }\r\n}`,
    [CLAUDE]: '{"numStartups": 7, "mcpServers": {}}',
  };
  for (const [name, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text, { mode: 0o600 });
  }
  mkdirSync(cwd);
  const env = {
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_STATE_HOME: join(home, '.state'),
  };
  const rea = (...words: string[]) => runRea(words, { cwd, env });
  let said = '';
  for (const words of commands()) {
    const { code, stdout, stderr } = await rea(...words);
    expect(code, `rea ${words.join(' ')}: ${stdout}${stderr}`).toBe(0);
    said += stdout + stderr;
  }
  expect(said).not.toContain('secret of');
  expect(
    (await rea('connect', '--list')).stdout.match(/connected to .*shop, 0 servers/g),
  ).toHaveLength(3);

  const tools = ['echo', 'two', 'three', 'four', 'five'].map((name) => `${name}__echo`);
  const names = new Map([
    [CURSOR, 'mcpServers'],
    [VSCODE, 'servers'],
    [CLAUDE, 'mcpServers'],
  ]);
  const targets = [...names].map(([name, list]) => {
    const text = readFileSync(join(home, name), 'utf8').replace(/^\uFEFF/, '');
    const { rea: target } = parse(text)[list] as Record<string, Target>;
    if (target === undefined) throw new Error(`${name} has no entry of rea: ${text}`);
    return target;
  });
  // A first list waits for slow servers for a while only; later ones have what is remembered of them.
  const visit = (target: Target) => visitWithSdk1(target, environment(env));
  await visit(targets[0] as Target);
  await until(() => phases(cwd).filter((phase) => phase === 'ready').length === 5, {
    what: 'five servers that are ready',
  });
  for (const seen of await Promise.all(targets.map(visit))) {
    expect(seen.tools).toEqual(expect.arrayContaining(tools));
  }
  // Each server runs once, for all three.
  expect(processesOf(cwd).filter(({ command }) => command.includes('echo.mjs')).length).toBe(5);
  expect((await rea('stop')).code).toBe(0);

  const undone = await rea('undo');
  expect({ code: undone.code, stderr: undone.stderr }).toEqual({ code: 0, stderr: '' });
  for (const [name, text] of Object.entries(texts)) {
    expect(readFileSync(join(home, name), 'utf8'), name).toBe(text);
  }
});

test('bad usage is one line with the next command', async () => {
  const home = makeDirectory();
  const env = { HOME: home, XDG_STATE_HOME: join(home, '.state') };
  for (const [words, line] of [
    [['connect'], /name clients, like rea connect cursor vscode, or give --list alone/],
    [['connect', 'cursor', '--list'], /name clients/],
    [['connect', 'cursr', '--cwd', home], /run "rea init" there/],
    [['connect', 'cursor', '--http', '--port', '70000'], /--port.*from 1 to 65535/],
    [['disconnect', 'cursr'], /no client "cursr"; did you mean cursor\?/],
    [['undo', '--cwd', home], /what is connected: rea connect --list/],
    [['init', '--from', 'cursr', '--cwd', home], /did you mean cursor\?/],
  ] as const) {
    const { code, stdout, stderr } = await runRea(words, { env });
    expect(code, words.join(' ')).toBeGreaterThan(0);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^rea: [^\n]+\n$/);
    expect(stderr).toMatch(line);
  }
});
