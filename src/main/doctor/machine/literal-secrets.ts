/** Whether git keeps, or would take, a configuration in which secrets are written out. Their names are told, never values. */
import { dirname } from 'node:path';
import { namesSecret } from '../../../shared/secrets/names.ts';
import { secretsInArguments, secretsWithin } from '../../../shared/secrets/parts.ts';
import { isWorthHiding } from '../../../shared/secrets/worth-hiding.ts';
import { tokensIn } from '../../../shared/text/redact-patterns.ts';
import { firstNames } from '../../config/first-of.ts';
import { hasReference } from '../../config/variables.ts';
import type { Written } from '../../config/written.ts';
import { Git } from '../../push/git.ts';
import { type Finding, finding } from '../finding.ts';
import type { Place } from '../place.ts';

export function checkLiteralSecrets({ env, config: { file }, loaded }: Place): Finding[] {
  const places = writtenSecrets(loaded.written);
  if (places.length === 0) return [];
  const git = new Git(dirname(file), env);
  const isKept = git.run('ls-files', '--error-unmatch', '--', file).ok;
  const isTaken = () => {
    return git.run('rev-parse', '--show-toplevel').ok && !git.run('check-ignore', '-q', file).ok;
  };
  if (!isKept && !isTaken()) return [];
  return [finding('literal_secret', null, file, firstNames(places).join(', '))];
}

/** Where secrets are written out, like `github: env.TOKEN`. @param written by the name of each server. */
export function writtenSecrets(written: ReadonlyMap<string, Written>): string[] {
  return [...written].flatMap(([server, one]) => {
    return [...new Set(placesIn(one))].map((place) => `${server}: ${place}`);
  });
}

function placesIn(written: Written): string[] {
  if (written.kind === 'address') {
    const { url, headers } = written;
    const named = secretsWithin(url).filter(({ value }) => isLiteral(value));
    const isIn = named.length > 0 || tokensIn(url).length > 0;
    return [...inMapping('headers', Object.entries(headers)), ...(isIn ? ['url'] : [])];
  }
  const { args, env } = written;
  const inArguments = [
    ...secretsInArguments(args).filter(({ value }) => isLiteral(value)),
    ...args.flatMap((arg, at) => (tokensIn(arg).length > 0 ? [{ at }] : [])),
  ];
  return [...inMapping('env', env), ...inArguments.map(({ at }) => `argument ${at + 1}`)];
}

function inMapping(kind: string, entries: readonly (readonly [string, string])[]): string[] {
  return entries.filter(isSecret).map(([name]) => `${kind}.${name}`);
}

function isSecret([name, value]: readonly [string, string]): boolean {
  if (tokensIn(value).length > 0) return true;
  if (!isLiteral(value)) return false;
  return secretsWithin(value).length > 0 || (namesSecret(name) && isWorthHiding(value, 'secret'));
}

/** What stands for a variable is no secret itself. */
function isLiteral(value: string): boolean {
  return !hasReference(value, 'registry');
}
