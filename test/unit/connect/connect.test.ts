/** What `rea connect` writes into the files of clients, what it says, and what it takes over. */
import { existsSync, lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ownProgram } from '#src/main/connect/launch.ts';
import { CURSOR, House, SERVER, TEXT, VSCODE } from './house.ts';

test('the difference is shown with names, and no value of a variable anywhere', () => {
  const house = new House();
  house.write(CURSOR, TEXT);
  const shown = house.connect(['cursor']);
  expect(shown).toMatchObject({ code: 0, err: '' });
  expect(shown.out.split('\n')).toEqual([
    'Cursor, ~/.cursor/mcp.json',
    expect.stringMatching(
      /^ {2}\+ mcpServers\.rea: \{"command":".*"--shared","--cwd",".*shop"\]\}$/,
    ),
    '  runs twice, here and behind rea: "github"; to take it out: rea connect cursor --take-over',
    'written: ~/.cursor/mcp.json',
    'next: restart Cursor; to take it back: rea undo cursor',
    '',
  ]);
  expect(house.read(CURSOR)).toContain(
    `{\n  // mine\n  "mcpServers": {\n    ${SERVER},\n    "rea": {\n`,
  );
  const taken = house.connect(['cursor'], { takeOver: true });
  expect(taken.out).toContain('  - mcpServers.github: npx -y gh (env: TOKEN)\n');
  expect(house.read(CURSOR)).not.toContain('github');
  expect(house.connect(['cursor']).out).toContain('is connected already');
  const out = house.disconnect(['cursor']);
  expect(out.out).toContain('  - mcpServers.rea\n');
  expect(house.read(CURSOR)).toBe('{\n  // mine\n  "mcpServers": {\n  }\n}\n');
  // One step back after the other.
  for (const text of ['"rea"', 'github']) {
    expect(house.undo(['cursor']).code).toBe(0);
    expect(house.read(CURSOR)).toContain(text);
  }
  expect(house.undo().code).toBe(0);
  expect(house.read(CURSOR)).toBe(TEXT);
  expect(house.undo()).toMatchObject({ code: 1, err: /is to be undone here; .*--list/ });
  expect([shown, taken, out].map((one) => one.out + one.err).join()).not.toContain('topsecret');
});

const LAUNCH = {
  command: 'npx',
  args: ['-y', 'gh', '--as', 'topsecret'],
  env: { TOKEN: 'topsecret', MODE: 'b' },
};

test.each<[what: string, registry: object, isServed: boolean]>([
  ['the same', LAUNCH, true],
  [
    'references in place of values',
    { ...LAUNCH, args: ['-y', 'gh', '--as', '${KEY}'], env: { TOKEN: '${T}', MODE: 'b' } },
    true,
  ],
  ['the token of another account', { ...LAUNCH, env: { TOKEN: 'other', MODE: 'b' } }, false],
  ['a variable more', { ...LAUNCH, env: { ...LAUNCH.env, MORE: '${M}' } }, false],
  ['a variable less', { ...LAUNCH, env: { TOKEN: 'topsecret' } }, false],
  ['another argument', { ...LAUNCH, args: ['-y', 'gh', '--as'] }, false],
  ['another directory', { ...LAUNCH, cwd: 'sub' }, false],
  ['an address', { url: 'https://x.example/mcp' }, false],
  ['one that is off', { ...LAUNCH, enabled: false }, false],
])('a server is taken over if the registry has %s: %j, %s', (_what, registry, isServed) => {
  const house = new House();
  const servers = [{ name: 'hub', ...registry }];
  house.write('work/shop/.rea/registry.yaml', JSON.stringify({ version: '1', servers }));
  house.write(CURSOR, JSON.stringify({ mcpServers: { github: LAUNCH } }));
  const { code, out, err } = house.connect(['cursor'], { takeOver: true });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).not.toContain('topsecret');
  const left = Object.keys(JSON.parse(house.read(CURSOR)).mcpServers);
  expect(left).toEqual(isServed ? ['rea'] : ['github', 'rea']);
});

test('a client of a shell starts rea by its name where a shell finds this one; a desktop client by its path', () => {
  const house = new House();
  mkdirSync(house.path('bin'));
  symlinkSync(ownProgram(), house.path('bin/rea'));
  house.write(CURSOR, '{}');
  const commands = (PATH: string) => {
    const host = { env: { ...house.env, PATH }, platform: 'linux' as const };
    expect(house.connect(['claude-code', 'cursor'], { host }).code).toBe(0);
    return ['.claude.json', CURSOR].map(
      (name) => JSON.parse(house.read(name)).mcpServers.rea.command,
    );
  };
  expect(commands(house.path('bin'))).toEqual(['rea', process.execPath]);
  // Another program of that name comes first.
  mkdirSync(house.path('other'));
  house.write('other/rea', '#!/bin/sh\n', 0o755);
  const both = `${house.path('other')}:${house.path('bin')}`;
  expect(commands(both)).toEqual([process.execPath, process.execPath]);
});

test('what a person has added to the entry of rea is kept; how it is reached is written anew', () => {
  const house = new House();
  const old = {
    url: 'http://127.0.0.1:1/mcp',
    headers: { A: 'b' },
    disabled: true,
    alwaysAllow: ['x'],
  };
  house.write(CURSOR, JSON.stringify({ mcpServers: { rea: old } }));
  const { out } = house.connect(['cursor']);
  expect(out).toMatch(
    /~ mcpServers\.rea: \{"command".*\} \(kept: alwaysAllow\)\n {4}before: http:\/\/127\.0\.0\.1:1\/mcp \(headers: A\)\n/,
  );
  const { rea } = JSON.parse(house.read(CURSOR)).mcpServers;
  expect(Object.keys(rea).sort()).toEqual(['alwaysAllow', 'args', 'command']);
});

test('over HTTP a token is only named, and where it cannot be, nothing is written', () => {
  const house = new House();
  for (const name of [CURSOR, VSCODE]) house.write(name, '{}');
  expect(house.connect(['cursor', 'vscode'], { port: 7000 })).toMatchObject({
    code: 0,
    out: expect.stringMatching(
      /next: rea serve --http 7000 .*\n.*export REA_TOKEN="\$\(cat .*token\)"\n$/,
    ),
  });
  expect(JSON.parse(house.read(CURSOR)).mcpServers.rea).toEqual({
    url: 'http://127.0.0.1:7000/mcp',
    headers: { Authorization: 'Bearer ${env:REA_TOKEN}' },
  });
  expect(JSON.parse(house.read(VSCODE)).inputs).toHaveLength(1);
  house.write('.lmstudio/mcp.json', '{}');
  const refused = house.connect(['lm-studio'], { port: 7000 });
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toMatch(
    /^rea: LM Studio cannot read a token from its environment, .*: connect it without --http\n$/,
  );
  expect(house.read('.lmstudio/mcp.json')).toBe('{}');
});

test('a file of the project names no path of this machine, and its directory is made', () => {
  const house = new House();
  expect(house.connect(['claude-code', 'vscode'], { isProject: true }).code).toBe(0);
  expect(JSON.parse(house.read('work/shop/.mcp.json'))).toEqual({
    mcpServers: { rea: { command: 'rea', args: ['serve', '--shared', '--cwd', '.'] } },
  });
  const { servers } = JSON.parse(house.read('work/shop/.vscode/mcp.json'));
  expect(servers.rea.args.at(-1)).toBe('${workspaceFolder}');
  expect(house.connect(['codex'], { isProject: true }).err).toMatch(/has no file in a project/);
  expect(house.undo().code).toBe(0);
  expect(existsSync(house.path('work/shop/.mcp.json'))).toBe(false);
});

test('a link that stays in the home is kept, and the file behind it is edited', () => {
  const house = new House();
  const real = house.write('dotfiles/cursor.json', TEXT, 0o644);
  mkdirSync(house.path('.cursor'));
  symlinkSync(real, house.path(CURSOR));
  expect(house.connect(['cursor']).code).toBe(0);
  expect(lstatSync(house.path(CURSOR)).isSymbolicLink()).toBe(true);
  expect(house.read('dotfiles/cursor.json')).toContain('--shared');
  expect(house.undo().code).toBe(0);
  expect(house.read('dotfiles/cursor.json')).toBe(TEXT);
});

test('the list says who is here, who is connected and to what', () => {
  const house = new House();
  house.write(CURSOR, TEXT);
  house.write(VSCODE, '{');
  house.write('.codex/config.toml', '');
  house.connect(['cursor']);
  const lines = house.list().split('\n');
  expect(lines).toContain(
    `cursor           connected to ${house.cwd}, 1 server of its own: ~/.cursor/mcp.json`,
  );
  expect(lines).toContain(
    'codex            not connected, 0 servers of its own: ~/.codex/config.toml',
  );
  expect(lines.find((line) => line.startsWith('vscode '))).toMatch(
    /mcp\.json:1: .*; correct the JSON/,
  );
  expect(lines.at(-2)).toMatch(/^not here: claude-code, claude-desktop, vscode-insiders, /);
});

test.each([
  ['--cwd in one word', ['serve', '--cwd=/home/you/shop/'], 'connected to /home/you/shop'],
  ['a directory of its own program', ['serve', '--cwd', '.'], 'connected over stdio'],
  ['no directory', ['serve'], 'connected over stdio'],
])('the list with an entry that has %s', (_what, args, how) => {
  const house = new House();
  const entry = { command: 'rea', args };
  house.write(CURSOR, JSON.stringify({ mcpServers: { rea: entry } }));
  expect(house.list()).toContain(`${how}, 0 servers of its own: ~/.cursor/mcp.json\n`);
});
