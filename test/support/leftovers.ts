/**
 * What a gateway left behind in its directory: living processes, and files that no clean stop leaves.
 * Looks only; the caller decides what it means.
 */
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type LivingProcess, processesOf } from './processes.ts';

export interface Leftovers {
  readonly processes: readonly LivingProcess[];
  /** Temporary files, locks, state and run files, relative to `.rea`. */
  readonly files: readonly string[];
}

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

/** Children inherit the gateway's working directory, and so are found by it wherever they hide. */
export function leftovers(dir: string): Leftovers {
  return { processes: processesOf(dir), files: strayFiles(join(dir, '.rea')) };
}

/** Temporary files alone: these must not outlive the next start, however the last one ended. */
export function temporaryFiles(dir: string): string[] {
  return strayFiles(join(dir, '.rea')).filter((name) => name.endsWith('.tmp'));
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
