/**
 * Who gives out the tokens of a server, and how (RFC 9728, RFC 8414, OpenID Connect Discovery). Whatever a server or
 * an authorization server says of itself is checked before it is used.
 */
import { type AuthorizationServer, discoveryRequest, processDiscoveryResponse } from 'oauth4webapi';
import type { BearerChallenge } from '../../../shared/model/challenge.ts';
import { isObject } from '../../../shared/model/is-object.ts';
import { faultText, type Requests } from '../client.ts';
import { checkedAddress, type GuardedFetch, LoginFault, shown } from '../net/guarded-fetch.ts';

export interface Discovered {
  readonly as: AuthorizationServer;
  /** What the tokens are for, as the authorization server is told. */
  readonly resource: string;
  /** Scopes that the server wants; null: it does not say. */
  readonly scope: string | null;
}

interface Resource {
  readonly resource: string;
  readonly issuers: readonly string[];
  readonly scopes: readonly string[];
}

const MOST_NAMES = 50;

/** @throws LoginFault with what is wrong, in one line. */
export async function discover(
  server: URL,
  challenge: BearerChallenge | null,
  guarded: GuardedFetch,
  requests: Requests,
): Promise<Discovered> {
  const described = await resourceOf(server, challenge, guarded);
  // Before RFC 9728 the server's own host was the authorization server.
  const issuers = described?.issuers ?? [server.origin];
  const [issuer] = issuers;
  if (issuer === undefined) throw new LoginFault(`${server.host} names no authorization server`);
  const as = await authorizationServer(checkedAddress(issuer, 'its issuer'), guarded, requests);
  const wanted = challenge?.scope ?? described?.scopes.join(' ') ?? '';
  return {
    as: checkedServer(as),
    resource: described?.resource ?? canonical(server),
    scope: wanted === '' ? null : wanted,
  };
}

/** What the server says of itself; null: it has no such metadata. */
export async function resourceOf(
  server: URL,
  challenge: BearerChallenge | null,
  guarded: GuardedFetch,
): Promise<Resource | null> {
  const named = challenge?.resourceMetadata ?? null;
  if (named !== null) {
    const url = checkedAddress(named, 'its resource_metadata');
    const found = await metadataAt(url, server, guarded);
    if (found === null) throw new LoginFault(`there is no metadata at ${shown(url)}`);
    return found;
  }
  const path = server.pathname === '/' ? '' : server.pathname;
  for (const place of new Set([path, ''])) {
    const url = new URL(`/.well-known/oauth-protected-resource${place}`, server);
    const found = await metadataAt(url, server, guarded);
    if (found !== null) return found;
  }
  return null;
}

async function metadataAt(url: URL, server: URL, guarded: GuardedFetch): Promise<Resource | null> {
  const response = await guarded(url.href, { headers: { accept: 'application/json' } });
  if (response.status !== 200) return null;
  const said: unknown = await response.json().catch(() => null);
  if (!isObject(said)) throw new LoginFault(`the metadata at ${shown(url)} is no JSON object`);
  const { resource, authorization_servers: issuers, scopes_supported: scopes } = said;
  if (typeof resource !== 'string' || !isFor(server, resource)) {
    throw new LoginFault(
      `the metadata at ${shown(url)} is about another resource than ${shown(server)}`,
    );
  }
  return { resource, issuers: strings(issuers), scopes: strings(scopes) };
}

/** A resource is the address of the server, or one above it on the same origin. */
function isFor(server: URL, resource: string): boolean {
  if (!URL.canParse(resource) || resource.length > 2048) return false;
  const url = new URL(resource);
  if (url.origin !== server.origin || url.hash !== '') return false;
  if (url.search !== '' && url.search !== server.search) return false;
  const above = url.pathname.replace(/\/$/, '');
  return server.pathname === above || server.pathname.startsWith(`${above}/`);
}

/** RFC 8414 first, then OpenID Connect in both forms. */
async function authorizationServer(
  issuer: URL,
  guarded: GuardedFetch,
  requests: Requests,
): Promise<AuthorizationServer> {
  const path = issuer.pathname === '/' ? '' : issuer.pathname;
  const inserted = new URL(`/.well-known/openid-configuration${path}`, issuer);
  const headers = { accept: 'application/json' };
  const tries = [
    () => discoveryRequest(issuer, { ...requests, algorithm: 'oauth2' }),
    () => guarded(inserted.href, { headers }),
    () => discoveryRequest(issuer, { ...requests, algorithm: 'oidc' }),
  ];
  for (const ask of tries) {
    const response = await ask();
    if (response.status !== 200) continue;
    try {
      return await processDiscoveryResponse(issuer, response);
    } catch (error) {
      throw new LoginFault(`the metadata of ${shown(issuer)} is not used: ${faultText(error)}`);
    }
  }
  throw new LoginFault(`${shown(issuer)} does not describe itself: it is no authorization server`);
}

const ENDPOINTS = [
  'authorization_endpoint',
  'token_endpoint',
  'registration_endpoint',
  'revocation_endpoint',
  'device_authorization_endpoint',
] as const;

/** Its endpoints can be used, and it takes the proof that nobody else has asked for the tokens. */
function checkedServer(as: AuthorizationServer): AuthorizationServer {
  if (strings([as.issuer]).length === 0) throw new LoginFault('its issuer cannot be printed');
  for (const name of ENDPOINTS) {
    const value: unknown = as[name];
    if (value !== undefined) checkedAddress(typeof value === 'string' ? value : '', `its ${name}`);
  }
  if (as.token_endpoint === undefined) throw new LoginFault(`${as.issuer} has no token_endpoint`);
  const methods: unknown = as.code_challenge_methods_supported;
  if (!strings(methods).includes('S256')) {
    throw new LoginFault(
      `${as.issuer} does not offer PKCE with S256, without which rea asks for no token`,
    );
  }
  return as;
}

/** Scopes and addresses that can be printed; bounded. */
function strings(value: unknown): string[] {
  const all: unknown[] = Array.isArray(value) ? value : [];
  return all
    .slice(0, MOST_NAMES)
    .filter((one) => typeof one === 'string' && /^[\x21-\x7e]{1,2048}$/.test(one)) as string[];
}

function canonical(server: URL): string {
  return server.pathname === '/' && server.search === '' ? server.origin : server.href;
}
