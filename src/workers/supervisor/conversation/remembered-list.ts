/**
 * The part of a server's list that is written to a file for the next start: the text of each entry, without
 * secrets of the configuration. Secrets in a title or a description are taken out. A list with a secret
 * anywhere else is not written at all, because the entry would mean something else without it. Pure.
 */
import type { CatalogEntry } from '../../../shared/model/mcp.ts';

/** Larger lists are not remembered: they would be held by two threads and a file. */
const MAX_BYTES = 8 * 1024 * 1024;
const WORDS = /("(?:title|description)"\s*:\s*")([^"\\]*(?:\\.[^"\\]*)*)(?=")/gs;

export type RememberedList =
  | { readonly kept: readonly string[] }
  | { readonly kept: null; readonly why: 'too_large' | 'secret' };

/** @param hide takes out the secrets of the server's configuration. */
export function rememberedList(
  entries: readonly CatalogEntry[],
  hide: (text: string) => string,
): RememberedList {
  let bytes = 0;
  for (const { json } of entries) bytes += json.length;
  if (bytes > MAX_BYTES) return { kept: null, why: 'too_large' };
  const decoder = new TextDecoder();
  const kept: string[] = [];
  for (const { json } of entries) {
    const text = withoutSecrets(decoder.decode(json), hide);
    if (text === null) return { kept: null, why: 'secret' };
    kept.push(text);
  }
  return { kept };
}

/** Null when that would change what the entry means. */
function withoutSecrets(json: string, hide: (text: string) => string): string | null {
  if (hide(json) === json) return json;
  try {
    const text = json.replace(WORDS, (_, before: string, words: string) => before + hide(words));
    if (hide(text) !== text) return null;
    JSON.parse(text);
    return text;
  } catch (error) {
    // A secret with a quote in it may have matched a quote of the JSON; deep nesting cannot be parsed.
    if (error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}
