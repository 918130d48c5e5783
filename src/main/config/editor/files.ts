/** Where the schemas lie in `.rea`, and the first line by which a file names the one that it follows. */
import { dirname, join, relative } from 'node:path';
import type { SchemaName } from './schemas.ts';

/** In a file that names a schema, of ours or any other. */
export const SCHEMA_LINE = /^#\s*yaml-language-server:.*\$schema=/m;

/** `.gitignore` of `.rea` lets these in by their beginning, as it does with what people write. */
export function schemaFile(cwd: string, name: SchemaName): string {
  return join(cwd, '.rea', `${name}.schema.json`);
}

/**
 * The line that the YAML servers of editors look for, with its line end. A relative path, so that it holds on
 * other machines.
 *
 * @param file absolute path of the file that begins with it.
 * @returns `''` where the path cannot stand in such a line.
 */
export function schemaLine(file: string, cwd: string, name: SchemaName): string {
  const path = relative(dirname(file), schemaFile(cwd, name));
  return /\s/.test(path) ? '' : `# yaml-language-server: $schema=${path}\n`;
}
