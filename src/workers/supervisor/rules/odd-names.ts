/**
 * Names in a directory that some servers take for another one: the reference file server opens what is written
 * in another form of Unicode when there is nothing of the exact name (`e` and an accent for `é`, the sign of
 * Kelvin for `K`). Listings are kept for as long as it is certain that nothing has come; most are empty.
 */

import { fold } from '../../../shared/text/fold.ts';
import type { Directory } from './entry.ts';
import { SETTLED_MS } from './settled.ts';

/** Of all listings together. */
const MAX_NAMES = 16_384;
const MAX_LISTINGS = 256;
const PLAIN = /^[\0-\x7f]*$/;
const NONE: readonly string[] = [];

interface Listing {
  readonly dev: number;
  readonly ino: number;
  readonly changedAt: number;
  /** By what they may be taken for. */
  readonly names: ReadonlyMap<string, readonly string[]>;
}

export class OddNames {
  readonly #listings = new Map<string, Listing>();
  #count = 0;

  /**
   * Those that may be taken for `name`.
   *
   * @param directory as it is now.
   * @param list its names; what is no list is returned.
   */
  like<T>(
    name: string,
    path: string,
    directory: Pick<Directory, 'dev' | 'ino' | 'changedAt'>,
    list: () => readonly string[] | T,
  ): readonly string[] | T {
    const known = this.#listings.get(path);
    const isSame =
      known?.dev === directory.dev &&
      known.ino === directory.ino &&
      known.changedAt === directory.changedAt;
    if (isSame) return likeIn(known.names, name);
    const all = list();
    if (!isList(all)) return all;
    const names = oddOnes(all);
    this.#keep(path, { ...directory, names });
    return likeIn(names, name);
  }

  #keep(path: string, { dev, ino, changedAt, names }: Listing): void {
    if (Date.now() - changedAt <= SETTLED_MS || names.size > MAX_NAMES) return;
    this.#count += names.size;
    if (this.#count > MAX_NAMES || this.#listings.size >= MAX_LISTINGS) {
      this.#listings.clear();
      this.#count = names.size;
    }
    this.#listings.set(path, { dev, ino, changedAt, names });
  }
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}

function oddOnes(all: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of all) {
    if (PLAIN.test(name)) continue;
    const others = found.get(fold(name));
    if (others === undefined) found.set(fold(name), [name]);
    else others.push(name);
  }
  return found;
}

function likeIn(names: Listing['names'], name: string): readonly string[] {
  return names.size === 0 ? NONE : (names.get(fold(name)) ?? NONE);
}
