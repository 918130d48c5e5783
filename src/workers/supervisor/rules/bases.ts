/**
 * The directories that a server may begin at with a relative path: where it was started and where it
 * is now, where the gateway works, the directories that its arguments and variables name, and the roots that
 * clients tell it.
 */
import { resolve } from 'node:path';
import type { ServerConfig } from '../../../shared/model/config.ts';
import { fold } from '../../../shared/text/fold.ts';
import { Absent } from './absent.ts';
import type { Lookups } from './lookups.ts';
import type { Mounts } from './mounts.ts';
import { isSame, type Places } from './places.ts';
import type { Base } from './string-judge.ts';
import { meaningOf } from './unseen.ts';
import { namesOf, pathOf, ROOT, type Walk, walk } from './walk.ts';

/** Those of its configuration, and with the roots that clients tell. Each that is there costs a look for each call. */
const MAX_CONFIGURED = 64;
const MAX_BASES = 128;
const MAX_PATH = 4096;

export class Bases {
  readonly #mounts: Mounts;
  readonly #paths = new Set<string>();
  /** Kept from one refresh to the next for what it knows. */
  readonly #absent = new Map<string, Absent>();
  /** They lead to different directories. */
  #bases: readonly Base[] = [];

  constructor(paths: readonly string[], mounts: Mounts) {
    this.#mounts = mounts;
    for (const path of paths) this.add(path);
  }

  /** It runs, and may go elsewhere, or be where nothing has its old name any more. */
  follow(pid: number): void {
    // Only Linux tells where a process is.
    this.#paths.add(`/proc/${pid}/cwd`);
  }

  /** The next refresh takes it in. @returns whether it is new. */
  add(path: string): boolean {
    const plain = pathOf(namesOf(path));
    const isNew = path.startsWith('/') && path.length <= MAX_PATH && !this.#paths.has(plain);
    if (isNew && this.#paths.size < MAX_BASES) this.#paths.add(plain);
    return isNew;
  }

  /** Once for each check. @param again whether to look where they are, also if nothing has changed. */
  refresh(again: boolean, places: Places, lookups: Lookups): readonly Base[] {
    if (!again && this.#areWhereTheyWere()) return this.#bases;
    const all = [...this.#paths].flatMap((path) => this.#base(path, places, lookups) ?? []);
    // Most often the process is where it was started: one of the two is enough, as long as that stays there.
    this.#bases = all.filter((base, at) => {
      return !all.slice(0, at).some((earlier) => leadSame(base, earlier));
    });
    this.#areWhereTheyWere();
    return this.#bases;
  }

  #areWhereTheyWere(): boolean {
    let are = true;
    for (const { absent, start } of this.#bases) {
      absent?.refresh();
      if (start !== null && absent?.is(start.entry) === false) are = false;
    }
    return are;
  }

  /** Null: it is no directory. */
  #base(path: string, places: Places, lookups: Lookups): Base | null {
    const names = namesOf(path);
    const way = walk(ROOT, names, lookups, (entry) => places.isDirectory(entry));
    const real = way?.real ?? path;
    const guarded =
      (way?.hit ?? false) || places.covering(path) !== null || places.covering(real) !== null;
    const towards = places.towards([path, real].map((one) => fold(one === '/' ? one : `${one}/`)));
    const isUnknown = way === null || way.entry.kind === 'unknown';
    const isNothing = !isUnknown && way.entry.kind !== 'directory';
    // Nothing is relative to a file.
    if (way?.entry.kind === 'file') return null;
    if (isNothing && !guarded && towards.size === 0) return null;
    const closed = way !== null && isClosed(way, lookups);
    if (isUnknown || guarded || closed) {
      return { names, absent: null, guarded, closed, start: null };
    }
    const absent = this.#absentFrom(path);
    absent.except(towards);
    const { entry } = way;
    return {
      names,
      absent,
      guarded,
      closed,
      start: entry.kind === 'directory' ? { path: real === '/' ? '' : real, entry } : null,
    };
  }

  #absentFrom(path: string): Absent {
    const known = this.#absent.get(path) ?? new Absent(path, this.#mounts);
    this.#absent.set(path, known);
    return known;
  }
}

/** Whether only a server with other rights than ours may look into it. */
function isClosed({ real, entry }: Walk, lookups: Lookups): boolean {
  const inside = entry.kind === 'directory' ? lookups.entry(`${real}/.`) : entry;
  return inside?.kind === 'unknown' && meaningOf(inside.code, real) === 'closed';
}

function leadSame({ start: one }: Base, { start: other }: Base): boolean {
  return (
    one !== null && other !== null && one.path === other.path && isSame(one.entry, other.entry)
  );
}

/** They say where things of all programs are, and are no root of this one. */
const OF_ALL = /^(?:HOME|PATH|PWD|TEMP|TMP|TMPDIR|XDG_.*)$/;

/** What may be a path in one argument or variable, or a list of them. */
const NAME = /^--?[\w-]+=/;
const SEPARATOR = /[:;,]/;

/**
 * Where a server and the gateway work, and what the arguments and variables of the server may name. Most
 * of it is nothing that is there, which is seen later.
 */
export function basePaths(config: ServerConfig, gatewayCwd: string, home: string): string[] {
  const variables = Object.entries(config.env).filter(([name]) => !OF_ALL.test(name));
  // A word that is the value of a variable is hardly ever a directory.
  const values = variables.flatMap(([, value]) =>
    textsIn(value).filter((one) => /^[/~]/.test(one)),
  );
  const texts = [...config.args.flatMap(textsIn), ...values];
  const named = texts.map((text) => resolve(config.cwd, text.replace(/^~(?=\/|$)/, home)));
  return [...new Set([config.cwd, gatewayCwd, ...named])].slice(0, MAX_CONFIGURED);
}

function textsIn(value: string): string[] {
  const whole = value.replace(NAME, '').replace(/^file:\/\//, '');
  return [whole, ...whole.split(SEPARATOR)].filter((text) => /^[^-]/.test(text));
}
