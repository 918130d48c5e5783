/** Which tokens are revoked, by whom, and with whose secret. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { LoginRecord, LoginServer } from '#src/main/logins/record.ts';
import { revokeLogin, revokeUnused } from '#src/main/logins/revoke.ts';
import { loginAt, serverAt } from '../../support/login-authority.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** An authorization server that revokes all it is told to. */
async function begin() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      asked.push(`${form.get('token')} ${form.get('client_secret')}`);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const record = loginAt(origin, {
    revocation_endpoint: `${origin}/revoke`,
    client_id: 'one',
    client_secret: 'registered',
    auth_method: 'client_secret_post',
    access_token: 'access',
    refresh_token: 'refresh',
  });
  return { asked, record };
}

function serverFor({ url, issuer }: LoginRecord, clientId: string | null): LoginServer {
  const clientSecret = clientId === null ? null : 'configured';
  return serverAt(url, { issuer, clientId, clientSecret });
}

test('a configured secret is for the configured client, and no other', async () => {
  const { asked, record } = await begin();
  const { signal } = new AbortController();
  expect(await revokeLogin(serverFor(record, null), record, signal)).toBeNull();
  expect(await revokeLogin(serverFor(record, 'other'), record, signal)).toBeNull();
  expect(asked).toEqual(
    Array.from(['refresh', 'access', 'refresh', 'access'], (one) => `${one} registered`),
  );
  asked.length = 0;
  expect(await revokeLogin(serverFor(record, 'one'), record, signal)).toBeNull();
  expect(asked).toEqual(['refresh configured', 'access configured']);
});

test('the tokens of the login before are revoked, unless the new ones could go with them', async () => {
  const { asked, record } = await begin();
  const server = serverFor(record, null);
  expect(await revokeUnused(server, record, record)).toBeNull();
  expect(
    await revokeUnused(server, { ...record, over: true }, { ...record, client_id: 'two' }),
  ).toBeNull();
  const silent = { ...record, revocation_endpoint: null };
  expect(await revokeUnused(server, silent, { ...record, client_id: 'two' })).toBeNull();
  expect(asked).toEqual([]);
  expect(await revokeUnused(server, record, { ...record, client_id: 'two' })).toBeNull();
  expect(asked).toEqual(['refresh registered', 'access registered']);
  asked.length = 0;
  expect(await revokeUnused(server, record, null)).toBeNull();
  expect(await revokeUnused(server, record, { ...record, over: true })).toBeNull();
  expect(asked).toHaveLength(4);
  // A record of an unknown reach leads nowhere but to the internet.
  const { zone: _zone, ...unknown } = record;
  expect(await revokeUnused(server, unknown, { ...record, client_id: 'two' })).toMatch(
    /is not connected to/,
  );
});
