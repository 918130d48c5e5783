/**
 * Names that are not in a directory, remembered for as long as that is certain: most strings of a call are
 * one name that is nowhere, and to ask for each of them would cost more than all else about the call.
 * Sound because the system sets a directory's change time whenever a name comes into it, and nobody can
 * set it back; and because only what was seen well after the last change is remembered, so that no other
 * change can have the same time.
 */
import { statSync } from 'node:fs';
import { errorCode } from '../../../shared/platform/errno.ts';
import { fold } from '../../../shared/text/fold.ts';
import type { Entry } from './entry.ts';
import type { Lookups } from './lookups.ts';
import type { Mounts } from './mounts.ts';
import { MAX_NAME } from './own-name.ts';
import { SETTLED_MS } from './settled.ts';

const MAX_NAMES = 1024;
const NOWHERE = { dev: 0, ino: 0, changedAt: Number.POSITIVE_INFINITY };

export class Absent {
  readonly #path: string;
  readonly #mounts: Mounts;
  readonly #names = new Set<string>();
  #except: ReadonlySet<string> = new Set();
  #state: State = NOWHERE;
  #settled = false;

  /** @param path of a directory that answers at once, absolute. */
  constructor(path: string, mounts: Mounts) {
    this.#path = path;
    this.#mounts = mounts;
  }

  /** @param names folded, of which nothing is ever said. */
  except(names: ReadonlySet<string>): void {
    const isSame =
      names.size === this.#except.size && [...names].every((name) => this.#except.has(name));
    if (!isSame) this.#names.clear();
    this.#except = names;
  }

  /** Looks whether something has changed; once for each check, before names are asked for. */
  refresh(): void {
    const state = stateOf(this.#path);
    const { dev, ino, changedAt } = this.#state;
    const isSame = state.dev === dev && state.ino === ino && state.changedAt === changedAt;
    this.#settled = Date.now() - state.changedAt > SETTLED_MS;
    if (!isSame || !this.#settled) this.#names.clear();
    this.#state = state;
  }

  /** Whether the path led to this directory at the last refresh. */
  is(directory: Entry): boolean {
    const { dev, ino } = this.#state;
    return directory.kind === 'directory' && directory.dev === dev && directory.ino === ino;
  }

  /** Whether it is certain that the name is not there. @param lookups of the check. */
  lacks(name: string, lookups: Lookups): boolean {
    if (this.#names.has(name)) return true;
    if (this.#except.has(fold(name))) return false;
    if (name.length > MAX_NAME) return true;
    const path = `${this.#path}/${name}`;
    // What cannot be told counts as there.
    if (this.#mounts.slow(path) !== 0 || lookups.entry(path)?.kind !== 'none') return false;
    if (lookups.like(name, this.#path, this.#state)?.length !== 0) return false;
    if (this.#names.size >= MAX_NAMES) this.#names.clear();
    if (this.#settled) this.#names.add(name);
    return true;
  }
}

interface State {
  readonly dev: number;
  readonly ino: number;
  readonly changedAt: number;
}

function stateOf(path: string): State {
  try {
    const { dev, ino, ctimeMs } = statSync(path);
    return { dev, ino, changedAt: ctimeMs };
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return NOWHERE;
  }
}
