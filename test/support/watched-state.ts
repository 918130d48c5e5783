/** A state file that a test looks at again and again. It is never changed, only replaced, and so is parsed once. */
import { readFileSync, statSync } from 'node:fs';
import type { StateSnapshot } from '#src/shared/model/snapshot.ts';
import { expecting } from '#src/shared/platform/errno.ts';

export class WatchedState {
  readonly #file: string;
  #seen: { readonly version: string; readonly state: StateSnapshot } | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  /** What it says now; null while there is none. */
  read(): StateSnapshot | null {
    return expecting(['ENOENT'], null, () => {
      const { ino, mtimeNs, size } = statSync(this.#file, { bigint: true });
      const version = `${ino} ${mtimeNs} ${size}`;
      if (this.#seen?.version !== version) {
        this.#seen = { version, state: JSON.parse(readFileSync(this.#file, 'utf8')) };
      }
      return this.#seen.state;
    });
  }
}
