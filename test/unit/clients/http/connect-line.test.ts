/** The line that connects a client: what it holds, and that a shell makes of it what it should. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectLine } from '#src/main/clients/http/connect-line.ts';

const URL = 'http://127.0.0.1:7332/mcp';
const START = `claude mcp add --transport http rea ${URL}`;
const door = (token_file: string | null, auth: 'none' | 'token' | 'tokens' = 'token') => ({
  auth,
  token_file,
});

test('the token stands in it only when it is given; else the file does', () => {
  const file = '/home/me/.local/state/rea/project-0123456789abcdef/token';
  expect(connectLine(URL, door(file), null)).toBe(
    `${START} --header "Authorization: Bearer $(cat ${file})"`,
  );
  expect(connectLine(URL, door(file), 'the-token')).toBe(
    `${START} --header "Authorization: Bearer the-token"`,
  );
  expect(connectLine(URL, door(null, 'none'), null)).toBe(START);
  // What cannot be shown is not pasted either.
  for (const path of [null, '/tmp/a\u001b[2Jb', '/tmp/a\nb', '/tmp/a\u202eb']) {
    expect(connectLine(URL, door(path), null)).toBe(
      `${START} --header "Authorization: Bearer TOKEN"`,
    );
  }
});

test.each([
  'plain',
  'with space',
  "it's",
  '$(touch pwned)',
  '`id`',
  '"',
  'a\\b',
  ';&|<>*?[x]~',
  'ü',
])('a shell reads the token from a directory called %s', (name) => {
  const top = mkdtempSync(join(tmpdir(), 'rea-connect-'));
  onTestFinished(() => rmSync(top, { recursive: true, force: true }));
  mkdirSync(join(top, name));
  const file = join(top, name, 'token');
  const words = (text: string, auth: 'token' | 'tokens') => {
    writeFileSync(file, text);
    const line = connectLine(URL, door(file, auth), null);
    const script = `claude() { printf '%s\\n' "$@"; }; ${line}`;
    return execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8', cwd: top }).split('\n');
  };
  const args = ['mcp', 'add', '--transport', 'http', 'rea', URL, '--header'];
  const header = 'Authorization: Bearer one-0123456789abcdef';
  expect(words('one-0123456789abcdef\n', 'token')).toEqual([...args, header, '']);
  expect(words('one-0123456789abcdef\ntwo\n', 'tokens')).toEqual([...args, header, '']);
});
