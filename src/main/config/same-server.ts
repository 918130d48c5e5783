/** Whether two entries, of different files, start or reach the same server in the same way. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Draft, DraftServer } from './draft.ts';
import { type Dialect, hasReference, toRegistryText } from './variables.ts';

/** What a server is, in the words of a registry: not how it is called, what of it is offered, or how long it may take. */
export interface Launched {
  /** The program and its arguments, or the address. */
  readonly words: readonly string[];
  readonly isAddress: boolean;
  /** Variables, or headers. */
  readonly values: Readonly<Record<string, string>>;
  /** Directory, file of variables, and names that are handed on. */
  readonly rest: readonly (string | null)[];
}

/** @param dialect of the file that it is from. @param folder what `${workspaceFolder}` stands for, absolute. */
export function launchedOf(server: DraftServer, dialect: Dialect, folder: string): Launched {
  const own = (text: string) => (dialect === 'client' ? toRegistryText(text, folder) : text);
  const { endpoint, command, args, options } = server;
  const { env = {}, cwd, env_file: file, env_passthrough: passed = [] } = options;
  const values = Object.entries(endpoint === null ? env : endpoint.headers);
  return {
    words: (endpoint === null ? [command, ...args] : [endpoint.url]).map(own),
    isAddress: endpoint !== null,
    values: Object.fromEntries(values.map(([name, value]) => [name, own(value)])),
    rest: [
      cwd === undefined ? null : own(cwd),
      file === undefined ? null : own(file),
      ...passed.toSorted(),
    ],
  };
}

export function isSame(one: Launched, other: Launched): boolean {
  return isDeepStrictEqual(one, other);
}

/** Those of a configuration that are to be started. @param folder absolute directory that rea serves. */
export function launchedIn(draft: Draft, folder: string): Launched[] {
  const isOn = ({ options }: DraftServer) => options.enabled ?? draft.defaults.enabled ?? true;
  return draft.servers
    .filter((server) => isOn(server) && server.unavailable === null)
    .map((server) => launchedOf(server, draft.dialect, folder));
}

/**
 * Whether a registry's server does what a client's does. Where the registry has a reference to a variable, the
 * client's text may be anything: that is where a person has put a secret that was written out.
 */
export function standsFor(registry: Launched, client: Launched): boolean {
  const fits = (text: string | undefined, other: string | undefined) => {
    if (text === undefined || other === undefined) return text === other;
    return text === other || hasReference(text, 'registry');
  };
  const names = new Set([...Object.keys(registry.values), ...Object.keys(client.values)]);
  return (
    registry.isAddress === client.isAddress &&
    registry.words.length === client.words.length &&
    registry.words.every((word, at) => fits(word, client.words[at])) &&
    [...names].every((name) => fits(registry.values[name], client.values[name])) &&
    isDeepStrictEqual(registry.rest, client.rest)
  );
}
