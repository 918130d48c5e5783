/** What servers and authorization servers say of themselves, and what of it is believed. */
import { expect, test } from 'vitest';
import { requestsBy } from '#src/main/logins/client.ts';
import { discover } from '#src/main/logins/flow/discover.ts';
import { bearerChallenge } from '#src/shared/model/challenge.ts';

const SERVER = new URL('https://mcp.example/team/mcp');
const ISSUER = 'https://as.example/tenant';
const RESOURCE = {
  resource: SERVER.href,
  authorization_servers: [ISSUER],
  scopes_supported: ['a', 'b'],
};
const AS = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize`,
  token_endpoint: `${ISSUER}/token`,
  code_challenge_methods_supported: ['plain', 'S256'],
};
const PATH_FORM = 'https://mcp.example/.well-known/oauth-protected-resource/team/mcp';
const ROOT_FORM = 'https://mcp.example/.well-known/oauth-protected-resource';
const RFC_8414 = 'https://as.example/.well-known/oauth-authorization-server/tenant';
const OIDC_INSERTED = 'https://as.example/.well-known/openid-configuration/tenant';
const OIDC_APPENDED = 'https://as.example/tenant/.well-known/openid-configuration';

/** An internet of these pages; all others are 404. */
async function found(pages: Readonly<Record<string, object>>, header?: string) {
  const asked: string[] = [];
  const guarded = (url: string) => {
    asked.push(url);
    const page = pages[url];
    return Promise.resolve(
      page === undefined
        ? new Response('{}', { status: 404 })
        : new Response(JSON.stringify(page), { headers: { 'content-type': 'application/json' } }),
    );
  };
  const challenge = bearerChallenge(header);
  const result = await discover(SERVER, challenge, guarded, requestsBy(guarded));
  return { ...result, asked };
}

test('the place that the server names counts, and then its scopes', async () => {
  const place = 'https://mcp.example/meta';
  const pages = { [place]: RESOURCE, [RFC_8414]: AS };
  const { as, resource, scope, asked } = await found(pages, `Bearer resource_metadata="${place}"`);
  expect({ as, resource, scope, asked }).toEqual({
    as: AS,
    resource: SERVER.href,
    scope: 'a b',
    asked: [place, RFC_8414],
  });
  const named = await found(pages, `Bearer resource_metadata="${place}", scope="c"`);
  expect(named.scope).toBe('c');
});

test('both well-known places of the server, and all three of the authorization server, are looked at', async () => {
  const origin = { ...RESOURCE, resource: 'https://mcp.example', scopes_supported: undefined };
  const { asked, resource, scope } = await found({ [ROOT_FORM]: origin, [OIDC_APPENDED]: AS });
  expect(asked).toEqual([PATH_FORM, ROOT_FORM, RFC_8414, OIDC_INSERTED, OIDC_APPENDED]);
  expect([resource, scope]).toEqual(['https://mcp.example', null]);
  expect((await found({ [PATH_FORM]: RESOURCE, [OIDC_INSERTED]: AS })).as).toEqual(AS);
});

test('a server without metadata is its own authorization server, as before RFC 9728', async () => {
  const own = { ...AS, issuer: 'https://mcp.example' };
  const pages = { 'https://mcp.example/.well-known/oauth-authorization-server': own };
  expect((await found(pages)).resource).toBe(SERVER.href);
});

const AT = { [PATH_FORM]: RESOURCE, [RFC_8414]: AS };

test.each<[what: string, pages: Readonly<Record<string, object>>, why: string]>([
  [
    'another origin',
    { [PATH_FORM]: { ...RESOURCE, resource: 'https://other.example/team/mcp' } },
    'another resource',
  ],
  [
    'a path beside',
    { [PATH_FORM]: { ...RESOURCE, resource: 'https://mcp.example/team/mc' } },
    'another resource',
  ],
  [
    'a path below',
    { [PATH_FORM]: { ...RESOURCE, resource: `${SERVER.href}/x` } },
    'another resource',
  ],
  ['no resource', { [PATH_FORM]: { authorization_servers: [ISSUER] } }, 'another resource'],
  ['a list', { [PATH_FORM]: [] }, 'is no JSON object'],
  [
    'no authorization server',
    { [PATH_FORM]: { ...RESOURCE, authorization_servers: [] } },
    'names no authorization',
  ],
  [
    'an issuer over http',
    { [PATH_FORM]: { ...RESOURCE, authorization_servers: ['http://as.example'] } },
    'is not https',
  ],
  ['an issuer that is silent', { [PATH_FORM]: RESOURCE }, 'does not describe itself'],
  ['another issuer', { ...AT, [RFC_8414]: { ...AS, issuer: 'https://as.example' } }, 'is not used'],
  [
    'no PKCE',
    { ...AT, [RFC_8414]: { ...AS, code_challenge_methods_supported: ['plain'] } },
    'PKCE with S256',
  ],
  [
    'PKCE unsaid',
    { ...AT, [RFC_8414]: { ...AS, code_challenge_methods_supported: undefined } },
    'PKCE with S256',
  ],
  [
    'a token endpoint over http',
    { ...AT, [RFC_8414]: { ...AS, token_endpoint: 'http://as.example/t' } },
    'its token_endpoint is not https',
  ],
  [
    'a revocation endpoint that is a number',
    { ...AT, [RFC_8414]: { ...AS, revocation_endpoint: 7 } },
    'is no address',
  ],
])('%s is not believed', async (_what, pages, why) => {
  await expect(found(pages)).rejects.toThrow(why);
});
