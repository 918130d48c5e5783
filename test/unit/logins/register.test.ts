/** As whom an authorization server is asked, and which one may know a secret. */
import { expect, test } from 'vitest';
import { requestsBy } from '#src/main/logins/client.ts';
import { registrationOf } from '#src/main/logins/flow/register.ts';
import type { OAuthConfig } from '#src/shared/model/config.ts';
import { NO_CLIENT } from '../../support/login-authority.ts';

const AS = { issuer: 'https://as.example', registration_endpoint: 'https://as.example/register' };

/** What is asked of the authorization server, and what comes of it. */
async function registered(oauth: Partial<OAuthConfig>) {
  let asked = 0;
  const requests = requestsBy(() => {
    asked += 1;
    return Promise.resolve(new Response('{"client_id":"made"}', { status: 201 }));
  });
  const url = 'https://mcp.example/mcp';
  const endpoint = { url, headers: {}, tokenFile: null, oauth: { ...NO_CLIENT, ...oauth } };
  const wanted = { server: { name: 'web', endpoint }, redirectUri: 'http://127.0.0.1:1/callback' };
  const made = await registrationOf(AS, { ...wanted, scope: null }, requests).catch(String);
  return [typeof made === 'string' ? made : made.client_id, asked];
}

test('a configured client is known to its own issuer alone', async () => {
  const client = { clientId: 'given', clientSecret: 'secret' };
  expect(await registered({ ...client, issuer: 'https://as.example' })).toEqual(['given', 0]);
  expect(await registered(client)).toEqual(['given', 0]);
  expect(await registered({})).toEqual(['made', 1]);
  for (const issuer of [
    'https://as.example/',
    'https://as.example/tenant',
    'https://evil.example',
  ]) {
    for (const oauth of [{ ...client, issuer }, { issuer }]) {
      const [why, asked] = await registered(oauth);
      expect(why).toMatch(
        /names the authorization server https:\/\/as\.example, and oauth\.issuer .* another/,
      );
      expect(asked).toBe(0);
    }
  }
});
