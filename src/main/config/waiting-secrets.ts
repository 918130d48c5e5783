/**
 * Which values may not be seen in what is shown of programs that wait. Whoever wrote them may have meant to
 * hide a command, too: what decides which code runs stays readable, and so do several words that are part of
 * the command that they are also given to as a variable, under a name that says nothing of a secret. Pure.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import { kindOfName } from '../../shared/secrets/names.ts';
import { secretsInArguments } from '../../shared/secrets/parts.ts';
import { secretsOf } from '../../shared/secrets/secrets-of.ts';
import { isWorthHiding } from '../../shared/secrets/worth-hiding.ts';
import { isDecisive, withoutReferences } from './program-text.ts';
import type { Written, WrittenProgram } from './written.ts';

/** Values that are looked for in the command line of their server. */
const MOST_WORDS = 100;

/**
 * @param servers of the configuration as it was read, those that run and those that wait.
 * @param written the same as the file has them, by name.
 * @param env of the gateway, for what is put in and handed on.
 */
export function waitingSecrets(
  servers: readonly ServerConfig[],
  written: ReadonlyMap<string, Written>,
  env: NodeJS.ProcessEnv,
): string[] {
  const names = new Set(servers.flatMap(({ name, prefix }) => [name, prefix]));
  const found = servers.flatMap((server) => {
    const program = written.get(server.name);
    if (program?.kind !== 'program') return secretsOf(server, env);
    const readable = new Set(readableIn(program, server.expanded, env));
    const secrets = secretsOf(server, env).filter((secret) => !readable.has(secret));
    return [...secrets, ...partlyWritten(program.args)];
  });
  return [...new Set(found)].filter((secret) => !names.has(secret));
}

/** Values as a whole: what is secret within one of them stays a secret. */
function readableIn(
  { command, args, cwd, env: variables }: WrittenProgram,
  expanded: ServerConfig['expanded'],
  env: NodeJS.ProcessEnv,
): string[] {
  // What a variable of the gateway stands for was not chosen by whoever wrote the file; a default was.
  const defaults = expanded.filter(({ name, value }) => env[name] !== value);
  const chosen = [...variables, ...defaults.map(({ name, value }) => [name, value] as const)];
  const decisive = chosen.filter(([name]) => isDecisive(name));
  const line = [command, cwd, ...args].join('\n');
  const words = chosen
    .filter(([name, value]) => kindOfName(name) !== 'secret' && /\s/.test(value))
    .slice(0, MOST_WORDS)
    .filter(([, value]) => line.includes(value));
  return [...decisive, ...words].map(([, value]) => value);
}

/** Secret arguments with a reference in them: the text around it is part of the secret. */
function partlyWritten(args: readonly string[]): string[] {
  return secretsInArguments(args)
    .map(({ value }) => value)
    .filter((value) => value.includes('${') && isWorthHiding(withoutReferences(value), 'secret'));
}
