/**
 * Names that are not in a directory, remembered for as long as that is certain: most strings of a call are
 * one name that is nowhere, and to ask for each of them would cost more than all else about the call.
 * Sound because the system sets a directory's change time whenever a name comes into it, and nobody can
 * set it back; and because only what was seen well after the last change is remembered, so that no other
 * change can have the same time.
 */
import { lstatSync, statSync } from 'node:fs';
import { codeOf } from '../errors.ts';
import type { Mounts } from './mounts.ts';
import { MAX_NAME } from './own-name.ts';

/** Coarser than the clock of any local file system (FAT: 2 s). */
const SETTLED_MS = 3000;
const MAX_NAMES = 1024;

export class Absent {
  readonly #path: string;
  readonly #mounts: Mounts;
  readonly #names = new Set<string>();
  #state = '';
  #settled = false;

  /** @param path of a directory that answers at once, absolute. */
  constructor(path: string, mounts: Mounts) {
    this.#path = path;
    this.#mounts = mounts;
  }

  /** Looks whether something has changed; once for each check, before names are asked for. */
  refresh(): void {
    const { state, changedAt } = stateOf(this.#path);
    this.#settled = Date.now() - changedAt > SETTLED_MS;
    if (state !== this.#state || !this.#settled) this.#names.clear();
    this.#state = state;
  }

  /** Whether it is certain that the name is not there. */
  lacks(name: string): boolean {
    if (this.#names.has(name) || name.length > MAX_NAME) return true;
    const path = `${this.#path}/${name}`;
    if (this.#mounts.slow(path) !== 0 || isThere(path)) return false;
    if (this.#names.size >= MAX_NAMES) this.#names.clear();
    if (this.#settled) this.#names.add(name);
    return true;
  }
}

/** What cannot be told counts as there. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (codeOf(error) === null) throw error;
    return true;
  }
}

function stateOf(path: string): { readonly state: string; readonly changedAt: number } {
  try {
    const { dev, ino, ctimeMs } = statSync(path);
    return { state: `${dev}:${ino}:${ctimeMs}`, changedAt: ctimeMs };
  } catch (error) {
    if (codeOf(error) === null) throw error;
    return { state: '', changedAt: Number.POSITIVE_INFINITY };
  }
}
