/** What lies below a directory while a gateway writes there: its temporary files come and go. */
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expecting } from '#src/shared/platform/errno.ts';

const GONE = ['ENOENT'];

/**
 * The content of every regular file below it, by path, in the order of the names. A file or directory that goes
 * meanwhile is left out; links are not followed.
 */
export function filesBelow(dir: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of expecting(GONE, [], () => entriesOf(dir))) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) for (const [below, text] of filesBelow(path)) found.set(below, text);
    if (!entry.isFile()) continue;
    const text = expecting<string | null>(GONE, null, () => readFileSync(path, 'utf8'));
    if (text !== null) found.set(path, text);
  }
  return found;
}

function entriesOf(dir: string): Dirent[] {
  return readdirSync(dir, { withFileTypes: true }).toSorted((one, other) =>
    one.name < other.name ? -1 : 1,
  );
}
