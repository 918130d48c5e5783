/** Trades a refresh token for new tokens. Asks once; the caller has its turn, and writes what comes. */
import {
  type AuthorizationServer,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
} from 'oauth4webapi';
import { clientOf, faultText, proofOf, protocolError, requestsBy, tokensOf } from './client.ts';
import { grantAnswer } from './grant.ts';
import { guardFor } from './net/guarded-fetch.ts';
import type { LoginRecord, LoginServer, Tokens } from './record.ts';

export type Refreshed =
  | { readonly kind: 'tokens'; readonly tokens: Tokens }
  /** A person has to log in again. */
  | { readonly kind: 'over'; readonly why: string }
  /** It may work later. */
  | { readonly kind: 'failed'; readonly why: string };

const MOST_MS = 40_000;
/** Errors after which the same request never succeeds. */
const FINAL = new Set([
  'invalid_grant',
  'invalid_client',
  'unauthorized_client',
  // GitHub's word for the first.
  'bad_refresh_token',
]);

export async function refreshTokens(server: LoginServer, record: LoginRecord): Promise<Refreshed> {
  const as: AuthorizationServer = { issuer: record.issuer, token_endpoint: record.token_endpoint };
  const client = clientOf(record);
  const signal = AbortSignal.timeout(MOST_MS);
  try {
    const home = record.zone ?? 'public';
    const guard = guardFor(new URL(server.endpoint.url), signal, { home });
    const requests = requestsBy(guard.fetch);
    const since = Date.now();
    const response = await refreshTokenGrantRequest(
      as,
      client,
      proofOf(server, record),
      record.refresh_token ?? '',
      { ...requests, additionalParameters: { resource: record.resource } },
    );
    const answer = await grantAnswer(response);
    const tokens = tokensOf(await processRefreshTokenResponse(as, client, answer), since);
    // One that does not rotate goes on being good.
    const refresh = tokens.refresh_token ?? record.refresh_token;
    const scope = tokens.scope ?? record.scope;
    return { kind: 'tokens', tokens: { ...tokens, refresh_token: refresh, scope } };
  } catch (error) {
    if (signal.aborted) return { kind: 'failed', why: 'the authorization server does not answer' };
    const said = protocolError(error);
    const isFinal = said !== null && FINAL.has(said);
    return { kind: isFinal ? 'over' : 'failed', why: faultText(error) };
  }
}
