/**
 * Follows a path as the system does, one name after the other with a look at each: through links, up
 * from where these lead, and on by name where nothing is there yet. Knows nothing of what is guarded but
 * what it is asked to watch for.
 */
import type { Entry } from './entry.ts';
import { type Lookups } from './lookups.ts';
import { isOwnName, MAX_NAME } from './own-name.ts';

/**
 * Linux follows 40, but programs that resolve links by themselves (`os.path.realpath` of Python) any number: of
 * a way through more than these it is not known where it leads.
 */
const MAX_LINKS = 256;
const NONE: Entry = { kind: 'none' };
const TOO_MANY_LINKS: Entry = { kind: 'unknown', code: 'ELOOP' };

export interface Walk {
  /** Where it leads; what is not there is appended by name. */
  readonly real: string;
  /** The names that were left when something was not there. */
  readonly missing: readonly string[];
  /** What is there; `none` when something is missing, `unknown` when nobody knows whether it is. */
  readonly entry: Entry;
  /** The directory in which the first of these is not; null where it is not known to be one. */
  readonly stopped: string | null;
  /** It leads through a directory that is watched for, or that has the gateway's own name. */
  readonly hit: boolean;
}

/** Where a walk begins. */
export interface Start {
  /** Real; '' is the root. */
  readonly path: string;
  readonly entry: Entry;
}

export const ROOT: Start = {
  path: '',
  entry: { kind: 'directory', dev: 0, ino: 0, links: 1, born: 0, changedAt: 0 },
};

/**
 * @param names of a path; `..` is followed as the system does.
 * @param watched whether a directory is one that is watched for, by its identity.
 * @returns null when lookups are to be fetched first.
 */
export function walk(
  start: Start,
  names: readonly string[],
  lookups: Lookups,
  watched: (directory: Entry) => boolean,
): Walk | null {
  const left = names.toReversed();
  let { path: at, entry } = start;
  let links = 0;
  let hit = false;
  /** Links that are being followed: where each is, and how many names are left behind it. */
  const within: Followed[] = [];
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    leaveLinks(within, left.length);
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = parentOf(at);
      continue;
    }
    hit ||= isOwnName(name);
    const path = `${at}/${name}`;
    const found = isImpossible(name) ? NONE : lookups.entry(path);
    if (found === null) return null;
    if (found.kind === 'unknown') {
      return { real: path, missing: [], stopped: null, entry: found, hit };
    }
    if (found.kind === 'none' || (found.kind === 'file' && left.length > 0)) {
      return endOf(at, name, left.toReversed(), { found, hit, linked: links > 0 });
    }
    if (found.kind === 'link') {
      links += 1;
      const isLoop = within.some(({ link }) => link === path);
      if (isLoop || links > MAX_LINKS) {
        const missing = [name, ...left.toReversed()];
        const nothing = isLoop ? NONE : TOO_MANY_LINKS;
        return { real: path, missing, stopped: null, entry: nothing, hit };
      }
      within.push({ link: path, left: left.length });
      if (found.target.startsWith('/')) at = '';
      left.push(...namesOf(found.target).reverse());
      continue;
    }
    at = path;
    entry = found;
    if (found.kind === 'directory') hit ||= watched(found);
  }
  return { real: at === '' ? '/' : at, missing: [], stopped: null, entry, hit };
}

interface Followed {
  readonly link: string;
  readonly left: number;
}

/** Links that are done with. */
function leaveLinks(within: Followed[], left: number): void {
  while (within.length > 0 && (within.at(-1)?.left ?? 0) > left) within.pop();
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The walk ends at `name` in the directory `at`. @param rest the names behind it. */
function endOf(
  at: string,
  name: string,
  rest: readonly string[],
  {
    found,
    hit,
    linked,
  }: { readonly found: Entry; readonly hit: boolean; readonly linked: boolean },
): Walk {
  const isMissing = found.kind === 'none';
  return {
    real: pathOf(resolveNames([...namesOf(`${at}/${name}`), ...rest])),
    missing: isMissing ? [name, ...rest] : rest,
    stopped: isMissing ? at : null,
    entry: NONE,
    // Names that a link leads to are nobody's prose.
    hit: hit || (linked && rest.some(isOwnName)),
  };
}

/** No file system has it. */
function isImpossible(name: string): boolean {
  return name.length > MAX_NAME || name.includes('\0');
}

export function namesOf(path: string): string[] {
  // Most strings of a call are no paths at all.
  if (!path.includes('/')) return path === '' || path === '.' ? [] : [path];
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

export function pathOf(names: readonly string[]): string {
  return `/${names.join('/')}`;
}

/** Without `..`, each of which takes back the name before it, whatever that leads to. */
export function resolveNames(names: readonly string[]): string[] {
  const kept: string[] = [];
  for (const name of names) {
    if (name === '..') kept.pop();
    else kept.push(name);
  }
  return kept;
}
