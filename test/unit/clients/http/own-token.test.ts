/** The token that a gateway makes for itself: once, for its user alone, and never told by an error. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { ownToken, readOwnToken } from '#src/main/clients/http/own-token.ts';
import { sourceArgs } from '../../../support/worker-url.ts';

let dir: string;
beforeEach(() => {
  const made = mkdtempSync(join(tmpdir(), 'rea-own-token-'));
  dir = made;
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
});

const SECRET = 'a-secret-0123456789abcdef';

function token(): string {
  const own = ownToken(dir);
  if (!own.ok) throw new Error(own.message);
  return own.token;
}

test('it is 32 random bytes in a file of the user alone, and kept', () => {
  const first = token();
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(readFileSync(join(dir, 'token'), 'utf8')).toBe(`${first}\n`);
  expect(statSync(join(dir, 'token')).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir)).toEqual(['token']);
  expect(ownToken(dir)).toEqual({ ok: true, token: first, file: join(dir, 'token') });
  rmSync(join(dir, 'token'));
  expect(token()).not.toBe(first);
});

test('one that somebody has put there is taken, with or without a line end', () => {
  for (const text of [SECRET, `${SECRET}\n`]) {
    writeFileSync(join(dir, 'token'), text, { mode: 0o600 });
    expect(token()).toBe(SECRET);
  }
});

test('gateways that start at once end with the same token', async () => {
  const url = new URL('../../../fixtures/processes/own-token.mjs', import.meta.url);
  const run = promisify(execFile);
  for (let round = 0; round < 3; round++) {
    const state = join(dir, String(round));
    mkdirSync(state, { mode: 0o700 });
    const starts = Array.from({ length: 8 }, () =>
      run(process.execPath, [...sourceArgs, fileURLToPath(url), state], {
        cwd: fileURLToPath(new URL('../../../..', import.meta.url)),
      }),
    );
    const told = (await Promise.all(starts)).map(({ stdout }) => stdout);
    expect(told[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(told).size).toBe(1);
    expect(readdirSync(state)).toEqual(['token']);
  }
}, 60_000);

const root = process.getuid?.() === 0;
const PLANTED: [what: string, plant: (file: string) => void, why: string][] = [
  ['a link', (file: string) => symlinkSync('/dev/null', file), 'symbolic link'],
  ['a dangling link', (file: string) => symlinkSync('/nowhere/at/all', file), 'symbolic link'],
  ['a directory', (file: string) => mkdirSync(file), 'a directory'],
  [
    'one that others may read',
    (file: string) => {
      writeFileSync(file, SECRET);
      chmodSync(file, 0o640);
    },
    'mode 640',
  ],
  ['an empty file', (file: string) => writeFileSync(file, '', { mode: 0o600 }), 'one token'],
  [
    'two tokens',
    (file: string) => writeFileSync(file, `${SECRET}\n${SECRET}\n`, { mode: 0o600 }),
    'one token',
  ],
  [
    'a short token',
    (file: string) => writeFileSync(file, SECRET.slice(0, 15), { mode: 0o600 }),
    'one token',
  ],
  [
    'no text',
    (file: string) => writeFileSync(file, Buffer.alloc(64), { mode: 0o600 }),
    'one token',
  ],
  [
    'a large file',
    (file: string) => writeFileSync(file, 'x'.repeat(100_000), { mode: 0o600 }),
    'one token',
  ],
];
if (root) {
  const plant = (file: string) => {
    writeFileSync(file, SECRET, { mode: 0o600 });
    chownSync(file, 65_534, 65_534);
  };
  PLANTED.push(["somebody else's", plant, 'belongs to user 65534']);
}

test.each(PLANTED)(
  '%s in its place is refused with one line and left as it is',
  (_name, plant, why) => {
    const file = join(dir, 'token');
    plant(file);
    const own = ownToken(dir);
    const message = own.ok ? 'accepted' : own.message;
    expect(message).toContain(`the token file ${file}`);
    expect(message).toContain(why);
    expect(message).toContain('--token-file');
    expect(message).not.toMatch(/\n|secret/);
    expect(readdirSync(dir)).toEqual(['token']);
  },
);

test('a directory that cannot be written is one line, and reading makes nothing', () => {
  expect(readOwnToken(join(dir, 'token'))).toBeNull();
  expect(readdirSync(dir)).toEqual([]);
  const own = ownToken(join(dir, 'nowhere'));
  expect(own.ok ? '' : own.message).toMatch(/^the token file .*cannot be written .*--token-file$/);
});
