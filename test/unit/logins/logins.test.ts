/** The files of logins, whose they are, and when tokens are renewed. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  type LoginRecord,
  type LoginServer,
  loginFile,
  loginsDirectory,
  loginsOf,
  readLogin,
  removeLogin,
  writeLogin,
} from '#src/main/logins/record.ts';
import { advanceAt, isFresh, renewAt } from '#src/main/logins/times.ts';
import { takeTurn } from '#src/main/logins/turn.ts';
import { NO_CLIENT, serverAt } from '../../support/login-authority.ts';
import { directory } from '../config/files.ts';

function server(url = 'https://mcp.example/mcp', clientId: string | null = null): LoginServer {
  return serverAt(url, { clientId });
}

const RECORD: LoginRecord = {
  version: 1,
  server: 'web',
  url: 'https://mcp.example/mcp',
  resource: 'https://mcp.example/mcp',
  issuer: 'https://as.example',
  token_endpoint: 'https://as.example/token',
  revocation_endpoint: null,
  client_id: 'client',
  client_secret: null,
  auth_method: 'none',
  scope: null,
  access_token: 'access',
  refresh_token: 'refresh',
  expires_at: null,
  made_at: 0,
  after_refusal: false,
  over: false,
};

test('a login is read by the server and the address that it was made for, and by no other', () => {
  const dir = directory();
  expect(readLogin(dir, server())).toEqual({ kind: 'none' });
  expect(writeLogin(dir, server(), RECORD)).toBeNull();
  expect(readLogin(dir, server())).toEqual({ kind: 'login', record: RECORD });
  expect(statSync(join(loginsDirectory(dir), loginFile(server()))).mode & 0o777).toBe(0o600);
  expect(readLogin(dir, server('https://mcp.example/other'))).toEqual({ kind: 'none' });
  expect(readLogin(dir, { ...server(), name: 'web2' })).toEqual({ kind: 'none' });
  expect(readLogin(dir, server(undefined, 'client')).kind).toBe('login');
  expect(readLogin(dir, server(undefined, 'another'))).toEqual({ kind: 'none' });
  const { endpoint } = server();
  const asked = (issuer: string) => ({ ...endpoint, oauth: { ...NO_CLIENT, issuer } });
  const at = (issuer: string) => readLogin(dir, { name: 'web', endpoint: asked(issuer) }).kind;
  expect([at(RECORD.issuer), at('https://other.example')]).toEqual(['login', 'none']);
  // Also when its file is given another one's name.
  const other = server('https://evil.example/mcp');
  const from = join(loginsDirectory(dir), loginFile(server()));
  writeFileSync(join(loginsDirectory(dir), loginFile(other)), readFileSync(from), { mode: 0o600 });
  expect(readLogin(dir, other)).toEqual({ kind: 'none' });
  expect(loginsOf(dir, 'web')).toEqual({ records: [RECORD, RECORD], problems: [] });
  expect(loginsOf(dir, 'we')).toEqual({ records: [], problems: [] });
  expect([removeLogin(dir, server()), removeLogin(dir, server())]).toEqual([true, false]);
});

test('what nobody of ours has written is not used, in one line that says what to do', () => {
  const dir = directory();
  const place = loginsDirectory(dir);
  mkdirSync(place, { mode: 0o700 });
  const path = join(place, loginFile(server()));
  const why = () => {
    const read = readLogin(dir, server());
    return read.kind === 'unusable' ? read.why : read.kind;
  };
  for (const text of [
    '',
    '{',
    '[]',
    JSON.stringify({ ...RECORD, more: 1 }),
    JSON.stringify({ ...RECORD, access_token: 'a\nb' }),
  ]) {
    writeFileSync(path, text, { mode: 0o600 });
    expect(why()).toMatch(/is not what rea has written; log in again: rea login web$/);
  }
  writeFileSync(path, 'x'.repeat(300_000));
  expect(why()).toMatch(/larger than/);
  writeFileSync(path, JSON.stringify(RECORD));
  for (const mode of [0o666, 0o644, 0o640, 0o602]) {
    chmodSync(path, mode);
    expect(why()).toContain(`others can read or write it (mode ${mode.toString(8)}); log in again`);
    expect(loginsOf(dir, 'web').records).toEqual([]);
    expect(loginsOf(dir, 'web').problems).toEqual([expect.stringContaining(path)]);
  }
  expect(loginsOf(dir, 'other').problems).toEqual([]);
  expect(writeLogin(dir, server(), RECORD)).toBeNull();
  expect(why()).toBe('login');
  removeLogin(dir, server());
  writeFileSync(join(dir, 'elsewhere'), JSON.stringify(RECORD), { mode: 0o600 });
  symlinkSync(join(dir, 'elsewhere'), path);
  expect(why()).toMatch(/a symbolic link/);
  chmodSync(place, 0o770);
  expect(why()).toMatch(/others can write to it/);
  expect(writeLogin(dir, server(), RECORD)).toMatch(/others can write to it/);
  expect(loginsOf(dir, 'web').problems).toEqual([expect.stringMatching(/others can write to it/)]);
});

test('what could not be read again is not written, and what a killed process has left goes', () => {
  const dir = directory();
  expect(writeLogin(dir, server(), RECORD)).toBeNull();
  const long = 'x'.repeat(65_000);
  const large = { access_token: long, refresh_token: long, scope: long, client_secret: long };
  for (const more of [
    { refresh_token: `${long}${long}` },
    { access_token: '' },
    { ...large, client_id: long },
  ]) {
    expect(writeLogin(dir, server(), { ...RECORD, ...more })).toMatch(
      /^the tokens of web are larger/,
    );
    expect(readLogin(dir, server())).toEqual({ kind: 'login', record: RECORD });
  }
  const other = server('https://mcp.example/other');
  const place = loginsDirectory(dir);
  const leave = (one: LoginServer) => {
    writeFileSync(join(place, `.${loginFile(one)}.999999999.tmp`), 'tokens', { mode: 0o600 });
  };
  const left = () => readdirSync(place).filter((name) => name.endsWith('.tmp'));
  leave(server());
  leave(other);
  expect(writeLogin(dir, server(), RECORD)).toBeNull();
  expect(left()).toEqual([`.${loginFile(other)}.999999999.tmp`]);
  leave(server());
  removeLogin(dir, server());
  expect(left()).toEqual([`.${loginFile(other)}.999999999.tmp`]);
});

test.each([
  [null, 0, null],
  [3_600_000, 0, 3_540_000],
  [100_000, 0, 80_000],
  // Not known, whatever it says.
  [1000, 1000, null],
  [500, 1000, null],
])('tokens that end at %s and were made at %s are renewed at %s', (expires_at, made_at, at) => {
  expect(renewAt({ expires_at, made_at })).toBe(at);
});

test('tokens of a few seconds are not renewed all the time while nobody wants them', () => {
  expect(advanceAt({ expires_at: 1000, made_at: 0 })).toBe(15_000);
  expect(advanceAt({ expires_at: 100_000, made_at: 0 })).toBe(80_000);
  expect(advanceAt({ expires_at: 0, made_at: 0 })).toBeNull();
});

test('tokens are fresh for ten seconds, unless they have ended', () => {
  expect(isFresh({ expires_at: null, made_at: 0 }, 9999)).toBe(true);
  expect(isFresh({ expires_at: null, made_at: 0 }, 10_000)).toBe(false);
  expect(isFresh({ expires_at: 500, made_at: 0 }, 500)).toBe(false);
});

test('who wants to change a login waits for its turn, and a dead one is not waited for', async () => {
  const dir = directory();
  const first = await takeTurn(dir, server());
  if (!first.ok) throw new Error(first.why);
  let isSecond = false;
  const second = takeTurn(dir, server()).then((turn) => {
    isSecond = true;
    return turn;
  });
  expect((await takeTurn(dir, server('https://mcp.example/other'))).ok).toBe(true);
  expect(isSecond).toBe(false);
  first.lock.release();
  const turn = await second;
  if (!turn.ok) throw new Error(turn.why);
  turn.lock.release();
  // Of a process that is gone.
  writeFileSync(
    join(loginsDirectory(dir), `${loginFile(server())}.lock`),
    '999999999 nonce 1 0 boot\n',
  );
  expect((await takeTurn(dir, server())).ok).toBe(true);
});
