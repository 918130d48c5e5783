/** Whether git keeps, or would take, a configuration in which secrets are written out. Their names are told, never values. */
import { dirname } from 'node:path';
import { namesSecret } from '../../../shared/secrets/names.ts';
import { isWorthHiding } from '../../../shared/secrets/worth-hiding.ts';
import { firstNames } from '../../config/first-of.ts';
import { secretArguments, secretNames } from '../../config/literal-secrets.ts';
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
    const isIn = secretNames(url, 'registry').length > 0;
    return [...inMapping('headers', Object.entries(headers)), ...(isIn ? ['url'] : [])];
  }
  const { args, env } = written;
  const inArguments = secretArguments(args, 'registry').map(({ at }) => `argument ${at + 1}`);
  return [...inMapping('env', env), ...inArguments];
}

function inMapping(kind: string, entries: readonly (readonly [string, string])[]): string[] {
  return entries.filter(isSecret).map(([name]) => `${kind}.${name}`);
}

function isSecret([name, value]: readonly [string, string]): boolean {
  if (secretNames(value, 'registry').length > 0) return true;
  // What stands for a variable is no secret itself.
  if (hasReference(value, 'registry')) return false;
  return namesSecret(name) && isWorthHiding(value, 'secret');
}
