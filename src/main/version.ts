/** The version of this package, from its own package.json. */
import { readFileSync } from 'node:fs';

/** Two levels up both from `src/main` and from `dist/main`. */
const PACKAGE_FILE = new URL('../../package.json', import.meta.url);

export function version(): string {
  const content: unknown = JSON.parse(readFileSync(PACKAGE_FILE, 'utf8'));
  if (typeof content === 'object' && content !== null && 'version' in content) {
    return String(content.version);
  }
  throw new Error('package.json has no version');
}
