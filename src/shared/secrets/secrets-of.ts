/**
 * Finds the values of a server's configuration that must not be kept or logged. Pure: the caller passes
 * the values of files and of the environment.
 */
import type { ServerConfig } from '../model/config.ts';
import { kindOfName } from './names.ts';
import { secretsInArguments, secretsWithin } from './parts.ts';
import { isWorthHiding, looksRandom } from './worth-hiding.ts';

/** Variables that every child inherits and that may hold a password. */
const INHERITED = ['HTTP_PROXY', 'HTTPS_PROXY'];
/** A header value `Name x` hides `x` too: servers quote the credentials alone. */
const WITH_SCHEME = /^[A-Za-z][A-Za-z0-9-]* +(\S.*)$/;
/** The replacement of a secret: a part of it cannot be hidden. */
const MARK = '[REDACTED:secret]';

type Source = Pick<
  ServerConfig,
  'name' | 'prefix' | 'args' | 'env' | 'envPassthrough' | 'endpoint' | 'expanded'
>;

/** @param gatewayEnv environment of the gateway, for variables that are passed on. */
export function secretsOf(
  config: Source,
  gatewayEnv: Readonly<Record<string, string | undefined>>,
): string[] {
  const { env, envPassthrough, args, endpoint, expanded } = config;
  const handedOn = [...INHERITED, ...envPassthrough].map((name) => [name, gatewayEnv[name] ?? '']);
  const named = [
    ...Object.entries(env),
    ...(endpoint === null ? (handedOn as [string, string][]) : []),
    ...Object.entries(endpoint?.headers ?? {}),
    ...expanded.map(({ name, value }): [string, string] => [name, value]),
  ];
  const found = [
    ...named.flatMap(([name, value]) => ofVariable(name, value)),
    ...secretsInArguments(args).map(({ value }) => value),
    ...(endpoint === null ? [] : ofEndpoint(endpoint)),
  ];
  // URL lowers the case of the host, so a secret in it appears in lower case, too.
  const host = endpoint === null ? '' : new URL(endpoint.url).host;
  const inHost = found.map((value) => value.toLowerCase()).filter((value) => host.includes(value));
  // A name that is shown everywhere is not a secret.
  const plain = new Set([config.name, config.prefix]);
  return [...new Set([...found, ...inHost])].filter(
    (value) => !plain.has(value) && !MARK.includes(value.trim()),
  );
}

function ofVariable(name: string, value: string): string[] {
  const kind = kindOfName(name);
  const whole = kind !== 'harmless' && isWorthHiding(value, kind) ? [value] : [];
  return [...whole, ...secretsWithin(value).map((part) => part.value)];
}

function ofEndpoint({ url: text, headers, oauth }: NonNullable<Source['endpoint']>): string[] {
  const credentials = Object.values(headers).flatMap((value) => WITH_SCHEME.exec(value)?.[1] ?? []);
  const url = new URL(text);
  const secret = oauth?.clientSecret ?? null;
  const queries = [...url.searchParams].filter(([name, value]) => {
    const kind = kindOfName(name);
    return isWorthHiding(value, kind === 'harmless' ? 'ordinary' : kind);
  });
  const whole = `${url.pathname}${url.search}`;
  return [
    ...[...credentials, whole].filter((value) => isWorthHiding(value)),
    ...queries.map(([, value]) => value),
    ...(secret === null || !isWorthHiding(secret, 'ordinary') ? [] : [secret]),
    ...url.pathname.split('/').filter(looksRandom),
  ];
}
