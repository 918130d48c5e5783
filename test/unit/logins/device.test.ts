/** A login by a code that a person types elsewhere: what happens until it is typed. */
import { expect, test } from 'vitest';
import { requestsBy } from '#src/main/logins/client.ts';
import { byDevice, type DevicePrompt } from '#src/main/logins/flow/authorize.ts';
import { LoginFault, Unanswered } from '#src/main/logins/net/guarded-fetch.ts';

const ORIGIN = 'https://as.example';
const AS = {
  issuer: ORIGIN,
  token_endpoint: `${ORIGIN}/token`,
  device_authorization_endpoint: `${ORIGIN}/device`,
};
const CODE = { device_code: 'd', user_code: 'ABCD', verification_uri: `${ORIGIN}/activate` };
const TOKENS = { access_token: 'new', token_type: 'bearer' };

type Answer = Error | readonly [status: number, body: object];

/** @param answers to the questions whether the code was typed. @returns how long it waited before each. */
async function waited(answers: readonly Answer[], page = CODE.verification_uri) {
  const left = [...answers];
  const pauses: number[] = [];
  const shown: DevicePrompt[] = [];
  const json = (status: number, body: object) => {
    const headers = { 'content-type': 'application/json' };
    return new Response(JSON.stringify(body), { status, headers });
  };
  const requests = requestsBy((url) => {
    const begun = { ...CODE, verification_uri: page, expires_in: 600, interval: 5 };
    if (url === AS.device_authorization_endpoint) return Promise.resolve(json(200, begun));
    const next = left.shift() ?? new LoginFault('asked too often');
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(json(...next));
  });
  const url = 'https://mcp.example/mcp';
  const attempt = {
    server: { name: 'web', endpoint: { url, headers: {}, tokenFile: null, oauth: null } },
    as: AS,
    registration: { client_id: 'client', client_secret: null, auth_method: 'none' as const },
    resource: url,
    scope: null,
    redirectUri: 'http://127.0.0.1:1/callback',
    requests,
    checkShown: (text: string) => {
      if (text.includes('127.0.0.1')) return Promise.reject(new LoginFault('it is not opened'));
      return Promise.resolve(new URL(text));
    },
    signal: new AbortController().signal,
  };
  const tokens = await byDevice(
    attempt,
    (prompt) => shown.push(prompt),
    (ms) => Promise.resolve(void pauses.push(ms)),
  ).catch(String);
  const what = typeof tokens === 'string' ? tokens : tokens.access_token;
  return { what, pauses, shown: shown.length };
}

const lost = new Unanswered('cannot speak to it');
const pending = { error: 'authorization_pending' };

test('a question that is lost, or refused with any status, does not end the login', async () => {
  const answers = [lost, [502, {}], [400, pending], [200, pending], [200, TOKENS]] as const;
  expect(await waited(answers)).toEqual({
    what: 'new',
    pauses: [5000, 10_000, 20_000, 20_000, 20_000],
    shown: 1,
  });
  const slower = await waited([
    [200, { error: 'slow_down' }],
    ...Array<Error>(5).fill(lost),
    [200, TOKENS],
  ]);
  expect(slower.pauses).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
});

test.each<[Answer, RegExp]>([
  [[200, { error: 'access_denied' }], /the login was denied/],
  [[200, { error: 'expired_token' }], /was not typed in time/],
  [[400, { error: 'invalid_grant' }], /says invalid_grant/],
  [new LoginFault('another address'), /another address/],
])('%j ends it', async (answer, why) => {
  expect((await waited([answer])).what).toMatch(why);
});

test('a page where no browser is to go is not shown', async () => {
  const { what, shown } = await waited([], 'http://127.0.0.1:9/activate');
  expect([what, shown]).toEqual(['Error: it is not opened', 0]);
});
