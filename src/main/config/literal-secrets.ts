/**
 * Where secrets are written out in a configuration: never their values. `rea init` says so of what it has imported,
 * with what to do; `rea doctor` of what git has.
 */
import { secretsInArguments, secretsWithin } from '../../shared/secrets/parts.ts';
import { tokensIn } from '../../shared/text/redact-patterns.ts';
import type { DraftServer } from './draft.ts';
import { show } from './problem.ts';
import { type Dialect, hasReference, writtenText } from './variables.ts';

/** Of servers of a client: one line for the variables or headers of each, and one for each argument or part of its address. */
export function literalSecrets(servers: readonly DraftServer[]): string[] {
  return servers.flatMap((server) => {
    return [...ofMappings(server), ...ofArguments(server), ...ofAddress(server)].map(
      (line) => `server "${server.name}": ${line}`,
    );
  });
}

function ofMappings({ options, endpoint }: DraftServer): string[] {
  const written = { ...options.env, ...endpoint?.headers };
  const names = Object.entries(written)
    .filter(([, value]) => value !== '' && !hasReference(value, 'client'))
    .map(([name]) => name);
  if (names.length === 0) return [];
  const example = `\${${variableName(names[0] ?? '')}}`;
  return [
    `the values of ${names.join(', ')} are written out in the registry; use ${example} to take them from the environment`,
  ];
}

function ofArguments({ name: server, args }: DraftServer): string[] {
  const lines = secretArguments(args, 'client').map(({ at, name }) => {
    return name === null
      ? advice(`argument ${at + 1}, which looks like a token,`, `${server}_token`)
      : advice(`${show(name)} in argument ${at + 1}`, `${server}_${name}`);
  });
  return [...new Set(lines)];
}

function ofAddress({ name: server, endpoint }: DraftServer): string[] {
  const names = endpoint === null ? [] : secretNames(endpoint.url, 'client');
  return names.map((name) => advice(`${show(name)} in url`, `${server}_${name}`));
}

/** Arguments in which a secret is written out; `name` null: it has none, and looks like a token. */
export function secretArguments(
  args: readonly string[],
  dialect: Dialect,
): { readonly at: number; readonly name: string | null }[] {
  const literal = args.map((arg) => writtenText(arg, dialect));
  const named = secretsInArguments(literal);
  // A secret can be found twice in one argument, whole and after a scheme: told under the first name.
  const first = named.filter(({ at, value }, index) => {
    return named.findIndex((one) => one.at === at && one.value === value) === index;
  });
  const known = new Set(named.map(({ at }) => at));
  const tokens = [...literal.entries()].flatMap(([at, arg]) => {
    return known.has(at) || tokensIn(arg).length === 0 ? [] : [{ at, name: null }];
  });
  return [...first, ...tokens];
}

/** Names of the secrets that are written out in one text, such as an address; `token` for one without a name. */
export function secretNames(text: string, dialect: Dialect): string[] {
  const literal = writtenText(text, dialect);
  const names = secretsWithin(literal).map(({ name }) => name);
  if (names.length === 0 && tokensIn(literal).length > 0) names.push('token');
  return [...new Set(names)];
}

function advice(what: string, name: string): string {
  const variable = variableName(name);
  return `${what} is written out in the registry; set ${variable} in the environment and write \${${variable}} instead`;
}

function variableName(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replace(/^(?=\d)/, '_')
    .toUpperCase();
}
