/**
 * What one check asks the file system, each thing once. Where that answers at once it is asked there and
 * then; what lies on a mount that may hold up the thread is noted, to be fetched before the check goes on.
 */
import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { errorCode } from '../../../shared/platform/errno.ts';
import type { Mounts } from './mounts.ts';
import type { SlowLooks } from './slow-looks.ts';

export type Entry =
  | { readonly kind: 'none' }
  | { readonly kind: 'link'; readonly target: string }
  | {
      readonly kind: 'directory' | 'file';
      readonly dev: number;
      readonly ino: number;
      /** Names that it has. */
      readonly links: number;
      /** Milliseconds; 0 or nonsense on old systems. */
      readonly born: number;
    };

const NONE: Entry = { kind: 'none' };
const NO_NAMES: readonly string[] = [];
/** Beyond it earlier answers are forgotten: a check may have any number of strings. */
const MAX_KEPT = 2048;

export class Lookups {
  readonly #mounts: Mounts;
  readonly #slow: SlowLooks;
  readonly #entries = new Map<string, Entry>();
  readonly #names = new Map<string, readonly string[]>();
  /** What is to be fetched: the mount, and how. */
  readonly #wanted = new Map<
    string,
    { readonly mount: number; readonly look: () => Promise<void> }
  >();

  constructor(mounts: Mounts, slow: SlowLooks) {
    this.#mounts = mounts;
    this.#slow = slow;
  }

  /** @param path real but for its last part. @returns null when it is to be fetched first. */
  entry(path: string): Entry | null {
    const known = this.#entries.get(path);
    if (known !== undefined) return known;
    const mount = this.#mounts.slow(path);
    if (mount === 0) return this.#keep(path, entryNow(path));
    const look = async () => void this.#entries.set(path, await entrySoon(path));
    this.#wanted.set(path, { mount, look });
    return null;
  }

  /** The names in a directory; none when it cannot be read. @returns null when they are to be fetched. */
  names(path: string): readonly string[] | null {
    const known = this.#names.get(path);
    if (known !== undefined) return known;
    const mount = this.#mounts.slow(path);
    if (mount === 0) {
      const names = unlessRefused(NO_NAMES, () => readdirSync(path));
      this.#names.set(path, names);
      return names;
    }
    const look = async () => {
      this.#names.set(path, await readdir(path).catch((error) => refused(error, NO_NAMES)));
    };
    this.#wanted.set(`${path}/`, { mount, look });
    return null;
  }

  /** Whether something is to be fetched. */
  get wanting(): boolean {
    return this.#wanted.size > 0;
  }

  /** Fetches it. @returns false when a mount does not answer in time. */
  async fetch(): Promise<boolean> {
    const wanted = [...this.#wanted.values()];
    this.#wanted.clear();
    const done = await Promise.all(wanted.map(({ mount, look }) => this.#slow.look(mount, look)));
    return done.every(Boolean);
  }

  /** Called between two strings of which the first is dealt with. */
  forgetSome(): void {
    if (this.#entries.size > MAX_KEPT) this.#entries.clear();
  }

  #keep(path: string, entry: Entry): Entry {
    // There may be any number of names that are not there, and hardly one is asked for twice.
    if (entry !== NONE) this.#entries.set(path, entry);
    return entry;
  }
}

function entryNow(path: string): Entry {
  return unlessRefused<Entry>(NONE, () => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return NONE;
    return stats.isSymbolicLink() ? { kind: 'link', target: readlinkSync(path) } : entryOf(stats);
  });
}

async function entrySoon(path: string): Promise<Entry> {
  try {
    const stats = await lstat(path);
    return stats.isSymbolicLink() ? { kind: 'link', target: await readlink(path) } : entryOf(stats);
  } catch (error) {
    return refused(error, NONE);
  }
}

function entryOf(stats: Stats): Entry {
  const { dev, ino, nlink: links, birthtimeMs: born } = stats;
  return { kind: stats.isDirectory() ? 'directory' : 'file', dev, ino, links, born };
}

function unlessRefused<T>(otherwise: T, look: () => T): T {
  try {
    return look();
  } catch (error) {
    return refused(error, otherwise);
  }
}

/** What the system does not show us is as good as not there: its name still counts. */
function refused<T>(error: unknown, otherwise: T): T {
  if (errorCode(error) === '') throw error;
  return otherwise;
}
