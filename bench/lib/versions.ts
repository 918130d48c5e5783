/** Versions of the installed packages that take part in a measurement. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const PACKAGES = ['@modelcontextprotocol/sdk', '@modelcontextprotocol/server-everything'];

export function packageVersions(): Record<string, string> {
  const paths = createRequire(import.meta.url).resolve.paths('x') ?? [];
  return Object.fromEntries(PACKAGES.map((name) => [name, versionIn(paths, name)]));
}

function versionIn(paths: readonly string[], name: string): string {
  for (const path of paths) {
    try {
      const manifest = readFileSync(join(path, name, 'package.json'), 'utf8');
      return (JSON.parse(manifest) as { version: string }).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`${name} is not installed below ${dirname(paths[0] ?? '.')}: npm ci`);
}
