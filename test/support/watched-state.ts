/** A state file that a test looks at again and again. It is never changed, only replaced, and so is parsed once. */
import { readFileSync, statSync } from 'node:fs';
import type { StateSnapshot } from '#src/shared/model/snapshot.ts';

export class WatchedState {
  readonly #file: string;
  #seen: { readonly version: string; readonly state: StateSnapshot } | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  /** What it says now; null while there is none. */
  read(): StateSnapshot | null {
    try {
      const { ino, mtimeNs, size } = statSync(this.#file, { bigint: true });
      const version = `${ino} ${mtimeNs} ${size}`;
      if (this.#seen?.version !== version) {
        this.#seen = { version, state: JSON.parse(readFileSync(this.#file, 'utf8')) };
      }
      return this.#seen.state;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }
}
