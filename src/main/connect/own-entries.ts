/**
 * Which entries of a client's file are rea's own, to be written anew or taken out: only those whose program is rea
 * and is told to serve. What merely has its name in it is somebody's server. Pure.
 */
import { isAbsolute, resolve } from 'node:path';
import type { ReadEntry } from '../config/clients/entry.ts';
import type { FoundEntry } from '../config/clients/lists.ts';
import { toRegistryText } from '../config/variables.ts';

/** The name of rea's entry, and the last part of its address. */
export const OWN_NAME = 'rea';
const OWN_ADDRESS = /^https?:\/\/(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::\d+)?\/mcp\/?$/;
const PACKAGE = /^(?:rea|rea-gateway|@bookedsolid\/rea)(?:@[^\s/\\]+)?$/;
const LAUNCHERS = /^(?:npx|bunx|pnpx)$/;
const RUNTIMES = /^(?:node|nodejs|bun)$/;
/** Where another copy of it lies; its entries also say which directory they are for. */
const COPY = /[/\\]rea(?:-gateway)?[/\\]dist[/\\]main[/\\]index\.js$/;
/** Options before the program that take the next word. */
const WITH_VALUE = new Set(['-p', '--package', '-r', '--require', '--import', '--loader']);
const OF_SERVE = new Set(['--cwd', '--config']);

/** An entry that starts or reaches rea. */
export interface OwnEntry extends FoundEntry {
  readonly server: ReadEntry;
  /** Absolute directory that it is for; null: it does not say, or a client decides. */
  readonly directory: string | null;
}

/** @param self path of this program. @param folder directory of a project whose own file it is in, absolute, or null. */
export function ownEntry(
  entry: FoundEntry,
  server: ReadEntry,
  self: string,
  folder: string | null,
): OwnEntry | null {
  const { endpoint } = server;
  if (endpoint !== null) {
    const isOwn = entry.name === OWN_NAME && OWN_ADDRESS.test(endpoint.url);
    return isOwn ? { ...entry, server, directory: null } : null;
  }
  const words = ownWords(server, self);
  if (words === null) return null;
  return { ...entry, server, directory: directoryOf(words, folder) };
}

/** What stands behind the name of rea, if that is what is started, and it serves. */
function ownWords({ command, args }: ReadEntry, self: string): readonly string[] | null {
  const program = baseOf(command);
  const isDirect = PACKAGE.test(program) || command === self;
  const at = isDirect ? -1 : firstPlain(args);
  const named = args[at] ?? '';
  const own = args.slice(at + 1);
  const isOwn =
    isDirect ||
    (LAUNCHERS.test(program) && PACKAGE.test(named)) ||
    (RUNTIMES.test(program) && (named === self || (COPY.test(named) && own.includes('--cwd'))));
  return isOwn && own[firstPlain(own, OF_SERVE)] === 'serve' ? own : null;
}

/** The index of the first word that is neither an option nor its value; the number of words if there is none. */
function firstPlain(words: readonly string[], withValue = WITH_VALUE): number {
  const at = words.findIndex((word, index) => {
    return !word.startsWith('-') && !withValue.has(words[index - 1] ?? '');
  });
  return at < 0 ? words.length : at;
}

function directoryOf(words: readonly string[], folder: string | null): string | null {
  const at = words.findIndex((word) => word === '--cwd' || word.startsWith('--cwd='));
  if (at < 0) return folder;
  const word = words[at] ?? '';
  const written = word === '--cwd' ? (words[at + 1] ?? '') : word.slice('--cwd='.length);
  if (folder !== null) return resolve(folder, toRegistryText(written, folder));
  return isAbsolute(written) ? resolve(written) : null;
}

function baseOf(path: string): string {
  return (path.split(/[/\\]/).at(-1) ?? '').replace(/\.(?:cmd|exe)$/i, '');
}
