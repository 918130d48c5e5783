/** Which tokens are revoked, by whom, and with whose secret. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { LoginRecord, LoginServer } from '#src/main/logins/record.ts';
import { revokeFormer, revokeLogin } from '#src/main/logins/revoke.ts';

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
  const record: LoginRecord = {
    version: 1,
    server: 'web',
    url: `${origin}/mcp`,
    resource: `${origin}/mcp`,
    issuer: origin,
    token_endpoint: `${origin}/token`,
    revocation_endpoint: `${origin}/revoke`,
    zone: 'loopback',
    client_id: 'one',
    client_secret: 'registered',
    auth_method: 'client_secret_post',
    scope: null,
    access_token: 'access',
    refresh_token: 'refresh',
    expires_at: null,
    made_at: 0,
    after_refusal: false,
    over: false,
  };
  return { asked, record };
}

function serverFor({ url, issuer }: LoginRecord, clientId: string | null): LoginServer {
  const clientSecret = clientId === null ? null : 'configured';
  const oauth = { issuer, clientId, clientSecret, clientMetadataUrl: null, scopes: [] };
  return { name: 'web', endpoint: { url, headers: {}, tokenFile: null, oauth } };
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
  expect(await revokeFormer(server, record, record)).toBeNull();
  expect(
    await revokeFormer(server, { ...record, over: true }, { ...record, client_id: 'two' }),
  ).toBeNull();
  const silent = { ...record, revocation_endpoint: null };
  expect(await revokeFormer(server, silent, { ...record, client_id: 'two' })).toBeNull();
  expect(asked).toEqual([]);
  expect(await revokeFormer(server, record, { ...record, client_id: 'two' })).toBeNull();
  expect(asked).toEqual(['refresh registered', 'access registered']);
  // A record of an unknown reach leads nowhere but to the internet.
  const { zone: _zone, ...unknown } = record;
  expect(await revokeFormer(server, unknown, { ...record, client_id: 'two' })).toMatch(
    /is not connected to/,
  );
});
