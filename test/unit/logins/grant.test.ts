/** What is read of the answers of token endpoints, and that a new refresh token is never thrown away. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { grantAnswer } from '#src/main/logins/grant.ts';
import { refreshTokens } from '#src/main/logins/refresh.ts';
import { loginAt, serverAt } from '../../support/login-authority.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A token endpoint that always says this. @returns what a renewal there comes to. */
async function renewed(body: object, status = 200) {
  const server = createServer((_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const record = loginAt(origin, {
    scope: 'read',
    access_token: 'old',
    refresh_token: 'old-refresh',
  });
  return refreshTokens(serverAt(record.url), record);
}

const NEW = { access_token: 'new', token_type: 'Bearer', refresh_token: 'new-refresh' };
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

test.each<[string, object]>([
  [
    'an id_token that is signed in another way',
    { id_token: `${part({ alg: 'ES256' })}.${part({})}.x` },
  ],
  ['an id_token that is none', { id_token: 7 }],
  ['an end that is none', { expires_in: 'soon' }],
  ['an end in the past', { expires_in: -5 }],
  ['scopes that are a list', { scope: ['read'] }],
])('%s costs no login', async (_what, more) => {
  const { kind, ...got } = await renewed({ ...NEW, ...more });
  expect(kind).toBe('tokens');
  expect(got).toMatchObject({
    tokens: { access_token: 'new', refresh_token: 'new-refresh', expires_at: null, scope: 'read' },
  });
});

test('a refusal is one with status 200, too', async () => {
  const over = { kind: 'over', why: 'the authorization server says bad_refresh_token' };
  expect(await renewed({ error: 'bad_refresh_token', error_description: 'x' })).toEqual(over);
  expect(await renewed({ error: 'bad_refresh_token' }, 400)).toEqual(over);
  const busy = await renewed({ error: 'temporarily_unavailable' });
  expect(busy).toEqual({
    kind: 'failed',
    why: 'the authorization server says temporarily_unavailable',
  });
});

test('an end in words is read, and what is no answer is left to the library', async () => {
  const answer = async (body: string, status = 200) => {
    const read = await grantAnswer(new Response(body, { status }));
    return [read.status, await read.text()];
  };
  expect(await answer(JSON.stringify({ ...NEW, expires_in: '60', more: 1 }))).toEqual([
    200,
    JSON.stringify({ ...NEW, expires_in: 60 }),
  ]);
  expect(await answer('<html>')).toEqual([200, '<html>']);
  expect(await answer('{"error":"authorization_pending"}')).toEqual([
    400,
    '{"error":"authorization_pending"}',
  ]);
  expect(await answer('{"id_token":"x"}', 503)).toEqual([503, '{"id_token":"x"}']);
});
