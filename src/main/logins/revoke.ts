/** Tells an authorization server that tokens are not used any more (RFC 7009). */
import {
  type AuthorizationServer,
  processRevocationResponse,
  revocationRequest,
} from 'oauth4webapi';
import { clientOf, faultText, proofOf, requestsBy } from './client.ts';
import { guardFor } from './net/guarded-fetch.ts';
import type { LoginRecord, LoginServer } from './record.ts';

const UNUSED_MS = 10_000;

/**
 * After a new login: the one before, or else the new one where it could not be kept. Only of another registration than
 * the one that is used: of the same one, some authorization servers take "this token" for all that the person has
 * granted, and those that are used would go, too.
 *
 * @param used null: none is. @returns why that is not sure, in one line; null: it is done, or is not to be.
 */
export async function revokeUnused(
  server: LoginServer,
  unused: LoginRecord,
  used: LoginRecord | null,
): Promise<string | null> {
  const isOther =
    used?.over !== false || unused.client_id !== used.client_id || unused.issuer !== used.issuer;
  if (unused.over || unused.revocation_endpoint === null || !isOther) return null;
  return revokeLogin(server, unused, AbortSignal.timeout(UNUSED_MS));
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
