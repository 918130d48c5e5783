/**
 * The guarded places as they are now: where their paths lead, and which directories and files they are.
 * A directory that was moved is known by its identity, and so is one that is seen in a second place; that is
 * kept for all threads and servers of the run. Looks again once a second; between two looks nobody but
 * the person at the machine can make another one.
 */
import { dirname } from 'node:path';
import type { KnownAs, KnownPlaces } from '../../../shared/memory/known-places.ts';
import type { GuardedPlaces } from '../../../shared/model/guarded.ts';
import { fold } from '../../../shared/text/fold.ts';
import type { Entry } from './entry.ts';
import type { Lookups } from './lookups.ts';
import { namesOf, ROOT, walk } from './walk.ts';

const REFRESH_MS = 1000;
const NO_FILES: readonly string[] = [];

interface Place {
  readonly path: string;
  readonly names: readonly string[];
  /** Folded, each with a slash at its end: as it is given, and where it leads. */
  readonly spelled: readonly [string, string];
  readonly real: string;
  readonly entry: Entry;
}

export class Places {
  readonly #known: KnownPlaces;
  readonly #lookups: () => Lookups;
  #directories: readonly Place[];
  #files: readonly Place[];
  /** Folded: as they are given, and where they lead. */
  #fileNames: ReadonlyMap<string, readonly string[]>;
  /** Of the files, those that may not be read either. */
  readonly #secrets: ReadonlySet<string>;
  /** Where the files lie. */
  #holders: readonly Place[];
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(
    { directories, files, secretFiles }: Omit<GuardedPlaces, 'cwd'>,
    known: KnownPlaces,
    lookups: () => Lookups,
  ) {
    this.#known = known;
    this.#lookups = lookups;
    this.#directories = directories.map(unseen);
    this.#files = [...files, ...secretFiles].map(unseen);
    this.#secrets = new Set(secretFiles);
    this.#holders = holdersOf(this.#files);
    this.#fileNames = namesOfFiles(this.#files);
  }

  /** @returns whether it has looked again. @param now monotonic ms. */
  refresh(now: number): boolean {
    if (now - this.#lookedAt < REFRESH_MS) return false;
    this.#lookedAt = now;
    void this.#look(this.#lookups());
    return true;
  }

  /** The next refresh looks again, however soon: somebody goes for them. */
  lookAgain(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  /** At once where that is possible; until then, or when nothing answers, things are as they were. */
  async #look(lookups: Lookups): Promise<void> {
    const see = (place: Place) => seen(place, lookups);
    this.#directories = this.#directories.map(see);
    this.#files = this.#files.map(see);
    this.#fileNames = namesOfFiles(this.#files);
    this.#holders = holdersOf(this.#files).map(see);
    for (const { entry } of this.#directories) this.#learn('guarded', entry);
    for (const { entry } of this.#holders) this.#learn('holder', entry);
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
    return this.#known.has('guarded', entry);
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

  /** The guarded files that have this name. */
  filesCalled(name: string): readonly string[] {
    return this.#fileNames.get(fold(name)) ?? NO_FILES;
  }

  /** Whether the guarded file may not be read either. */
  isSecret(file: string): boolean {
    return this.#secrets.has(file);
  }

  /** Whether guarded files lie in it, or lay in it before it was moved. */
  isHolder(entry: Entry): boolean {
    if (entry.kind !== 'directory') return false;
    for (const place of this.#holders) if (isSame(place.entry, entry)) return true;
    return this.#known.has('holder', entry);
  }

  #learn(as: KnownAs, entry: Entry): void {
    if (entry.kind === 'directory') this.#known.add(as, entry);
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

/** The directories of files, as these are given and where they lead. */
function holdersOf(files: readonly Place[]): Place[] {
  const paths = files.flatMap(({ path, real }) => [dirname(path), dirname(real)]);
  return [...new Set(paths)].map(unseen);
}

/** The files by their names: as they are given and where they lead. */
function namesOfFiles(files: readonly Place[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const { path, spelled } of files) {
    for (const name of new Set(spelled.map(nameOf))) {
      names.set(name, [...(names.get(name) ?? []), path]);
    }
  }
  return names;
}

/** @param path with a slash at its end. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/', path.length - 2) + 1, -1);
}

function unseen(path: string): Place {
  const spelled = `${fold(path)}/`;
  const entry = { kind: 'none' } as const;
  return { path, names: namesOf(path), spelled: [spelled, spelled], real: path, entry };
}

/** As before, where it cannot be told, or not at once. */
function seen(place: Place, lookups: Lookups): Place {
  const now = walk(ROOT, place.names, lookups, () => false);
  if (now === null || now.entry.kind === 'unknown') return place;
  const spelled = [place.spelled[0], `${fold(now.real)}/`] as const;
  return { ...place, spelled, real: now.real, entry: now.entry };
}
