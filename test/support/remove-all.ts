import { rmSync } from 'node:fs';

/**
 * Removes a directory in which somebody still writes. An attempt sees no file that is made after it has
 * read the directory, however often it tries again: each attempt has to begin anew.
 */
export function removeAll(dir: string): void {
  for (;;) {
    try {
      rmSync(dir, { recursive: true });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    }
  }
}
