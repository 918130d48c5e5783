/** The version of this package, from its own package.json. */
import { readFileSync } from 'node:fs';
import { packageFile } from './own-files.ts';

export function version(): string {
  const content: unknown = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'));
  if (typeof content === 'object' && content !== null && 'version' in content) {
    return String(content.version);
  }
  throw new Error('package.json has no version');
}
