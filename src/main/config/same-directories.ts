/**
 * Whether the files of the configuration lie where they lay: in the same directories, not in others that have
 * been put in their places. Whoever may name no file of the gateway's can still move what it lies in.
 */
import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { unlessRefused } from '../../shared/platform/errno.ts';

export class SameDirectories {
  readonly #files: readonly string[];
  #known: ReadonlyMap<string, string> = new Map();

  /** @param files absolute paths. */
  constructor(files: readonly string[]) {
    this.#files = files;
    this.accept();
  }

  /** Those that are there now are meant. */
  accept(): void {
    this.#known = this.#look();
  }

  /** A directory that is another one than it was, or null. A path that no link leads to any more is none. */
  another(): string | null {
    for (const [path, identity] of this.#look()) {
      const known = this.#known.get(path);
      if (known !== undefined && known !== identity) return path;
    }
    return null;
  }

  #look(): Map<string, string> {
    const paths = this.#files.flatMap((file) => {
      return [dirname(file), dirname(unlessRefused(file, () => realpathSync(file)))];
    });
    const found = new Map<string, string>();
    for (const path of paths) {
      const identity = unlessRefused(null, () => statSync(path, { bigint: true }));
      // What is not there for a moment is not another one.
      if (identity === null) continue;
      found.set(path, [identity.dev, identity.ino, identity.birthtimeNs].join(' '));
    }
    return found;
  }
}
