import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runCheck } from '#src/main/commands/check.ts';
import { type FirstFilesOptions, writeFirstFiles } from '#src/main/commands/init-files.ts';
import { loadConfig } from '#src/main/config/load.ts';
import { directory, write } from './files.ts';

function init(cwd: string, options: Partial<FirstFilesOptions> = {}) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const code = writeFirstFiles({ cwd, env: {}, stdout, stderr, ...options });
  return { code, out: text(stdout), err: text(stderr) };
}

function text(stream: PassThrough): string {
  return ((stream.read() as Buffer | null) ?? '').toString();
}

/** Every odd thing that a client's file may hold and a registry has to express. */
const CLIENT = JSON.stringify({
  mcpServers: {
    'My Files': {
      command: 'npx',
      args: [
        '-y',
        'x: y',
        '# no comment',
        '8080',
        'true',
        '',
        "it's",
        '"',
        'a\nb',
        '${env:ROOT}/x',
      ],
      env: { TOKEN: '${TOKEN}', KEY: 'literal', ODD: '$${x} ${1', NUM: '08', NO: 'no' },
      cwd: 'sub dir',
    },
    off: { command: 'off', disabled: true },
    asks: { command: '${workspaceFolder}/run', args: ['${input:key}'] },
    fallback: { command: './run', env: { MODE: '${MODE:-safe}' } },
    web: {
      url: 'https://example.com/mcp?k=${env:ROOT}',
      headers: { 'X-Api-Key': 'literal', B: '${TOKEN}' },
    },
    old: { type: 'sse', url: 'https://example.com/sse' },
  },
});

describe('rea init', () => {
  it('writes files that only their owner can read and that pass rea check', () => {
    const cwd = directory();
    expect(init(cwd)).toEqual({
      code: 0,
      out: 'wrote .rea/registry.yaml\nwrote .rea/policy.yaml\nwrote .rea/.gitignore\nwrote .rea/registry.schema.json\nwrote .rea/policy.schema.json\nnext: write your servers into .rea/registry.yaml, then: rea check\n',
      err: '',
    });
    expect(statSync(join(cwd, '.rea')).mode & 0o777).toBe(0o700);
    for (const name of ['registry.yaml', 'policy.yaml']) {
      expect(statSync(join(cwd, '.rea', name)).mode & 0o777).toBe(0o600);
    }
    const stdout = new PassThrough();
    expect(runCheck({ cwd, env: {}, stdout })).toBe(0);
    expect(text(stdout)).toContain(
      'ok: 0 servers, .rea/registry.yaml\nok: policy, .rea/policy.yaml',
    );
  });

  it('is not enough for rea check when others can write to the directory', () => {
    const cwd = directory();
    init(cwd);
    chmodSync(join(cwd, '.rea'), 0o770);
    const stdout = new PassThrough();
    expect(runCheck({ cwd, env: {}, stdout })).toBe(1);
    expect(text(stdout)).toContain(
      `.rea: others can write to it (mode 770); chmod go-w ${join(cwd, '.rea')}\n`,
    );
  });

  it('gives an example that works once its comment signs are removed', () => {
    const cwd = directory();
    init(cwd);
    const registry = readFileSync(join(cwd, '.rea', 'registry.yaml'), 'utf8');
    const file = write(
      cwd,
      'example.yaml',
      registry.replaceAll(/^( *)# (?=defaults|[- ])/gm, '$1'),
    );
    const result = loadConfig({ cwd, file, env: { TOKEN: 'x' } });
    expect(result).toMatchObject({ ok: true, config: { servers: [{ name: 'files' }] } });
  });

  it.each([
    ['with', { TOKEN: 't', ROOT: '/r', MODE: 'fast' }],
    ['without', {}],
  ])('imports servers that load back as the same, %s their variables set', (_with, env) => {
    const cwd = directory();
    const from = write(cwd, 'client.json', CLIENT);
    const { code, err } = init(cwd, { from: [{ file: from }] });
    expect(code).toBe(0);
    expect(err.trim().split('\n')).toEqual([
      expect.stringMatching(
        /"old" is left out: client\.json:1: mcpServers\.old\.type: servers of type sse are not/,
      ),
      expect.stringMatching(/"my-files": the values of KEY, ODD, NUM, NO are written out/),
      expect.stringMatching(
        /"web": the values of X-Api-Key are written out.*use \$\{X_API_KEY\} to/,
      ),
    ]);
    const before = loadConfig({ cwd, file: from, env });
    const after = loadConfig({ cwd, env });
    if (!before.ok || !after.ok) throw new Error('the configuration does not load');
    expect(after.config.servers).toEqual(
      before.config.servers.filter((server) => server.name !== 'old'),
    );
    expect(after.config.servers).toHaveLength(4);
    const written = readFileSync(join(cwd, '.rea', 'registry.yaml'), 'utf8');
    expect(written).toContain('TOKEN: ${TOKEN}');
  });

  it('names each secret that stands in arguments and addresses, and never what it is', () => {
    const cwd = directory();
    const random = 'Zq7x9Kd0vPw3Lm5Rt8Bn';
    const token = `ghp_${random}${random}`;
    const servers = {
      flags: { command: 'x', args: ['--api-key', `${random}1`, '--client.secret=tigerfish', '-v'] },
      pairs: {
        command: 'docker',
        args: ['run', '-e', 'GITHUB_TOKEN=barracuda', token, '--port=1'],
      },
      texts: {
        command: 'x',
        args: ['postgres://me:swordfish@db/app', '{"password": "moray-eel"}'],
      },
      header: { command: 'npx', args: ['--header', 'Authorization: Bearer anglerfish'] },
      address: { url: `https://example.com/${random}/mcp?apiKey=lionfish&mode=fast-mode` },
      user: { url: 'https://me:swordfish@example.com/mcp' },
      references: {
        command: 'x',
        args: [
          '--api-key',
          '${KEY}',
          '--token=${env:TOKEN}',
          '-e',
          'MY_SECRET=${X:-}',
          'http://${U}:${P}@h',
        ],
      },
      web: { url: 'https://example.com/mcp?key=${KEY_WITH_LONG_NAME_2024}&token=${T}' },
      harmless: {
        command: 'x',
        args: ['--token-file', '/run/secrets/x', '--max-tokens', '409600'],
      },
      left: { type: 'sse', url: 'https://example.com/sse?key=swordfish' },
    };
    const from = write(cwd, 'client.json', JSON.stringify({ mcpServers: servers }));
    const { code, err } = init(cwd, { from: [{ file: from }] });
    expect(code).toBe(0);
    const lines = err
      .trim()
      .split('\n')
      .map((line) => line.replace(/^rea: warning: server /, ''));
    const advice = (what: string, name: string) =>
      `${what} is written out in the registry; set ${name} in the environment and write \${${name}} instead`;
    expect(lines).toEqual([
      '"user" is left out: url holds credentials; move them to headers or token_file',
      expect.stringContaining('"left" is left out'),
      `"flags": ${advice('"api-key" in argument 2', 'FLAGS_API_KEY')}`,
      `"flags": ${advice('"client.secret" in argument 3', 'FLAGS_CLIENT_SECRET')}`,
      `"pairs": ${advice('"GITHUB_TOKEN" in argument 3', 'PAIRS_GITHUB_TOKEN')}`,
      `"pairs": ${advice('argument 4, which looks like a token,', 'PAIRS_TOKEN')}`,
      `"texts": ${advice('"password" in argument 1', 'TEXTS_PASSWORD')}`,
      `"texts": ${advice('"password" in argument 2', 'TEXTS_PASSWORD')}`,
      `"header": ${advice('"Authorization" in argument 2', 'HEADER_AUTHORIZATION')}`,
      `"address": ${advice('"path" in url', 'ADDRESS_PATH')}`,
      `"address": ${advice('"apiKey" in url', 'ADDRESS_APIKEY')}`,
    ]);
    expect(err).not.toMatch(/fish|barracuda|moray|Zq7/);
  });

  it.each(['registry.yaml', 'policy.yaml'])('never overwrites %s', (name) => {
    const cwd = directory();
    const file = write(cwd, `.rea/${name}`, 'mine');
    const { code, err } = init(cwd);
    expect(code).toBe(1);
    expect(err).toBe(
      `rea: .rea/${name} exists already; edit it, or move it away and run rea init again\n`,
    );
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(existsSync(join(cwd, '.rea', 'policy.yaml'))).toBe(name === 'policy.yaml');
  });

  it('reads a file that every user can write, and says so', () => {
    const cwd = directory();
    const from = write(cwd, 'mcp.json', '{"mcpServers": {"a": {"command": "run"}}}');
    chmodSync(from, 0o666);
    const { code, err } = init(cwd, { from: [{ file: from }] });
    expect(code).toBe(0);
    expect(err).toMatch(/^rea: warning: mcp\.json: can be written by every user .*\(mode 666\)/);
  });

  it('never writes through a symbolic link', () => {
    const cwd = directory();
    mkdirSync(join(cwd, 'target'));
    symlinkSync(join(cwd, 'target'), join(cwd, '.rea'));
    expect(init(cwd)).toMatchObject({
      code: 1,
      err: expect.stringContaining('is not a directory') as string,
    });
    const other = directory();
    mkdirSync(join(other, '.rea'));
    symlinkSync(join(other, 'elsewhere'), join(other, '.rea', 'registry.yaml'));
    expect(init(other).code).toBe(1);
    expect(existsSync(join(other, 'elsewhere'))).toBe(false);
    expect(lstatSync(join(other, '.rea', 'registry.yaml')).isSymbolicLink()).toBe(true);
  });

  it('writes nothing when the file to import is broken or of the wrong kind', () => {
    const cwd = directory();
    const broken = write(cwd, 'broken.json', '{"mcpServers": {"a": {}}');
    const registry = write(
      cwd,
      'registry.yaml',
      'version: "1"\nservers: [{name: a, command: b}]\n',
    );
    const other = write(cwd, 'package.json', '{"name": "x"}');
    expect(init(cwd, { from: [{ file: broken }] }).err).toMatch(/^rea: broken\.json:1: .*; .*\n$/);
    expect(init(cwd, { from: [{ file: registry }] }).err).toMatch(/is no client file/);
    expect(init(cwd, { from: [{ file: other }] }).err).toMatch(
      /^rea: package\.json holds no list of servers; known/,
    );
    expect(existsSync(join(cwd, '.rea'))).toBe(false);
  });
});
