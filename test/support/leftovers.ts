/** Files that a gateway left behind in its directory, and no clean stop leaves. The caller decides what it means. */
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const KEPT = new Set([
  'registry.yaml',
  'policy.yaml',
  'catalog.json',
  'fingerprints.json',
  'HALT',
  'log',
  'run',
  join('run', 'last.json'),
]);

/** Temporary files, locks, state and run files, relative to `.rea`. */
export function leftFiles(dir: string): string[] {
  return strayFiles(join(dir, '.rea'));
}

/** Temporary files alone: these must not outlive the next start, however the last one ended. */
export function temporaryFiles(dir: string): string[] {
  return leftFiles(dir).filter((name) => name.endsWith('.tmp'));
}

function strayFiles(root: string, below = ''): string[] {
  const here = join(root, below);
  if (!existsSync(here) || !lstatSync(here).isDirectory()) return [];
  const found: string[] = [];
  for (const name of readdirSync(here)) {
    const path = join(below, name);
    if (!KEPT.has(path) && !name.startsWith('audit')) found.push(path);
    if (path === 'run') found.push(...strayFiles(root, path));
  }
  return found;
}
