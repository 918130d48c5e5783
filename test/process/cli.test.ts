/** The `rea` command line as a user meets it: real processes, their output and their exit codes. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { reaCommand } from '../support/rea-bin.ts';
import { stateHome } from '../support/state-home.ts';
import { brokenRegistries } from '../unit/config/mutations.ts';

vi.setConfig({ testTimeout: 180_000 });

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function rea(args: readonly string[], cwd: string = tmpdir()): Promise<Ended> {
  const { command, args: leading } = reaCommand();
  return new Promise((resolve) => {
    const child = execFile(
      command,
      [...leading, ...args],
      { cwd, timeout: 60_000, env: { PATH: process.env['PATH'], XDG_STATE_HOME: stateHome() } },
      (_error, out, err) => resolve({ code: child.exitCode, out, err }),
    );
    child.stdin?.end();
  });
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'rea-cli-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function write(cwd: string, name: string, text: string): string {
  const file = join(cwd, name);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

const oneLine = (pattern: RegExp) => new RegExp(`^${pattern.source}\\n$`);

describe('the command line', () => {
  it('prints its version and its help on stdout', async () => {
    expect(await rea(['--version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
      err: '',
    });
    // Where a newcomer begins.
    expect((await rea(['--help'])).out).toMatch(
      /First steps:\n {2}rea init --all .*\n {2}rea connect /,
    );
    for (const args of [['help'], ['--help'], ['help', 'check'], ['check', '--help']]) {
      const { code, out, err } = await rea(args);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(/^Usage: rea/);
      expect(out).toContain('--cwd <dir>');
    }
  });

  it.each([
    [['check', '--josn'], /rea: unknown option '--josn'; see rea help check/],
    [['check', '--confg', 'x'], /rea: unknown option '--confg' \(Did you mean --config\?\)/],
    [['chekc'], /rea: unknown command 'chekc' \(Did you mean check\?\)/],
    [['help', 'nonsense'], /rea: unknown command 'nonsense'; see rea help/],
    [['check', 'extra'], /rea: too many arguments for 'check'.*; see rea help check/],
    [
      ['init', '--from'],
      /rea: option '--from <client or file>' argument missing; see rea help init/,
    ],
    [['serve', '--grace', 'soon'], /rea: option '--grace <ms>' argument 'soon' is invalid.*5s.*/],
  ])('answers bad usage with one line and exit code 2: %j', async (args, expected) => {
    const { code, out, err } = await rea(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(oneLine(expected));
  });

  it('without a command shows the commands on stderr and exits with 2', async () => {
    const { code, out, err } = await rea([]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^Usage: rea/);
  });
});

describe('rea check', () => {
  it('says what is valid and exits with 0', async () => {
    const cwd = directory();
    const registry =
      'version: "1"\nservers:\n  - {name: a, command: run, args: ["${UNSET_HERE}"]}\n';
    write(cwd, '.rea/registry.yaml', registry);
    for (const [args, from] of [
      [['check'], cwd],
      [['check', '--cwd', cwd], tmpdir()],
      [['--cwd', cwd, 'check'], tmpdir()],
    ] as const) {
      expect(await rea(args, from)).toEqual({
        code: 0,
        out: 'warning: server "a" stays down: missing env: UNSET_HERE\nok: 1 server, 1 of them down, .rea/registry.yaml\n',
        err: '',
      });
    }
  });

  it('reads --config from where it was typed', async () => {
    const cwd = directory();
    write(cwd, 'here/client.json', '{"mcpServers": {"a": {"command": "run"}}}');
    const { code, out } = await rea(['check', '--config', 'client.json'], join(cwd, 'here'));
    expect({ code, out }).toEqual({ code: 0, out: 'ok: 1 server, client.json\n' });
  });

  it('names a missing file and what to do, and exits with 1', async () => {
    const cwd = directory();
    const { code, out, err } = await rea(['check'], cwd);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out).toMatch(oneLine(/\.rea\/registry\.yaml: does not exist in .*; run "rea init".*/));
  });

  it('reports problems of the policy too', async () => {
    const cwd = directory();
    write(cwd, '.rea/registry.yaml', 'version: "1"\nservers:\n');
    write(cwd, '.rea/policy.yaml', 'autonomy_level: L9\n');
    const { code, out } = await rea(['check'], cwd);
    expect(code).toBe(1);
    expect(out).toContain('.rea/policy.yaml:1: autonomy_level: is "L9"; write L0, L1, L2 or L3\n');
  });

  it('answers a broken registry with lines of place, problem and fix', async () => {
    const cwd = directory();
    const name = 'registry.yaml';
    for (const { text, what } of brokenRegistries(14, 7)) {
      write(cwd, name, text);
      const { code, out, err } = await rea(['check', '--config', name], cwd);
      expect({ code, err }, what).toEqual({ code: 1, err: '' });
      for (const line of out.trimEnd().split('\n')) {
        expect(line, what).toMatch(
          new RegExp(`^(?:warning: )?${name}:\\d+: \\S.*?: \\S.*; \\S.*$`),
        );
      }
    }
  });

  it('takes the file of a client with entries that cannot be used, and says which stay down', async () => {
    const cwd = directory();
    const servers = { good: { command: 'run' }, bad: { args: ['x'] }, note: 'ours' };
    write(cwd, 'client.json', JSON.stringify({ mcpServers: servers }, null, 2));
    const { code, out } = await rea(['check', '--config', 'client.json'], cwd);
    expect(code).toBe(0);
    expect(out.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^warning: client\.json:11: mcpServers\.note: skipped: is text; write/),
      expect.stringMatching(
        /^warning: server "bad" stays down: client\.json:6: mcpServers\.bad\.command: is missing; /,
      ),
      'ok: 2 servers, 1 of them down, client.json',
    ]);
  });

  it('ends quietly when nobody reads its output', async () => {
    const cwd = directory();
    write(cwd, '.rea/registry.yaml', 'version: "1"\nservers:\n');
    const { command, args } = reaCommand();
    const child = spawn(command, [...args, 'check'], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });
});

describe('rea init', () => {
  it('writes what rea check accepts, and nothing a second time', async () => {
    const cwd = directory();
    const client = { mcpServers: { 'My Files': { command: 'npx', env: { KEY: '${KEY}' } } } };
    write(cwd, '.mcp.json', JSON.stringify(client));
    expect(await rea(['init', '--from', '.mcp.json'], cwd)).toEqual({
      code: 0,
      out: [
        'wrote .rea/registry.yaml',
        'wrote .rea/policy.yaml',
        'wrote .rea/.gitignore',
        'wrote .rea/registry.schema.json',
        'wrote .rea/policy.schema.json',
        '"My Files" is called my-files here',
        'take these out of .mcp.json, or they run twice: "My Files"',
        'next: rea check',
        '',
      ].join('\n'),
      err: '',
    });
    const { code, out } = await rea(['check'], cwd);
    expect(code).toBe(0);
    expect(out).toContain('ok: 1 server, 1 of them down, .rea/registry.yaml\n');
    const again = await rea(['init'], cwd);
    expect(again).toMatchObject({ code: 1, out: '' });
    expect(again.err).toMatch(oneLine(/rea: \.rea\/registry\.yaml exists already; .*/));
    const files = readdirSync(join(cwd, '.rea')).sort();
    expect(files).toEqual([
      '.gitignore',
      // That somebody has accepted these programs.
      expect.stringMatching(/^audit-cmd-.*\.jsonl$/),
      'policy.schema.json',
      'policy.yaml',
      'registry.schema.json',
      'registry.yaml',
    ]);
  });

  it('names a directory that cannot be created, and --cwd', async () => {
    const cwd = directory();
    const file = write(cwd, 'file', '');
    const { code, out, err } = await rea(['init', '--cwd', file]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(
      oneLine(/rea: .*\/file\/\.rea cannot be created \(ENOTDIR\); pass --cwd .*/),
    );
    expect(existsSync(join(cwd, '.rea'))).toBe(false);
  });
});
