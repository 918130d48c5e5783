/**
 * Names the secrets of a client's file that are now in a second place, too, the registry: the place of
 * each and what to do, never its value.
 */
import { secretsInArguments, secretsWithin } from '../../shared/secrets/parts.ts';
import { redactTokens } from '../../shared/text/redact-patterns.ts';
import type { DraftServer } from './draft.ts';
import { show } from './problem.ts';
import { hasReference, writtenText } from './variables.ts';

/** One line for the variables or headers of a server, and one for each argument or part of its address. */
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
  const literal = args.map((arg) => writtenText(arg, 'client'));
  const lines = new Set<string>();
  const known = new Set<number>();
  const named = new Set<string>();
  for (const { at, name, value } of secretsInArguments(literal)) {
    // A secret can be found twice in one argument, whole and after a scheme: reported under the first name.
    const place = `${at} ${value}`;
    if (named.has(place)) continue;
    named.add(place);
    known.add(at);
    lines.add(advice(`${show(name)} in argument ${at + 1}`, `${server}_${name}`));
  }
  for (const [at, arg] of literal.entries()) {
    if (known.has(at) || redactTokens(arg, () => '') === arg) continue;
    lines.add(advice(`argument ${at + 1}, which looks like a token,`, `${server}_token`));
  }
  return [...lines];
}

function ofAddress({ name: server, endpoint }: DraftServer): string[] {
  if (endpoint === null) return [];
  const url = writtenText(endpoint.url, 'client');
  const names = secretsWithin(url).map(({ name }) => name);
  if (names.length === 0 && redactTokens(url, () => '') !== url) names.push('token');
  return [...new Set(names)].map((name) => advice(`${show(name)} in url`, `${server}_${name}`));
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
