/** What was connected is undone byte for byte, or not at all. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { CLIENT_NAMES, CLIENTS } from '#src/main/config/clients/known/all.ts';
import { userPlaces } from '#src/main/config/clients/known/files.ts';
import { SOAKS } from '../../support/soak.ts';
import { randomFrom } from '../config/seeded.ts';
import { clientText } from './client-texts.ts';
import { CURSOR, House, TEXT, VSCODE } from './house.ts';

/** The directory with the backups of the only project. */
function backups(house: House): string {
  const [project = ''] = readdirSync(house.path('state/rea'));
  return house.path(join('state/rea', project, 'backups'));
}

/** Of connected and undone files; as many again are shown only. */
const FILES = SOAKS ? 1000 : 60;

test('what is connected and undone is byte for byte as it was, with its rights; so is what was not there', () => {
  const random = randomFrom(5);
  let undone = 0;
  for (let round = 0; undone < FILES; round++) {
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
    undone += [...before.values()].filter((bytes) => bytes !== null).length;
    expect(readdirSync(backups(house))).toEqual([]);
  }
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

test('what cannot be undone any more is forgotten when a later command takes its place', () => {
  const house = new House();
  const changed = (name: string, text: string) => {
    house.write(name, text);
    expect(house.connect(['cursor', 'vscode']).code).toBe(0);
    house.write(name, `${house.read(name)}// later\n`);
    expect(house.undo(['cursor']).code).toBe(1);
  };
  house.write(VSCODE, '{}');
  changed(CURSOR, TEXT);
  expect(house.disconnect(['cursor']).code).toBe(0);
  const end = house.read(CURSOR);
  expect(house.undo(['cursor'])).toMatchObject({ code: 0, err: '' });
  expect(house.undo(['cursor'])).toMatchObject({ code: 1, err: /nothing of rea's of cursor is/ });
  // What was there at first is kept for whoever misses it.
  const copies = readdirSync(backups(house)).filter((name) => name.endsWith('cursor.bak'));
  expect(copies.map((name) => readFileSync(join(backups(house), name), 'utf8'))).toEqual([TEXT]);
  // Where its user has taken rea out by hand, too.
  house.write(CURSOR, end);
  changed(CURSOR, end);
  house.write(CURSOR, TEXT);
  const dry = house.disconnect(['cursor'], { dryRun: true });
  expect(dry.out).toContain('has no entry of rea\n');
  expect(house.undo(['cursor']).code).toBe(1);
  expect(house.disconnect(['cursor']).code).toBe(0);
  expect(house.undo()).toMatchObject({ code: 0, err: '' });
  expect(house.read(VSCODE)).toBe('{}');
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
