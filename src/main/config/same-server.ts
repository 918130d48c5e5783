/** Whether two entries, of different files, start or reach the same server in the same way. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Draft, DraftServer } from './draft.ts';
import { type Dialect, literalParts, toRegistryText } from './variables.ts';

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

/** A server of a configuration, by its name. */
export interface LaunchedServer {
  readonly name: string;
  readonly launched: Launched;
}

/** Those of a configuration that are to be started. @param folder absolute directory that rea serves. */
export function launchedServers(draft: Draft, folder: string): LaunchedServer[] {
  const isOn = ({ options }: DraftServer) => options.enabled ?? draft.defaults.enabled ?? true;
  return draft.servers
    .filter((server) => isOn(server) && server.unavailable === null)
    .map((server) => ({
      name: server.name,
      launched: launchedOf(server, draft.dialect, folder),
    }));
}

/**
 * Whether a registry's server does what a client's does. Where the registry has a reference to a variable, a person
 * may have put a secret that was written out: there the client's text may be anything, and around it must be the
 * same. A reference never stands for the program or the host of an address: these say what a server is.
 */
export function standsFor(registry: Launched, client: Launched): boolean {
  const names = new Set([...Object.keys(registry.values), ...Object.keys(client.values)]);
  return (
    registry.isAddress === client.isAddress &&
    registry.words.length === client.words.length &&
    registry.words.every((word, at) => {
      const other = client.words[at] ?? '';
      if (at > 0) return fits(word, other);
      return word === other || (registry.isAddress && isSamePlace(word, other));
    }) &&
    [...names].every((name) => {
      const [text, other] = [registry.values[name], client.values[name]];
      return text === undefined || other === undefined ? text === other : fits(text, other);
    }) &&
    isDeepStrictEqual(registry.rest, client.rest)
  );
}

/** Scheme, what stands before the host, the host with its port, and all behind it. */
const ADDRESS = /^([a-z][a-z0-9+.-]*:\/\/)(?:([^/?#\\]*)@)?([^/?#\\@]*)([/?#].*)?$/is;

function isSamePlace(registry: string, client: string): boolean {
  const [, scheme, user = '', host = '', rest = ''] = ADDRESS.exec(registry) ?? [];
  const [, otherScheme, otherUser = '', otherHost, otherRest = ''] = ADDRESS.exec(client) ?? [];
  if (scheme === undefined || host.includes('${')) return false;
  return (
    scheme === otherScheme && host === otherHost && fits(user, otherUser) && fits(rest, otherRest)
  );
}

/** Whether a text is a registry's one, with something in place of each reference. */
function fits(text: string, other: string): boolean {
  if (text === other) return true;
  const parts = literalParts(text, 'registry');
  const [first = ''] = parts;
  const last = parts.at(-1) ?? '';
  if (parts.length < 2 || !other.startsWith(first)) return false;
  // The earliest place of each part leaves the most to those behind it.
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = other.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at + last.length <= other.length && other.endsWith(last);
}
