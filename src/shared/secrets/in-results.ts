/**
 * Which values of a server's configuration are masked in what it answers: only those that are secrets beyond doubt.
 * Elsewhere more is hidden (secrets-of.ts), because nobody needs the rest; but a model works with what a tool
 * tells it, and the name of a database, a host or a user in it must stay what it is. Pure.
 */
import type { ServerConfig } from '../model/config.ts';
import { kindOfName, namesSecret } from './names.ts';
import { type NamedSecret, secretsInArguments, secretsWithin } from './parts.ts';
import { isPlace, isPlain } from './worth-hiding.ts';

type Source = Pick<ServerConfig, 'args' | 'env' | 'envPassthrough' | 'endpoint' | 'expanded'>;

/** Shorter ones turn up in other text by chance. */
const SHORTEST = 8;
const LONGEST_WORD = 24;
/** Variables that every child inherits and that may hold a password. */
const INHERITED = ['HTTP_PROXY', 'HTTPS_PROXY'];
const WITH_SCHEME = /^[A-Za-z][A-Za-z0-9-]* +(\S.*)$/;
/** Letters alone, perhaps with a number behind them: a word, or several. */
const WORD = /^[A-Za-z]+(?:[ ._-][A-Za-z]+)*[ ._-]?\d{0,4}$/;
const RUN = /[A-Za-z0-9]{16,}/g;
/** What a random run has more of than a name with a date in it. */
const CHANGES = /(?<=[a-z])(?=[A-Z\d])|(?<=[A-Z])(?=\d)|(?<=\d)(?=[A-Za-z])/g;
const LEAST_CHANGES = 5;
/** The name of a secret has one of these words, or one that ends in it. */
const SECRET_WORD =
  /^(?:pass|pat|creds?)$|(?:token|(?<!mon|don|tur|hoc|joc|whis)key|secret|passwd|password|passphrase|pwd|credential|auth|authorization|cookie|dsn|bearer)s?\d*$/i;
const BETWEEN_WORDS = /[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])/;
/** The last word of the names of values that are told to everybody. */
const TOLD =
  /(?:host|hostname|server|domain|address|user|username|login|email|account|org|organization|tenant|team|workspace|project|database|db|schema|table|bucket|region|zone|realm|provider|scope|scopes|audience|issuer|flow|strategy|policy|model|llm|engine|deployment|image|path|file|dir|directory|folder|root|home|url|uri|endpoint|id|ids|name|version|branch|commit|sha)$/i;

/** @param gatewayEnv environment of the gateway, for variables that are passed on. */
export function secretsInResults(
  config: Source,
  gatewayEnv: Readonly<Record<string, string | undefined>>,
): string[] {
  const { args, env, envPassthrough, endpoint, expanded } = config;
  const handedOn = [...INHERITED, ...envPassthrough].map((name): [string, string] => [
    name,
    gatewayEnv[name] ?? '',
  ]);
  const headers = Object.entries(endpoint?.headers ?? {});
  const named: [string, string][] = [
    ...Object.entries(env),
    ...(endpoint === null ? handedOn : []),
    ...headers,
    ...headers.map(([name, value]): [string, string] => [name, WITH_SCHEME.exec(value)?.[1] ?? '']),
    ...expanded.map(({ name, value }): [string, string] => [name, value]),
    ...(endpoint === null ? [] : new URL(endpoint.url).searchParams),
    ['client_secret', endpoint?.oauth?.clientSecret ?? ''],
  ];
  const parts: NamedSecret[] = [
    ...named.flatMap(([name, value]) => [{ name, value }, ...secretsWithin(value)]),
    ...secretsInArguments(args),
    ...(endpoint === null ? [] : secretsWithin(endpoint.url)),
  ];
  return [
    ...new Set(parts.filter(({ name, value }) => isSecret(name, value)).map(({ value }) => value)),
  ];
}

/** Values without a name, such as those of an earlier configuration: only those that look random. */
export function isRandom(value: string): boolean {
  const runs = value.match(RUN) ?? [];
  return runs.some(
    (run) =>
      /[A-Za-z]/.test(run) && /\d/.test(run) && (run.match(CHANGES) ?? []).length >= LEAST_CHANGES,
  );
}

function isSecret(name: string, value: string): boolean {
  const text = value.trim();
  if (text.length < SHORTEST || isPlain(text)) return false;
  // A token in an address stands where a user's name does.
  if (name === 'user') return isRandom(text);
  if (TOLD.test(name)) return false;
  if (saysSecret(name)) return text.length > LONGEST_WORD || !WORD.test(text);
  return kindOfName(name) === 'ordinary' && !/\s/.test(text) && !isPlace(text) && isRandom(text);
}

function saysSecret(name: string): boolean {
  return namesSecret(name) && name.split(BETWEEN_WORDS).some((word) => SECRET_WORD.test(word));
}
