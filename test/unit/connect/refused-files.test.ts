/** Files and names that `rea connect` refuses: one line, and nothing is written anywhere. */
import { chownSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CURSOR, House, TEXT, VSCODE } from './house.ts';

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
    /Cursor is not here: ~\/\.cursor does not exist; start it once, .*, or leave cursor out$/m,
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
