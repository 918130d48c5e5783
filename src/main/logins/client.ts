/** rea as a client of an authorization server: how it proves who it is, and what its answers mean. */
import {
  AuthorizationResponseError,
  type AuthorizationServer,
  allowInsecureRequests,
  type Client,
  type ClientAuth,
  ClientSecretPost,
  customFetch,
  None,
  ResponseBodyError,
  type TokenEndpointResponse,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi';
import { type GuardedFetch, LoginFault } from './net/guarded-fetch.ts';
import type { LoginRecord, LoginServer, Tokens } from './record.ts';

/** What the library needs for each request: ours decides about addresses. */
export type Requests = ReturnType<typeof requestsBy>;

export function requestsBy(guarded: GuardedFetch) {
  return { [customFetch]: guarded, [allowInsecureRequests]: true } as const;
}

/** As it is registered. */
export type Registration = Pick<LoginRecord, 'client_id' | 'client_secret' | 'auth_method'>;

export function clientOf({ client_id }: Registration): Client {
  return { client_id };
}

/** A configured secret counts before the one of a registration, for the configured client alone. */
export function proofOf(server: LoginServer, registration: Registration): ClientAuth {
  const { clientId = null, clientSecret = null } = server.endpoint.oauth ?? {};
  const own = clientId === registration.client_id ? clientSecret : null;
  const secret = own ?? registration.client_secret;
  if (secret === null || registration.auth_method === 'none') return None();
  return registration.auth_method === 'client_secret_post'
    ? ClientSecretPost(secret)
    : basic(secret);
}

/** Encoded as forms are: the library encodes "-" and the like as well, which some servers do not undo. */
function basic(secret: string): ClientAuth {
  const encoded = (text: string) => new URLSearchParams([['', text]]).toString().slice(1);
  return (_as, client, _body, headers) => {
    const pair = `${encoded(client.client_id)}:${encoded(secret)}`;
    headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
  };
}

/** How a client with a secret proves who it is, as the authorization server likes. */
export function methodOf(as: AuthorizationServer, hasSecret: boolean): Registration['auth_method'] {
  if (!hasSecret) return 'none';
  const known = as.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  return known.includes('client_secret_basic') ? 'client_secret_basic' : 'client_secret_post';
}

/** Characters of a token that can be sent as a header. */
const SENDABLE = /^[\x21-\x7e]{1,65536}$/;

/** @param since when they were asked for, ms: they end no later than counted from there. @throws LoginFault */
export function tokensOf(answer: TokenEndpointResponse, since: number): Tokens {
  const { access_token: token, token_type: type, expires_in: seconds } = answer;
  if (type !== 'bearer') throw new LoginFault('its tokens are not bearer tokens');
  if (!SENDABLE.test(token)) throw new LoginFault('its token cannot be sent as a header');
  return {
    access_token: token,
    refresh_token: answer.refresh_token ?? null,
    expires_at: seconds === undefined ? null : since + seconds * 1000,
    made_at: since,
    scope: answer.scope ?? null,
  };
}

/** The error of the protocol in an answer, such as `access_denied`; null: it is another one. */
export function protocolError(error: unknown): string | null {
  if (error instanceof ResponseBodyError || error instanceof AuthorizationResponseError) {
    return /^[\w.-]{1,60}$/.test(error.error) ? error.error : 'an error';
  }
  if (error instanceof WWWAuthenticateChallengeError) return 'invalid_client';
  return null;
}

/** What went wrong with an authorization server, in one line. @throws any error that is not about that. */
export function faultText(error: unknown): string {
  if (error instanceof LoginFault) return error.message;
  const said = protocolError(error);
  if (said !== null) return `the authorization server says ${said}`;
  // The library's own words: they name what was expected, and hold nothing of the answer.
  const isOurs =
    error instanceof Error && 'code' in error && String(error.code).startsWith('OAUTH_');
  if (!isOurs) throw error;
  const text = error.message.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200);
  return `the authorization server does not keep to its protocol: ${text}`;
}
