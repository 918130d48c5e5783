/** What the scripts that a thread has loaded were made of: a bundle counts as all its sources. */
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** @param scripts file URLs or paths, as V8 tells them. */
export function sourcesOf(scripts: readonly string[]): string[] {
  return scripts.flatMap((script) => {
    const map = mapOf(script);
    if (!existsSync(map)) return [script];
    const { sources }: { sources: string[] } = JSON.parse(readFileSync(map, 'utf8'));
    return sources.map((source) => new URL(source, map).href);
  });
}

function mapOf(script: string): URL {
  const url = script.startsWith('file:') ? new URL(script) : pathToFileURL(script);
  url.search = '';
  url.pathname += '.map';
  return url;
}
