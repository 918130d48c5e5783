/** The tokens that a gateway hands out: to whom, when they are renewed, and what survives a disk that is full. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { TokenHolder } from '#src/main/logins/holders.ts';
import { Logins } from '#src/main/logins/logins.ts';
import {
  type LoginRecord,
  loginFile,
  loginsDirectory,
  readLogin,
  removeLogin,
  writeLogin,
} from '#src/main/logins/record.ts';
import { takeTurn } from '#src/main/logins/turn.ts';
import type { TokenFor } from '#src/shared/model/login.ts';
import { LoginAuthority } from '../../support/login-authority.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';
import { directory } from '../config/files.ts';

let authority: LoginAuthority;
let stateDir: string;
let logins: Logins;
const warned: string[] = [];

beforeEach(async () => {
  authority = await new LoginAuthority().start();
  stateDir = directory();
  warned.length = 0;
  logins = new Logins({
    stateDir,
    log: {
      info: () => undefined,
      warn: (fields: unknown, text?: string) => warned.push(`${JSON.stringify(fields)} ${text}`),
    } as never,
    onSecrets: () => undefined,
  });
});
afterEach(async () => {
  vi.useRealTimers();
  await logins.close(0);
  authority.close();
});

class Holder implements TokenHolder {
  running = true;
  calls = 0;
  readonly given: TokenFor[] = [];
  readonly config;

  constructor(lane = 'web') {
    this.config = serverConfig('web', [], { lane, endpoint: authority.server.endpoint });
  }

  giveToken(reply: TokenFor): void {
    this.given.push(reply);
  }
}

/** What a copy of the server gets. */
async function asked(refused: string | null, holder = new Holder()): Promise<TokenFor | undefined> {
  await logins.serve(holder, { incarnation: 1, refused });
  return holder.given.at(-1);
}

function write(changes: Partial<LoginRecord> = {}): void {
  expect(writeLogin(stateDir, authority.server, authority.login(changes))).toBeNull();
}

function written(): Partial<LoginRecord> {
  const read = readLogin(stateDir, authority.server);
  return read.kind === 'login' ? read.record : {};
}

test('a token says for whom it is, and nobody gets one who has ended meanwhile', async () => {
  write();
  const holder = new Holder('web#1');
  expect(await asked(null, holder)).toEqual({
    token: 'access-0',
    problem: null,
    over: false,
    server: 'web#1',
    url: authority.server.endpoint.url,
    incarnation: 1,
  });
  authority.onAsked = () => {
    holder.running = false;
  };
  await asked('access-0', holder);
  expect([authority.asked, holder.given.length]).toEqual([['refresh-0'], 1]);
  expect(written().access_token).toBe('access-1');
});

test('however often new tokens are refused: one is made in some seconds, and the login goes on', async () => {
  write();
  expect(await asked('access-0')).toMatchObject({ token: 'access-1' });
  for (let time = 0; time < 5; time += 1) {
    expect(await asked('access-1')).toMatchObject({ token: null, problem: null, over: false });
  }
  expect(authority.asked).toEqual(['refresh-0']);
  expect(written()).toMatchObject({ over: false, refresh_token: 'refresh-1' });
  expect(await asked(null)).toMatchObject({ token: 'access-1' });
  // Later it is tried again.
  write({ ...written(), made_at: Date.now() - 11_000 });
  expect(await asked('access-1')).toMatchObject({ token: 'access-2' });
});

test('who is refused an older token gets another one, also while the present one is about to end', async () => {
  const now = Date.now();
  write({ after_refusal: true, made_at: now - 9000, expires_at: now + 1000 });
  expect(await asked('older')).toMatchObject({ token: 'access-1', problem: null });
  expect(authority.asked).toEqual(['refresh-0']);
});

test('it is over where nobody is logged in, or the authorization server says so', async () => {
  expect(await asked(null)).toMatchObject({ token: null, over: true });
  write();
  authority.isOver = true;
  expect(await asked('access-0')).toMatchObject({ token: null, problem: null, over: true });
  expect(written()).toMatchObject({ over: true, refresh_token: null });
  write({ refresh_token: null });
  expect(await asked('access-0')).toMatchObject({ token: null, over: false });
  write({ refresh_token: null, expires_at: 1 });
  expect(await asked('access-0')).toMatchObject({ token: null, over: true });
});

test('tokens without a usable end are not renewed before they are refused', async () => {
  authority.expiresIn = 0;
  write();
  expect(await asked('access-0')).toMatchObject({ token: 'access-1' });
  for (let time = 0; time < 3; time += 1) expect((await asked(null))?.token).toBe('access-1');
  expect(authority.asked).toEqual(['refresh-0']);
});

test('who asks while a renewal is of no use to others gets the token that there is', async () => {
  write({ after_refusal: true, made_at: Date.now() });
  const replies = await Promise.all([asked('access-0'), asked('access-0'), asked(null)]);
  expect(replies.map((reply) => reply?.token)).toEqual([null, null, 'access-0']);
});

test('nobody waits for a renewal whose token is good for now, also while others hang who renew it', async () => {
  write({ made_at: Date.now() - 3_600_000, expires_at: Date.now() + 30_000 });
  const turn = await takeTurn(stateDir, authority.server);
  expect((await asked(null))?.token).toBe('access-0');
  if (turn.ok) turn.lock.release();
  expect(authority.asked).toEqual([]);
  write({ made_at: Date.now() - 3_600_000, expires_at: Date.now() - 1 });
  expect((await asked(null))?.token).toBe('access-1');
});

test('nothing is asked for that could not be written', async () => {
  write();
  unwritable(true);
  const reply = await asked('access-0');
  expect(reply?.problem).toMatch(/^its token cannot be renewed: .* cannot be written/);
  expect(authority.asked).toEqual([]);
  unwritable(false);
  expect((await asked('access-0'))?.token).toBe('access-1');
});

test('tokens that cannot be written are used all the same, and written later', async () => {
  write();
  authority.onAsked = () => unwritable(true);
  expect((await asked('access-0'))?.token).toBe('access-1');
  expect(warned.join()).toMatch(/cannot be written/);
  expect((await asked(null))?.token).toBe('access-1');
  authority.onAsked = () => undefined;
  unwritable(false);
  expect(written().access_token).toBe('access-0');
  expect((await asked(null))?.token).toBe('access-1');
  expect(written()).toMatchObject({ access_token: 'access-1', refresh_token: 'refresh-1' });
});

test('a gateway that stops writes what it could not; a login made meanwhile counts more', async () => {
  write();
  authority.onAsked = () => unwritable(true);
  await asked('access-0');
  unwritable(false);
  await logins.close(0);
  expect(written().refresh_token).toBe('refresh-1');
  write();
  await asked('access-0');
  unwritable(false);
  write({ access_token: 'of-a-person' });
  expect((await asked(null))?.token).toBe('of-a-person');
  expect(written().access_token).toBe('of-a-person');
});

test('who was taken for dead meanwhile takes what others have written', async () => {
  write();
  authority.isOver = true;
  authority.onAsked = () => {
    const lock = join(loginsDirectory(stateDir), `${loginFile(authority.server)}.lock`);
    expect(readFileSync(lock, 'utf8')).not.toBe('');
    writeFileSync(lock, '999999999 nonce 1 0 boot\n');
    write({ access_token: 'of-another', refresh_token: 'next' });
  };
  expect((await asked('access-0'))?.token).toBe('of-another');
  expect(written()).toMatchObject({ access_token: 'of-another', over: false });
});

test('what others write is told to those that run: new tokens, and a logout', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const holder = new Holder();
  const gone = new Holder();
  write();
  await asked(null, holder);
  await asked(null, gone);
  gone.running = false;
  const later = () => {
    vi.advanceTimersByTime(10_000);
    return holder.given.slice(1).map(({ token, over }) => token ?? over);
  };
  expect(later()).toEqual([]);
  write({ access_token: 'next' });
  expect(later()).toEqual(['next']);
  expect(later()).toEqual(['next']);
  removeLogin(stateDir, authority.server);
  expect(later()).toEqual(['next', true]);
  expect(later()).toEqual(['next', true]);
  expect(gone.given).toHaveLength(1);
  expect(holder.given.at(-1)?.incarnation).toBeNull();
});

test('what waits for a renewal says so before', async () => {
  write();
  const told: string[] = [];
  authority.onAsked = () => void told.push('asked');
  const holder = new Holder();
  await logins.serve(holder, { incarnation: 1, refused: null }, () => told.push('waits'));
  await logins.serve(holder, { incarnation: 1, refused: 'access-0' }, () => told.push('waits'));
  expect(told).toEqual(['waits', 'asked']);
});

/** Something is in the way of the file that is written first; the lock beside it can be had. */
function unwritable(is: boolean): void {
  const name = `.${loginFile(authority.server)}.${process.pid}.tmp`;
  const path = join(loginsDirectory(stateDir), name);
  if (is) mkdirSync(path, { recursive: true });
  else rmdirSync(path);
}
