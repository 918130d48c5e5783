/** `rea init` on a machine with clients: what it finds, what it takes, and what it leaves to a person. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '#src/main/config/load.ts';
import { House } from './house.ts';

const GITHUB = { command: 'npx', args: ['-y', 'gh'], env: { TOKEN: '${env:GH_TOKEN}' } };
const CURSOR = {
  mcpServers: {
    github: GITHUB,
    'My Files': { command: 'files' },
    db: { command: 'db', args: ['one'] },
  },
};
const VSCODE = {
  servers: {
    // The same as in Cursor, in other words.
    gh: { type: 'stdio', ...GITHUB, env: { TOKEN: '${GH_TOKEN}' } },
    db: { command: 'db', args: ['two'] },
    web: { type: 'http', url: 'https://x.example/mcp', headers: { Key: 'topsecret' } },
  },
};

/** A project without `.rea`, and the files of two clients. */
function machine(): { readonly house: House; readonly empty: string } {
  const house = new House();
  house.write('.cursor/mcp.json', JSON.stringify(CURSOR));
  house.write('.config/Code/User/mcp.json', JSON.stringify(VSCODE));
  const empty = house.path('empty');
  mkdirSync(empty);
  return { house, empty };
}

function servers(cwd: string): string[] {
  const loaded = loadConfig({ cwd, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config.servers.map(({ name, command, args, endpoint }) => {
    return `${name}: ${[endpoint?.url ?? command, ...args].join(' ')}`;
  });
}

const ALL = [
  'github: npx -y gh',
  'my-files: files',
  'db: db one',
  expect.stringMatching(/^db-[0-9a-f]{6}: db two$/),
  'web: https://x.example/mcp',
];

test('takes the servers of all clients, each once, and says what comes next', async () => {
  const { house, empty } = machine();
  const { code, out, err } = await house.init({ cwd: empty, all: true });
  expect(code).toBe(0);
  expect(servers(empty)).toEqual(ALL);
  expect(out).toContain('"My Files" is called my-files here\n');
  expect(out).toMatch(/\n"gh" of .*\/Code\/User\/mcp\.json is github, too, and taken once\n/);
  expect(out).toMatch(/\nnext: rea check, then, .*: rea connect cursor vscode --take-over\n$/);
  expect(err).toMatch(
    /^rea: warning: server "web": the values of Key are written out in the registry/,
  );
  expect(out + err).not.toContain('topsecret');
  // A person has asked for them: they may be started.
  const pins = readFileSync(join(house.stateOf(empty), 'pins.json'), 'utf8');
  expect(Object.keys(JSON.parse(pins).programs)).toHaveLength(5);
  // What is taken over is exactly that.
  const connected = house.connect(['cursor', 'vscode'], { cwd: empty, takeOver: true });
  expect(connected).toMatchObject({ code: 0, err: '' });
  for (const [name, list] of [
    ['.cursor/mcp.json', 'mcpServers'],
    ['.config/Code/User/mcp.json', 'servers'],
  ] as const) {
    expect(Object.keys(JSON.parse(house.read(name))[list])).toEqual(['rea']);
  }
});

test('without a word it only shows them; the empty registry that it writes takes them later', async () => {
  const { house, empty } = machine();
  const shown = await house.init({ cwd: empty });
  expect(shown).toMatchObject({ code: 0, err: '' });
  expect(servers(empty)).toEqual([]);
  expect(shown.out.split('\n').slice(5)).toEqual([
    'next: write your servers into .rea/registry.yaml, then: rea check',
    'these servers were found:',
    'Cursor, ~/.cursor/mcp.json',
    '  "github": npx -y gh (env: TOKEN)',
    '  "My Files": files',
    '  "db": db one',
    'VS Code, ~/.config/Code/User/mcp.json',
    '  "gh": npx -y gh (env: TOKEN), the same as in ~/.cursor/mcp.json',
    '  "db": db two',
    '  "web": https://x.example/mcp (headers: Key)',
    'or take those of your clients: rea init --all',
    '',
  ]);
  expect((await house.init({ cwd: empty, all: true })).code).toBe(0);
  expect(servers(empty)).toEqual(ALL);
  expect((await house.init({ cwd: empty, all: true })).err).toMatch(
    /registry\.yaml exists already/,
  );
});

test('what the project has brought along is shown, and taken only by its name', async () => {
  const { house, empty } = machine();
  house.write('empty/.mcp.json', '{"mcpServers": {"theirs": {"command": "./run.sh"}}}');
  const dry = await house.init({ cwd: empty, all: true, dryRun: true });
  expect(dry.out).toMatch(/\nthis project, \.mcp\.json\n {2}"theirs": \.\/run\.sh\n/);
  expect(dry.out).toMatch(/dry run: nothing was written\n$/);
  expect(existsSync(join(empty, '.rea'))).toBe(false);
  const own = await house.init({ cwd: empty, all: true });
  expect(own.out).toMatch(
    /^not taken, since they came with the project: the servers of \.mcp\.json; /,
  );
  expect(servers(empty)).toEqual(ALL);
  const other = house.path('other');
  house.write('other/.mcp.json', '{"mcpServers": {"theirs": {"command": "./run.sh"}}}');
  expect((await house.init({ cwd: other, all: true, from: ['.mcp.json'] })).code).toBe(0);
  expect(servers(other)).toEqual([...ALL, `theirs: ${join(other, 'run.sh')}`]);
});

test('takes what is named: clients and files, and nothing where a name is wrong', async () => {
  const { house, empty } = machine();
  const refusal = async (...from: string[]) => {
    const { code, out, err } = await house.init({ cwd: empty, from });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(existsSync(join(empty, '.rea'))).toBe(false);
    return err;
  };
  expect(await refusal('cursr')).toBe(
    'rea: there is no client and no file "cursr"; did you mean cursor?\n',
  );
  expect(await refusal('vscode', './none.json')).toMatch(
    /no file "\.\/none\.json"; rea connect --list/,
  );
  expect(await refusal('windsurf')).toMatch(/Windsurf has no servers here: looked in ~\/\.codeium/);
  house.write('empty/more.json', '{"mcpServers": {"more": {"command": "more"}}}');
  const { code, out } = await house.init({ cwd: empty, from: ['cursor', 'more.json'] });
  expect(code).toBe(0);
  expect(servers(empty)).toEqual([
    'github: npx -y gh',
    'my-files: files',
    'db: db one',
    'more: more',
  ]);
  expect(out).toContain('take these out of more.json, or they run twice: "more"\n');
});

test('what differs in limits of tools is not the same; what is off in one client alone is on', async () => {
  const { house, empty } = machine();
  house.write(
    '.cursor/mcp.json',
    '{"mcpServers": {"a": {"command": "x", "disabled": true}, "b": {"command": "y"}}}',
  );
  const others = { a: { command: 'x' }, b: { command: 'y', includeTools: ['read'] } };
  house.write('.config/Code/User/mcp.json', JSON.stringify({ servers: others }));
  expect((await house.init({ cwd: empty, all: true })).code).toBe(0);
  expect(servers(empty)).toEqual(['a: x', 'b: y', expect.stringMatching(/^b-[0-9a-f]{6}: y$/)]);
});

test('while servers are down, the clients are not told to give theirs up', async () => {
  const { house, empty } = machine();
  const { GH_TOKEN: _unset, ...env } = house.env;
  const { out } = await house.init({ cwd: empty, all: true, host: { env, platform: 'linux' } });
  expect(out).toMatch(
    /\nnext: rea check says why these stay down: github; mend that, then: rea connect cursor vscode\n$/,
  );
});

test('git does not take a registry in which secrets are written out', async () => {
  const { house, empty } = machine();
  expect((await house.init({ cwd: empty })).code).toBe(0);
  const ignored = () => readFileSync(join(empty, '.rea/.gitignore'), 'utf8').split('\n');
  expect(ignored()).toContain('!registry.*');
  const line = '\n.rea/registry.yaml is kept out of git by .rea/.gitignore: values are written out';
  expect((await house.init({ cwd: empty, all: true })).out).toContain(line);
  expect(ignored()).not.toContain('!registry.*');
  expect(ignored()).toEqual(expect.arrayContaining(['*', '!.gitignore', '!policy.*']));
  // A person's own file, and one elsewhere, are theirs to keep.
  house.write('other/.rea/.gitignore', '!registry.yaml\n', 0o600);
  const other = await house.init({ cwd: house.path('other'), all: true });
  expect(other.out).toContain('\nkeep .rea/registry.yaml out of git: values are written out in it');
  expect(house.read('other/.rea/.gitignore')).toBe('!registry.yaml\n');
  for (const name of ['far', 'plain']) mkdirSync(house.path(name));
  const far = await house.init({
    cwd: house.path('far'),
    config: house.path('far/own.yaml'),
    all: true,
  });
  expect(far.out).toContain('\nkeep own.yaml out of git: ');
  const plain = await house.init({
    cwd: house.path('plain'),
    from: [house.write('p.json', '{"mcpServers": {"a": {"command": "x"}}}')],
  });
  expect(plain.out).not.toContain('out of git');
  expect(house.read('plain/.rea/.gitignore')).toContain('!registry.*');
});

test('what a client may read in two ways is taken in none; a template is no server', async () => {
  const { house, empty } = machine();
  const twice = '{"mcpServers": {"a": {"command": "x", "command": "y"}}}';
  const file = house.write('.codeium/windsurf/mcp_config.json', twice);
  const line = /mcpServers\.a\.command: is given twice, first in line 1; keep one/;
  const named = await house.init({ cwd: empty, from: [file] });
  expect(named).toMatchObject({ code: 1, out: '' });
  expect(named.err).toMatch(line);
  expect(house.connect(['windsurf']).err).toMatch(line);
  const all = await house.init({ cwd: empty, all: true });
  expect(all).toMatchObject({ code: 0, err: expect.stringMatching(line) });
  expect(servers(empty)).toEqual(ALL);
  const odd = { mcpServers: { a: { command: 5 }, b: { command: 'b' } }, mcpTemplates: { t: {} } };
  const other = house.path('odd');
  mkdirSync(other);
  const from = [house.write('odd.json', JSON.stringify(odd))];
  const { code, err } = await house.init({ cwd: other, from });
  expect(code).toBe(0);
  expect(servers(other)).toEqual(['b: b']);
  expect(err).toMatch(/"a" is left out: .*mcpServers\.a\.command: is a number; write the program/);
  expect(err).toMatch(/mcpTemplates: servers that are made from templates are not taken: 1; /);
});

test("one client's broken file costs no other", async () => {
  const { house, empty } = machine();
  house.write('.codeium/windsurf/mcp_config.json', '{"mcpServers": ');
  const { code, err } = await house.init({ cwd: empty, all: true });
  expect(code).toBe(0);
  expect(err).toMatch(/^rea: warning: .*mcp_config\.json:1: /);
  expect(servers(empty)).toEqual(ALL);
  const lonely = new House();
  expect(await lonely.init({ cwd: lonely.path('x'), all: true })).toMatchObject({
    code: 1,
    err: 'rea: no client of yours has servers here; name a file: rea init --from FILE\n',
  });
  lonely.write('.cursor/mcp.json', '{"mcpServers": ');
  expect((await lonely.init({ cwd: lonely.path('x'), all: true })).err).toMatch(
    /^rea: warning: .*mcp\.json:1: .*\nrea: no client of yours has servers here; /,
  );
});
