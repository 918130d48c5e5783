/** Files of clients on a disk: written, taken back, and left alone where anything is odd. */
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { CLIENT_NAMES, CLIENTS } from '#src/main/config/clients/known/all.ts';
import { userPlaces } from '#src/main/config/clients/known/files.ts';
import { randomFrom } from '../config/seeded.ts';
import { clientText } from './client-texts.ts';
import { House } from './house.ts';

const CURSOR = '.cursor/mcp.json';
const VSCODE = '.config/Code/User/mcp.json';
const SERVER = '"github": {"command": "npx", "args": ["-y", "gh"], "env": {"TOKEN": "topsecret"}}';
const TEXT = `{\n  // mine\n  "mcpServers": {\n    ${SERVER}\n  }\n}\n`;

/** The directory with the backups of the only project. */
function backups(house: House): string {
  const [project = ''] = readdirSync(house.path('state/rea'));
  return house.path(join('state/rea', project, 'backups'));
}

test('what is connected and undone is byte for byte as it was, with its rights; so is what was not there', () => {
  const random = randomFrom(5);
  for (let round = 0; round < 8; round++) {
    const house = new House();
    const host = { env: house.env, platform: 'linux' as const };
    const before = new Map<string, Buffer | null>();
    for (const client of CLIENTS) {
      const [file = ''] = userPlaces(client, host);
      mkdirSync(dirname(file), { recursive: true });
      const isThere = random(5) > 0;
      if (isThere) writeFileSync(file, clientText(client, random).text, { mode: 0o640 });
      before.set(file, isThere ? readFileSync(file) : null);
    }
    const how = [{}, { takeOver: true }, { dryRun: true }][round % 3] ?? {};
    expect(house.connect(CLIENT_NAMES, how)).toMatchObject({ code: 0, err: '' });
    const now = (file: string) => (existsSync(file) ? readFileSync(file) : null);
    for (const [file, bytes] of before) {
      const text = now(file);
      if (how.dryRun === true) expect(text, file).toEqual(bytes);
      else expect(text?.toString(), file).toContain('--shared');
      if (bytes !== null) expect(statSync(file).mode & 0o777, file).toBe(0o640);
    }
    if (how.dryRun === true) continue;
    expect(house.undo()).toMatchObject({ code: 0, err: '' });
    for (const [file, bytes] of before) expect(now(file), file).toEqual(bytes);
    expect(readdirSync(backups(house))).toEqual([]);
  }
});

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
    'next: restart Cursor; to take it back: rea undo',
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
  expect(out).toMatch(/~ mcpServers\.rea: \{"command".*\} \(kept: alwaysAllow\)\n/);
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
  expect(refused.err).toMatch(/^rea: LM Studio cannot take a token .*: leave --http out\n$/);
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

test('a large file with what people have written to their client', () => {
  const house = new House();
  const history = Array.from({ length: 200 }, (_none, at) => '{[('.repeat(2000) + at);
  const text = JSON.stringify({ mcpServers: { db: { command: 'db' } }, history }, null, 2);
  expect(text.length).toBeGreaterThan(1024 * 1024);
  house.write('.claude.json', text);
  expect(house.connect(['claude-code'])).toMatchObject({ code: 0, err: '' });
  const { mcpServers, history: after } = JSON.parse(house.read('.claude.json'));
  expect(Object.keys(mcpServers)).toEqual(['db', 'rea']);
  expect(after).toEqual(history);
  expect(house.undo().code).toBe(0);
  expect(house.read('.claude.json')).toBe(text);
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

/** Each makes the file of Cursor odd. */
const ODD: readonly [what: string, make: (house: House) => void, line: RegExp][] = [
  ['does not parse', (house) => house.write(CURSOR, '{"mcpServers": {'), /mcp\.json:1: /],
  [
    'says a key twice',
    (house) => house.write(CURSOR, '{"a": 1,\n"a": 2}'),
    /mcp\.json:2: a: is given twice/,
  ],
  [
    'is no UTF-8',
    (house) => house.write(CURSOR, new Uint8Array([0x7b, 0xff, 0x7d])),
    /is not UTF-8/,
  ],
  ['has another list', (house) => house.write(CURSOR, '{"mcpServers": "x"}'), /change it by hand/],
  [
    'has another server of that name',
    (house) => house.write(CURSOR, '{"mcpServers": {"rea": {"command": "realtime"}}}'),
    /mcpServers\.rea is another server: give it another name/,
  ],
  [
    'is not there, nor its client',
    () => {},
    /Cursor is not here: ~\/\.cursor does not exist; start it/,
  ],
  [
    'is a directory',
    (house) => mkdirSync(house.path(CURSOR), { recursive: true }),
    /cannot be read \(a directory\)/,
  ],
  [
    'leads out of the home',
    (house) => {
      mkdirSync(house.path('.cursor'));
      symlinkSync('/etc/hostname', house.path(CURSOR));
    },
    /leads out of .*, to \/etc\/hostname: edit that file by hand/,
  ],
  [
    'lies behind a directory that leads out',
    (house) => symlinkSync('/etc', house.path('.cursor')),
    /leads out of .*, to \/etc\/mcp\.json/,
  ],
  [
    'leads nowhere',
    (house) => {
      mkdirSync(house.path('.cursor'));
      symlinkSync(house.path('gone'), house.path(CURSOR));
    },
    /leads nowhere: remove it/,
  ],
];

test.each(ODD)('a file that %s: one line, and no file is written', (_what, make, line) => {
  const house = new House();
  house.write(VSCODE, '{}');
  make(house);
  const { code, out, err } = house.connect(['vscode', 'cursor']);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(/^rea: .+\n$/);
  expect(err).toMatch(line);
  expect(house.read(VSCODE)).toBe('{}');
  expect(existsSync(house.path('state'))).toBe(false);
});

test.runIf(process.getuid?.() === 0)('a file of another user is left alone', () => {
  const house = new House();
  chownSync(house.write(CURSOR, TEXT), 65_534, 65_534);
  expect(house.connect(['cursor']).err).toMatch(/belongs to user 65534, not to 0: run this as/);
  expect(house.read(CURSOR)).toBe(TEXT);
});

test('names that are not known, and a directory without a registry', () => {
  const house = new House();
  expect(house.connect(['cursr'])).toMatchObject({
    code: 2,
    err: 'rea: there is no client "cursr"; did you mean cursor?\n',
  });
  expect(house.disconnect(['emacs']).err).toMatch(/no client "emacs"; known are claude-code, /);
  expect(house.undo(['emacs']).code).toBe(2);
  const cwd = house.path('elsewhere');
  mkdirSync(cwd);
  expect(house.connect(['cursor'], { cwd }).err).toMatch(/does not exist in .*; run "rea init"/);
});

test('what was changed since is not undone: the line says where it was kept, and how to go on', () => {
  const house = new House();
  house.write(CURSOR, TEXT);
  house.write(VSCODE, '{}');
  expect(house.connect(['cursor', 'vscode']).code).toBe(0);
  house.write(CURSOR, `${house.read(CURSOR)}// later\n`);
  const { code, out, err } = house.undo();
  expect({ code, out }).toEqual({
    code: 1,
    out: '~/.config/Code/User/mcp.json: is as it was, byte for byte\n',
  });
  const [, copy = ''] =
    /^rea: ~\/\.cursor\/mcp\.json: has been changed since; as it was before, it lies in (\S+\.bak); .*: rea disconnect cursor\n$/.exec(
      err,
    ) ?? [];
  expect(readFileSync(copy, 'utf8')).toBe(TEXT);
  for (const name of readdirSync(dirname(copy))) {
    expect(statSync(join(dirname(copy), name)).mode & 0o777, name).toBe(0o600);
  }
  expect(statSync(dirname(copy)).mode & 0o777).toBe(0o700);
  expect(house.disconnect(['cursor']).code).toBe(0);
  expect(house.read(CURSOR)).toBe(`${TEXT}// later\n`);
});

test('a backup that is gone, or that somebody has changed, is not put back', () => {
  const house = new House();
  house.write(CURSOR, TEXT);
  house.connect(['cursor']);
  const connected = house.read(CURSOR);
  const copy = readdirSync(backups(house)).find((name) => name.endsWith('.bak')) ?? '';
  writeFileSync(join(backups(house), copy), '{"mcpServers": {"other": {"command": "x"}}}');
  const { code, err } = house.undo();
  expect(code).toBe(1);
  expect(err).toMatch(
    /^rea: ~\/\.cursor\/mcp\.json: its backup .*\.bak is gone or was changed: edit it by hand\n$/,
  );
  expect(house.read(CURSOR)).toBe(connected);
});

test('only so many backups are kept', () => {
  const house = new House();
  house.write(CURSOR, TEXT);
  for (let round = 0; round < 26; round++) {
    house.connect(['cursor']);
    house.disconnect(['cursor']);
  }
  expect(readdirSync(backups(house))).toHaveLength(100);
  expect(house.undo()).toMatchObject({ code: 0 });
  expect(house.read(CURSOR)).toContain('"rea"');
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
