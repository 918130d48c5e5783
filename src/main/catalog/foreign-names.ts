/**
 * Whether a definition names tools of other servers: a description that does may steer the model to call them, or away
 * from them. Only names that are no plain words count. Pure; linear in the text.
 */
import type { Catalog } from './catalog.ts';

/** Two words at least, joined as in `read_file`, `read-file` or `readFile`. */
const DISTINCTIVE = /[A-Za-z0-9][_-]+[A-Za-z0-9]|[a-z0-9][A-Z]/;
const SHORTEST = 6;
const WORDS = /[A-Za-z0-9_-]+/g;
const MOST_FOUND = 8;

/** Names by which tools of other servers may be called, as their servers and as clients name them. */
export function foreignNames(
  server: string,
  servers: readonly string[],
  catalog: Pick<Catalog, 'toolsOf' | 'exposedTools'>,
): ReadonlySet<string> {
  const own = new Set(catalog.toolsOf(server).map(({ key }) => key));
  const names = new Set<string>();
  for (const other of servers) {
    if (other === server) continue;
    for (const { key } of catalog.toolsOf(other)) {
      if (key.length >= SHORTEST && DISTINCTIVE.test(key) && !own.has(key)) names.add(key);
    }
  }
  for (const name of catalog.exposedTools(server)) names.add(name);
  return names;
}

/** Those of the names that a text has in it, at most a few. */
export function namesIn(text: string, names: ReadonlySet<string>): string[] {
  const found = new Set<string>();
  if (names.size === 0) return [];
  for (const [word] of text.matchAll(WORDS)) {
    if (names.has(word)) found.add(word);
    if (found.size >= MOST_FOUND) break;
  }
  return [...found];
}
