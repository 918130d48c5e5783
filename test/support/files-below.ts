/** What lies below a directory while a gateway writes there: its temporary files come and go. */
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The content of every regular file below it, by path, in the order of the names. A file or directory that goes
 * meanwhile is left out; links are not followed.
 */
export function filesBelow(dir: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of ifThere(() => entriesOf(dir)) ?? []) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) for (const [below, text] of filesBelow(path)) found.set(below, text);
    if (!entry.isFile()) continue;
    const text = ifThere(() => readFileSync(path, 'utf8'));
    if (text !== null) found.set(path, text);
  }
  return found;
}

function entriesOf(dir: string): Dirent[] {
  return readdirSync(dir, { withFileTypes: true }).toSorted((one, other) =>
    one.name < other.name ? -1 : 1,
  );
}

function ifThere<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
