/** Tells an authorization server that tokens are not used any more (RFC 7009). */
import {
  type AuthorizationServer,
  processRevocationResponse,
  revocationRequest,
} from 'oauth4webapi';
import { clientOf, faultText, proofOf, requestsBy } from './client.ts';
import { guardFor } from './net/guarded-fetch.ts';
import type { LoginRecord, LoginServer } from './record.ts';

const FORMER_MS = 10_000;

/**
 * After a new login. Only of another registration: of the same one, some authorization servers take "this token" for all
 * that the person has granted, and the new tokens would go, too.
 *
 * @returns why that is not sure, in one line; null: it is done, or is not to be.
 */
export async function revokeFormer(
  server: LoginServer,
  former: LoginRecord,
  made: LoginRecord,
): Promise<string | null> {
  const isOther = former.client_id !== made.client_id || former.issuer !== made.issuer;
  if (former.over || former.revocation_endpoint === null || !isOther) return null;
  return revokeLogin(server, former, AbortSignal.timeout(FORMER_MS));
}

/** @returns why that is not sure, in one line; null: it is done. */
export async function revokeLogin(
  server: LoginServer,
  record: LoginRecord,
  signal: AbortSignal,
): Promise<string | null> {
  const { issuer, revocation_endpoint: endpoint, access_token, refresh_token } = record;
  if (endpoint === null) return `${issuer} has no way to revoke tokens: they end by themselves`;
  const as: AuthorizationServer = { issuer, revocation_endpoint: endpoint };
  try {
    const home = record.zone ?? 'public';
    const guard = guardFor(new URL(server.endpoint.url), signal, { home });
    const requests = requestsBy(guard.fetch);
    // The refresh token first: with it, most end the other one, too.
    for (const token of [refresh_token, access_token]) {
      if (token === null) continue;
      const proof = proofOf(server, record);
      const response = await revocationRequest(as, clientOf(record), proof, token, requests);
      await processRevocationResponse(response);
    }
    return null;
  } catch (error) {
    if (signal.aborted) return `${issuer} does not answer: the tokens end by themselves`;
    return `the tokens could not be revoked (${faultText(error)}): they end by themselves`;
  }
}
