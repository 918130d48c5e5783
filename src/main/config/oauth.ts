/** How rea is known to the authorization server of a server: the key `oauth` of its entry. */
import type { OAuthConfig } from '../../shared/model/config.ts';
import { type ConfigDocument, problemAt } from './document.ts';
import type { DraftEndpoint, DraftServer } from './draft.ts';
import { type Check, type Expander, filled } from './expander.ts';
import type { Problem } from './problem.ts';

export function resolveOAuth(
  written: NonNullable<DraftEndpoint['oauth']>,
  expander: Expander,
): OAuthConfig {
  const own = (key: keyof typeof written, text: string | undefined, check: Check) =>
    text === undefined ? null : expander.own(['oauth', key], text, check);
  return {
    issuer: own('issuer', written.issuer, authority),
    clientId: own('client_id', written.client_id, filled),
    clientSecret: own('client_secret', written.client_secret, filled),
    clientMetadataUrl: own('client_metadata_url', written.client_metadata_url, document),
    scopes: written.scopes ?? [],
  };
}

/** What contradicts itself. A server with credentials of its own never logs in. */
export function oauthProblems(
  file: ConfigDocument,
  { path, endpoint }: DraftServer,
): readonly Problem[] {
  const oauth = endpoint?.oauth ?? null;
  if (endpoint === null || oauth === null) return [];
  const at = (keys: readonly string[], message: string, fix: string) => [
    problemAt(file, [...path, 'oauth', ...keys], message, fix),
  ];
  const names = Object.keys(endpoint.headers).map((name) => name.toLowerCase());
  if (endpoint.tokenFile !== null) return at([], 'stands beside token_file', KEEP_ONE);
  if (names.includes('authorization')) {
    return at([], 'stands beside a header Authorization', KEEP_ONE);
  }
  if (endpoint.insecureHttp) {
    return at([], 'stands beside insecure_http, and tokens are not sent unencrypted', KEEP_ONE);
  }
  const { issuer, client_id: id, client_secret: secret, client_metadata_url: metadata } = oauth;
  if (secret !== undefined && id === undefined) {
    return at(['client_secret'], 'stands without client_id', 'write both, or neither');
  }
  // Otherwise the server decides who gets it.
  if (secret !== undefined && issuer === undefined) {
    return at(
      ['client_secret'],
      'stands without issuer',
      'write which authorization server gave it',
    );
  }
  if (metadata === undefined || id === undefined) return [];
  return at(['client_metadata_url'], 'stands beside client_id', KEEP_ONE);
}

const KEEP_ONE = 'keep one of the two';

const authority: Check = (value) => {
  const url = URL.canParse(value) ? new URL(value) : null;
  const isOne = url?.protocol === 'https:' || url?.protocol === 'http:';
  return isOne ? null : { message: 'is no address of an issuer', fix: 'write https://host/path' };
};

/** Its address is an id: it must be one that anybody can look at, and not the root of a host. */
const document: Check = (value) => {
  const url = URL.canParse(value) ? new URL(value) : null;
  const isOne = url?.protocol === 'https:' && url.pathname !== '/' && url.href === value;
  return isOne ? null : { message: 'is no address of a document', fix: 'write https://host/path' };
};
