/** The files that a configuration is looked for in. Loads nothing, so that a relay can look, too. */
import { join, resolve } from 'node:path';

const DEFAULT_NAMES = ['registry.yaml', 'registry.yml', 'registry.json'];

/** @returns absolute paths; the first one that exists is used. @param file given by the user. */
export function configCandidates(cwd: string, file?: string): string[] {
  if (file !== undefined) return [resolve(cwd, file)];
  return DEFAULT_NAMES.map((name) => join(cwd, '.rea', name));
}
