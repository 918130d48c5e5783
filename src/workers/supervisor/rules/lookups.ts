/**
 * What one check asks the file system, each thing once. Where that answers at once it is asked there and
 * then; what lies on a mount that may hold up the thread is noted, to be fetched before the check goes on.
 */
import fs, { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { errorCode } from '../../../shared/platform/errno.ts';
import type { Directory, Entry } from './entry.ts';
import type { Mounts } from './mounts.ts';
import type { OddNames } from './odd-names.ts';
import type { Rights } from './rights.ts';
import type { SlowLooks } from './slow-looks.ts';
import { meaningOf } from './unseen.ts';

/** What a supervisor's thread knows, for all checks of its server. */
export interface Looks {
  readonly mounts: Mounts;
  readonly slow: SlowLooks;
  readonly odd: OddNames;
}

const NONE: Entry = { kind: 'none' };
const NO_NAMES: readonly string[] = [];
/** Beyond it earlier answers are forgotten: a check may have any number of strings. */
const MAX_KEPT = 2048;

export class Lookups {
  readonly #mounts: Mounts;
  readonly #slow: SlowLooks;
  readonly #rights: Rights;
  readonly #pid: number | null;
  readonly #odd: OddNames;
  /** What was seen at once, in this turn. */
  readonly #entries = new Map<string, Entry>();
  /** What was fetched; it is asked for again when the check goes on. */
  readonly #fetched = new Map<string, Entry>();
  readonly #names = new Map<string, readonly string[] | 'unknown'>();
  readonly #fetchedNames = new Map<string, readonly string[] | 'unknown'>();
  /** What is to be fetched: the mount, and how. */
  readonly #wanted = new Map<
    string,
    { readonly mount: number; readonly look: () => Promise<void> }
  >();

  /** @param pid of the server; null while it has no process. */
  constructor({ mounts, slow, odd }: Looks, rights: Rights, pid: number | null) {
    this.#mounts = mounts;
    this.#slow = slow;
    this.#odd = odd;
    this.#rights = rights;
    this.#pid = pid;
  }

  /** @param path real but for its last part. @returns null when it is to be fetched first. */
  entry(path: string): Entry | null {
    const known = this.#self(path) ?? this.#entries.get(path) ?? this.#fetched.get(path);
    if (known !== undefined) return known;
    const mount = this.#mounts.slow(path);
    if (mount === 0) {
      const entry = this.#entryNow(path);
      this.#entries.set(path, entry);
      return entry;
    }
    const look = async () => void this.#fetched.set(path, await this.#entrySoon(path));
    this.#wanted.set(path, { mount, look });
    return null;
  }

  /** "Myself" is the server's own process. */
  #self(path: string): Entry | undefined {
    if (this.#pid === null || !path.endsWith('self')) return undefined;
    if (path === '/proc/self') return { kind: 'link', target: String(this.#pid) };
    if (path !== '/proc/thread-self') return undefined;
    return { kind: 'link', target: `${this.#pid}/task/${this.#pid}` };
  }

  /**
   * The names in a directory; none where it is closed to us: it is none of the gateway's own then.
   *
   * @returns null when they are to be fetched, `unknown` when nobody knows.
   */
  names(path: string): readonly string[] | 'unknown' | null {
    const known = this.#names.get(path) ?? this.#fetchedNames.get(path);
    if (known !== undefined) return known;
    const mount = this.#mounts.slow(path);
    if (mount === 0) {
      const names = namesNow(path);
      this.#names.set(path, names);
      return names;
    }
    const look = async () => {
      const names = await fs.promises.readdir(path).catch((error) => noNames(error, path));
      this.#fetchedNames.set(path, names);
    };
    this.#wanted.set(`${path}/`, { mount, look });
    return null;
  }

  /**
   * Names in a directory that a server may take for one that is not there.
   *
   * @param directory as it is now.
   * @returns null when they are to be fetched, `unknown` when nobody knows.
   */
  like(
    name: string,
    path: string,
    directory: Pick<Directory, 'dev' | 'ino' | 'changedAt'>,
  ): readonly string[] | 'unknown' | null {
    return this.#odd.like(name, path, directory, () => this.names(path));
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
    if (this.#fetched.size > MAX_KEPT) this.#fetched.clear();
  }

  /** Time has passed since the last question: what was there or not may have changed. */
  nextTurn(): void {
    this.#entries.clear();
    this.#names.clear();
  }

  #entryNow(path: string): Entry {
    try {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return NONE;
      return stats.isSymbolicLink() ? { kind: 'link', target: readlinkSync(path) } : entryOf(stats);
    } catch (error) {
      return this.#refused(error, path);
    }
  }

  async #entrySoon(path: string): Promise<Entry> {
    try {
      const stats = await fs.promises.lstat(path);
      return stats.isSymbolicLink()
        ? { kind: 'link', target: await fs.promises.readlink(path) }
        : entryOf(stats);
    } catch (error) {
      return this.#refused(error, path);
    }
  }

  /** What is closed to us is closed to a server with our rights. */
  #refused(error: unknown, path: string): Entry {
    const code = errorCode(error);
    if (code === '') throw error;
    const meaning = meaningOf(code, path);
    const isNothing = meaning === 'nothing' || (meaning === 'closed' && !this.#rights.exceedOurs());
    return isNothing ? NONE : { kind: 'unknown', code };
  }
}

function entryOf(stats: Stats): Entry {
  const { dev, ino, nlink: links, birthtimeMs: born, ctimeMs: changedAt } = stats;
  return { kind: stats.isDirectory() ? 'directory' : 'file', dev, ino, links, born, changedAt };
}

function namesNow(path: string): readonly string[] | 'unknown' {
  try {
    return readdirSync(path);
  } catch (error) {
    return noNames(error, path);
  }
}

function noNames(error: unknown, path: string): readonly string[] | 'unknown' {
  const code = errorCode(error);
  if (code === '') throw error;
  return meaningOf(code, path) === 'unknown' ? 'unknown' : NO_NAMES;
}
