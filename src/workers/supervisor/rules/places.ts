/**
 * The guarded places as they are now: where their paths lead, and which directories and files they are.
 * A directory that was moved is known by its identity, and so is one that is seen in a second place.
 * Looks again once a second; between two looks nobody but the person at the machine can move them.
 */
import type { GuardedPlaces } from '../../../shared/model/guarded.ts';
import type { Entry, Lookups } from './lookups.ts';
import { fold } from './own-name.ts';
import { namesOf, ROOT, walk } from './walk.ts';

const REFRESH_MS = 1000;
/** Identities of directories that are not where they were. */
const MAX_FORMER = 32;

interface Place {
  readonly path: string;
  readonly names: readonly string[];
  /** Folded, each with a slash at its end: as it is given, and where it leads. */
  readonly spelled: readonly [string, string];
  readonly real: string;
  readonly entry: Entry;
}

export class Places {
  readonly #lookups: () => Lookups;
  #directories: readonly Place[];
  #files: readonly Place[];
  #former: readonly Entry[] = [];
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(
    { directories, files }: Pick<GuardedPlaces, 'directories' | 'files'>,
    lookups: () => Lookups,
  ) {
    this.#lookups = lookups;
    this.#directories = directories.map(unseen);
    this.#files = files.map(unseen);
  }

  /** @returns whether it has looked again. @param now monotonic ms. */
  refresh(now: number): boolean {
    if (now - this.#lookedAt < REFRESH_MS) return false;
    this.#lookedAt = now;
    void this.#look(this.#lookups());
    return true;
  }

  /** At once where that is possible; until then, or when nothing answers, things are as they were. */
  async #look(lookups: Lookups): Promise<void> {
    const before = this.#directories;
    this.#directories = before.map((place) => seen(place, lookups));
    this.#files = this.#files.map((place) => seen(place, lookups));
    const moved = before.filter(({ entry }, at) => !isSame(entry, this.#directories[at]?.entry));
    const gone = moved.map(({ entry }) => entry).filter(({ kind }) => kind === 'directory');
    if (gone.length > 0) this.#former = [...gone, ...this.#former].slice(0, MAX_FORMER);
    if (lookups.wanting && (await lookups.fetch())) await this.#look(lookups);
  }

  /** The guarded directory that the path is, or lies in, by its name alone; null: none. */
  covering(path: string): string | null {
    const spelled = `${fold(path)}/`;
    for (const place of this.#directories) {
      if (place.spelled.some((prefix) => spelled.startsWith(prefix))) return place.path;
    }
    return null;
  }

  /** Folded names that follow these prefixes on the way to a guarded place. @param prefixes folded, each with a slash at its end. */
  towards(prefixes: readonly string[]): ReadonlySet<string> {
    const spelled = [...this.#directories, ...this.#files].flatMap((place) => place.spelled);
    const below = spelled.flatMap((path) =>
      prefixes.flatMap((prefix) => (path.startsWith(prefix) ? path.slice(prefix.length) : [])),
    );
    return new Set(below.flatMap((rest) => rest.split('/', 1)));
  }

  /** Whether it is one of the guarded directories, wherever it was found. */
  isDirectory(entry: Entry): boolean {
    if (entry.kind !== 'directory') return false;
    for (const place of this.#directories) if (isSame(place.entry, entry)) return true;
    // A number may be used again by a directory that was made later.
    return this.#former.some((old) => isSame(old, entry) && bornOf(old) === bornOf(entry));
  }

  /** The guarded file that it is, by name or by identity; null: none. */
  file(path: string, entry: Entry): string | null {
    const spelled = `${fold(path)}/`;
    for (const place of this.#files) {
      if (place.spelled.includes(spelled)) return place.path;
      if (entry.kind === 'file' && isSame(place.entry, entry)) return place.path;
    }
    return null;
  }

  /** Where the guarded directories are that may hold a file with another name elsewhere on this device. */
  on(device: number): readonly string[] {
    return this.#directories.flatMap(({ entry, real }) =>
      entry.kind === 'directory' && entry.dev === device ? [real] : [],
    );
  }
}

export function isSame(one: Entry, other: Entry | undefined): boolean {
  if (other === undefined || one.kind !== other.kind) return false;
  if (one.kind !== 'directory' && one.kind !== 'file') return false;
  if (other.kind !== 'directory' && other.kind !== 'file') return false;
  return one.dev === other.dev && one.ino === other.ino;
}

function bornOf(entry: Entry): number {
  return entry.kind === 'directory' || entry.kind === 'file' ? entry.born : 0;
}

function unseen(path: string): Place {
  const spelled = `${fold(path)}/`;
  const entry = { kind: 'none' } as const;
  return { path, names: namesOf(path), spelled: [spelled, spelled], real: path, entry };
}

/** As before, where it cannot be told at once. */
function seen(place: Place, lookups: Lookups): Place {
  const now = walk(ROOT, place.names, lookups, () => false);
  if (now === null) return place;
  const spelled = [place.spelled[0], `${fold(now.real)}/`] as const;
  return { ...place, spelled, real: now.real, entry: now.entry };
}
