/** What the pages for people who arrive have them paste: every command is one, and what it should do it does. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { type Target, visitWithSdk1 } from '../support/clients.ts';
import { filesBelow } from '../support/files-below.ts';
import { environment, runRea } from '../support/rea-command.ts';
import { makeDirectory } from '../support/rea-process.ts';
import { runProgram } from '../support/run-program.ts';
import { fixture } from '../support/servers.ts';
import { paste, shell } from '../support/shell.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });
afterEach(tidy);

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const RUNNING = read('docs/running.md');
const PAGES = ['troubleshooting', 'recipes', 'running', 'comparison', 'clients'].map((name) =>
  read(`docs/${name}.md`),
);

/** What stands between fences of a language. */
function fenced(page: string, language: string): string[] {
  const found = page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'));
  return [...found].map(([, text = '']) => text);
}

/** All command lines of rea, each once, also those that a unit or tmux has. */
function commands(): string[] {
  const pasted = [read('README.md'), ...PAGES].flatMap((page) => fenced(page, 'sh')).join('');
  const [, unit = ''] = /^ExecStart=\S+\/node \S+\/(rea .*)$/m.exec(RUNNING) ?? [];
  const [, tmux = ''] = /^tmux new-session .*'(rea .*)'$/m.exec(RUNNING) ?? [];
  const [plist = ''] = /<string>serve<(?:.|\n)*?(?=<\/array>)/.exec(RUNNING) ?? [];
  const words = [...plist.matchAll(/>?([^<>\s]+)<\/string>/g)].map(([, word = '']) => word);
  const own = pasted.match(/^rea .*$/gm) ?? [];
  return [...new Set([...own, unit, tmux, ['rea', ...words].join(' ')])];
}

/** Writes a file of rea's. */
function put(dir: string, name: string, text: string): void {
  writeFileSync(join(dir, '.rea', `${name}.yaml`), text, { mode: 0o600 });
}

test('every command of rea is one, with options that it has', async () => {
  const home = makeDirectory();
  const env = shell({ HOME: home, XDG_STATE_HOME: join(home, 's'), XDG_CONFIG_HOME: home });
  const all = commands();
  expect(all.length).toBeGreaterThan(25);
  for (const word of ['--take-over', 'serve --http', 'serve --shared', 'doctor', '--reason']) {
    expect(all.join('\n')).toContain(word);
  }
  for (const [, path = ''] of all.join('\n').matchAll(/--from ~\/(\S+)/g)) {
    mkdirSync(join(home, dirname(path)), { recursive: true });
    writeFileSync(join(home, path), JSON.stringify({ mcpServers: { echo: fixture('echo') } }));
  }
  for (const line of all) {
    const cwd = join(makeDirectory(), 'shop');
    mkdirSync(join(cwd, '.rea'), { recursive: true, mode: 0o700 });
    // Where nothing is configured no gateway starts, and none of the commands waits.
    if (!line.startsWith('rea serve')) put(cwd, 'registry', 'version: "1"\nservers: []\n');
    const { code, stderr } = await paste(line.replace('%h/', `${cwd}/`), env, cwd);
    // Misuse of a command has the same code as the name of a server that is not configured here.
    const isUnknown = /^rea: no server "[a-z]+" is enabled in the configuration/.test(stderr);
    expect(isUnknown ? [2] : [0, 1, 3], `${line}: ${code} ${stderr}`).toContain(code);
  }
});

test('after what the page on uninstalling has one paste, no trace is left', async () => {
  const home = makeDirectory();
  const shop = join(home, 'shop');
  const cursor = join(home, '.cursor', 'mcp.json');
  mkdirSync(dirname(cursor));
  mkdirSync(shop);
  writeFileSync(cursor, JSON.stringify({ mcpServers: { echo: fixture('echo') } }), { mode: 0o600 });
  const before = filesBelow(home);
  const places = {
    HOME: home,
    XDG_STATE_HOME: join(home, '.local', 'state'),
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_RUNTIME_DIR: join(home, 'run'),
  };
  const env = shell(places);
  const used = await paste('rea init --all && rea connect cursor --take-over', env, shop);
  expect(used).toMatchObject({ code: 0, stderr: '' });
  mkdirSync(join(home, '.config', 'rea'), { recursive: true });
  writeFileSync(join(home, '.config', 'rea', 'policy.yaml'), 'version: "1"\n', { mode: 0o600 });
  const { mcpServers } = JSON.parse(readFileSync(cursor, 'utf8')) as {
    mcpServers: { rea: Target };
  };
  await visitWithSdk1(mcpServers.rea, environment(places));
  expect(filesBelow(home).size).toBeGreaterThan(before.size + 5);

  const [, section = ''] = RUNNING.split('\n## Uninstall\n');
  const [project = '', machine = '', ...more] = fenced(section, 'sh');
  expect(more).toEqual([]);
  const { stdout, stderr } = await paste(project, env, shop);
  expect(stdout, stderr).toMatch(/the gateway .* has stopped[^]*is as it was, byte for byte/);
  const [, uninstall = ''] = /^npm uninstall -g (\S+)$/m.exec(machine) ?? [];
  expect(uninstall).toBe((JSON.parse(read('package.json')) as { name: string }).name);
  const rest = await paste(machine.replace(/^npm .*$/m, ''), env, shop);
  expect(rest).toMatchObject({ code: 0, stderr: '' });
  expect(filesBelow(home)).toEqual(before);
});

/** What is imported of another gateway's file, and what is said about it. */
async function imported(servers: object) {
  const dir = join(makeDirectory(), 'shop');
  mkdirSync(dir);
  const file = join(dir, 'servers.json');
  writeFileSync(file, JSON.stringify({ mcpServers: servers, mcpTemplates: { t: {} } }));
  const env = { HOME: dir, XDG_STATE_HOME: join(dir, 's') };
  const { code, stderr } = await runRea(['init', '--from', file], { cwd: dir, env });
  expect(code, stderr).toBe(0);
  const text = readFileSync(join(dir, '.rea', 'registry.yaml'), 'utf8');
  return { stderr, servers: (parse(text) as { servers: unknown }).servers };
}

test('files of other gateways come over as the page on moving says', async () => {
  const hub = await imported({
    one: {
      command: 'npx',
      args: ['$TOKEN'],
      env: { TOKEN: null, A: '${A}', B: '${cmd: op read b}' },
      disabled: true,
      disabled_tools: ['x'],
      dev: { enabled: true },
      autoApprove: ['y'],
    },
  });
  const env = { A: '${A}', B: '$${cmd: op read b}' };
  const one = { name: 'one', command: 'npx', args: ['$TOKEN'], env };
  expect(hub.servers).toEqual([{ ...one, enabled: false, tools: { deny: ['x'] } }]);
  expect(hub.stderr).toContain('without effect here: dev, autoApprove');

  const other = await imported({
    one: {
      command: 'npx',
      tags: ['web'],
      restartOnExit: true,
      connectionTimeout: 10_000,
      requestTimeout: 30_000,
      disabledTools: ['x'],
    },
    two: { type: 'sse', url: 'https://api.example.com/sse' },
  });
  const limits = { start_timeout_ms: 10_000, call_timeout_ms: 30_000, tools: { deny: ['x'] } };
  expect(other.servers).toEqual([{ name: 'one', command: 'npx', ...limits }]);
  expect(other.stderr).toMatch(/tags, restartOnExit[^]*"two" is left out/);
});

test('the files of @bookedsolid/rea are read as they are', async () => {
  const dir = makeDirectory();
  mkdirSync(join(dir, '.rea'), { mode: 0o700 });
  const files = {
    registry:
      'version: "1"\nservers:\n  - name: one\n    command: npx\n    args: [-y, one]\n    env: { A: b }\n    env_passthrough: [C]\n    tier_overrides: { wipe: destructive }\n    enabled: true\n',
    policy:
      'version: "1"\nprofile: minimal\ninstalled_by: "rea@0.9.0"\nautonomy_level: L1\nmax_autonomy_level: L2\npromotion_requires_human_approval: true\nblock_ai_attribution: true\nblocked_paths: [.env, .env.*]\ninjection_detection: warn\nreview: { codex_required: false }\n',
  };
  for (const [name, text] of Object.entries(files)) put(dir, name, text);
  const { code, stdout } = await runRea(['check', '--cwd', dir]);
  expect(code, stdout).toBe(0);
  expect(stdout).toMatch(/ok: 1 server,[^]*ok: policy,/);
  for (const key of ['installed_by', 'block_ai_attribution', 'review']) {
    expect(stdout).toContain(`${key}: has no effect on the gateway`);
  }
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).error === undefined;

test.runIf(hasSystemd)('systemd has nothing to say about the unit', async () => {
  const dir = makeDirectory();
  const [unit = ''] = fenced(RUNNING, 'ini');
  const file = join(dir, 'rea.service');
  writeFileSync(file, unit.replace(/^ExecStart=\S+ \S+/m, `ExecStart=${process.execPath} rea`));
  const env = environment({ HOME: dir, XDG_RUNTIME_DIR: dir });
  const words = ['verify', '--user', file];
  const said = await runProgram('systemd-analyze', words, { env, limitMs: 60_000 });
  expect(said).toMatchObject({ code: 0, stderr: '' });
});
