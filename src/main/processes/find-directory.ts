/** Finds the `.rea` that a directory belongs to: its own, or that of the nearest directory above. */
import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unlessRefused } from '../../shared/platform/errno.ts';

/** @param from absolute. @returns the absolute path of `.rea`; null: there is none. Makes nothing. */
export function findDirectory(from: string): string | null {
  for (let at = from; ; at = dirname(at)) {
    const dir = join(at, '.rea');
    if (unlessRefused(false, () => lstatSync(dir).isDirectory())) return dir;
    if (dirname(at) === at) return null;
  }
}
