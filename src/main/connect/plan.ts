/**
 * What connecting or disconnecting changes in the file of a client: rea's entry, what its user is asked for, and
 * the servers that rea serves in place of the client. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../shared/model/is-object.ts';
import { readEntry } from '../config/clients/entry.ts';
import type { EntryValue, KnownClient } from '../config/clients/known/client.ts';
import { type FoundEntry, findLists } from '../config/clients/lists.ts';
import { readClientFile } from '../config/clients/read.ts';
import { KEYS } from '../config/clients/words.ts';
import type { ConfigDocument } from '../config/document.ts';
import type { DraftServer } from '../config/draft.ts';
import type { Change } from '../config/edit/change.ts';
import { formatPath, type Path } from '../config/problem.ts';
import { type LaunchedServer, launchedOf, standsFor } from '../config/same-server.ts';
import { OWN_NAME, type OwnEntry, ownEntry } from './own-entries.ts';

/** Keys of an entry that say how rea is reached, or that it is off. All others are kept. */
const REPLACED = new Set<string>([
  ...KEYS.type,
  ...KEYS.command,
  ...KEYS.args,
  ...KEYS.url,
  ...KEYS.headers,
  ...KEYS.off,
  ...KEYS.on,
  'requestOptions',
  'bearer_token_env_var',
]);

/** What a client's file says about rea and other servers. */
export interface Contents {
  readonly document: ConfigDocument;
  /** Entries that start or reach rea, for whatever directory. */
  readonly own: readonly OwnEntry[];
  /** Those of them that are for this directory, or reach rea over HTTP. */
  readonly here: readonly OwnEntry[];
  /** An entry of another server, or of none, that has rea's name. */
  readonly clash: FoundEntry | null;
  /** All others that can be read. */
  readonly others: readonly DraftServer[];
  /** Names of `others` as they are in the file. */
  readonly names: ReadonlyMap<DraftServer, string>;
}

/**
 * @param cwd absolute directory that rea serves. @param self path of this program.
 * @param isProject true: it is a file of that directory.
 */
export function contentsOf(
  document: ConfigDocument,
  cwd: string,
  self: string,
  isProject = false,
): Contents {
  const lists = findLists(document.value, cwd);
  if (lists === null) {
    return { document, own: [], here: [], clash: null, others: [], names: new Map() };
  }
  const own = lists.entries.flatMap((entry): OwnEntry[] => {
    const read = readEntry(entry);
    const found =
      read.kind === 'none' ? null : ownEntry(entry, read.server, self, isProject ? cwd : null);
    return found === null ? [] : [found];
  });
  const here = own.filter(({ server, directory }) => server.endpoint !== null || directory === cwd);
  const { servers, renames } = readClientFile(document, lists, self);
  const ownPaths = own.map(({ path }) => formatPath(path));
  const isOwn = (path: Path) => ownPaths.includes(formatPath(path));
  const others = servers.filter(({ path }) => !isOwn(path));
  const clash = lists.entries.find(({ name, path }) => name === OWN_NAME && !isOwn(path)) ?? null;
  const before = new Map(renames.map(({ from, to }) => [to, from]));
  const names = new Map(others.map((server) => [server, before.get(server.name) ?? server.name]));
  return { document, own, here, clash, others, names };
}

/** The servers of a client that a registry serves too. @param registry enabled ones. */
export function servedBy(
  { others }: Contents,
  registry: readonly LaunchedServer[],
  cwd: string,
): DraftServer[] {
  return others.filter((server) => {
    if (server.options.enabled === false) return false;
    const launched = launchedOf(server, 'client', cwd);
    return registry.some((one) => standsFor(one.launched, launched));
  });
}

/** @returns the changes, in the order to make them; or one line that says why rea cannot be connected, without the file. */
export function connecting(
  client: KnownClient,
  contents: Contents,
  entry: EntryValue,
  options: {
    readonly isHttp: boolean;
    readonly taken: readonly DraftServer[];
  },
): readonly Change[] | string {
  const { own, here, clash, document } = contents;
  const { isHttp, taken } = options;
  // An entry of another name that is for another directory is left to that.
  const present = here[0] ?? own.find(({ name }) => name === OWN_NAME);
  const list = [client.list];
  if (present === undefined && clash !== null) {
    const what = isObject(clash.value) ? 'another server' : 'no entry of a server';
    return `${formatPath(clash.path)} is ${what}: give it another name there, then run this again`;
  }
  const removed: Path[] = taken.map(({ path }) => path);
  const added: Change[] = [];
  const value = { ...keptOf(present), ...entry };
  const written = present === undefined ? undefined : valueAt(document.value, present.path);
  if (!isDeepStrictEqual(written, value)) {
    const isNamed = typeof present?.path.at(-1) === 'string';
    if (present !== undefined && !isNamed) removed.push(present.path);
    const path = isNamed ? present.path.slice(0, -1) : list;
    const name = client.isArray ? null : ((isNamed ? present.name : null) ?? OWN_NAME);
    added.push({ kind: 'add', path, name, value });
  }
  return [...removals(removed), ...added, ...(isHttp ? asking(client, document.value) : [])];
}

/** Of this directory alone: what starts rea for another one stays. */
export function disconnecting(
  client: KnownClient,
  { here, document }: Contents,
): readonly Change[] {
  const inputs = isObject(document.value) ? document.value['inputs'] : undefined;
  const at = Array.isArray(inputs) ? inputs.findIndex((one) => isInput(client, one)) : -1;
  const asked = at < 0 || here.length === 0 ? [] : [['inputs', at]];
  return removals([...here.map(({ path }) => path), ...asked]);
}

/** The last one of a list first: the places of the others stay as they are. */
function removals(paths: readonly Path[]): Change[] {
  const index = (path: Path) => (typeof path.at(-1) === 'number' ? Number(path.at(-1)) : -1);
  return paths
    .toSorted((one, other) => index(other) - index(one))
    .map((path) => ({ kind: 'remove', path }));
}

function keptOf(present: FoundEntry | undefined): Readonly<Record<string, unknown>> {
  if (!isObject(present?.value)) return {};
  return Object.fromEntries(Object.entries(present.value).filter(([key]) => !REPLACED.has(key)));
}

function asking(client: KnownClient, value: unknown): Change[] {
  if (client.input === null) return [];
  const inputs = isObject(value) ? value['inputs'] : undefined;
  if (Array.isArray(inputs) && inputs.some((one) => isInput(client, one))) return [];
  return [{ kind: 'add', path: ['inputs'], name: null, value: client.input.value }];
}

function isInput({ input }: KnownClient, value: unknown): boolean {
  return input !== null && isObject(value) && value['id'] === input.id;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, step) => {
    return typeof at === 'object' && at !== null
      ? (at as Record<string | number, unknown>)[step]
      : undefined;
  }, value);
}
