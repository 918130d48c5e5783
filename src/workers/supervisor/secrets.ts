/**
 * Which values of a server's configuration must not be seen in anything that is kept or logged. Pure;
 * whether a value is worth hiding is the redactor's business.
 */
import type { DownstreamConfig } from '../../shared/model/config.ts';

/** A header value `Bearer x` hides `x` too: servers quote the token alone. */
const WITH_SCHEME = /^[A-Za-z][A-Za-z0-9-]* +(.+)$/;

export function secretsOf({ env, endpoint }: Pick<DownstreamConfig, 'env' | 'endpoint'>): string[] {
  if (endpoint === null) return Object.values(env);
  const headers = Object.values(endpoint.headers);
  const credentials = headers.flatMap((value) => WITH_SCHEME.exec(value)?.[1] ?? []);
  const url = new URL(endpoint.url);
  return [...headers, ...credentials, `${url.pathname}${url.search}`, ...url.searchParams.values()];
}
