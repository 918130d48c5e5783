/**
 * What of a server's list is written down for the next start: the text of each entry, without secrets of
 * its configuration. What is served may not differ in anything but words, so that a list in which one
 * stands elsewhere than in a title or a description is not written down at all. Pure.
 */
import type { CatalogEntry } from '../../../shared/model/mcp.ts';

/** Of one list: more is not kept in two threads and a file. */
const MAX_BYTES = 8 * 1024 * 1024;
const WORDS = /("(?:title|description)"\s*:\s*")([^"\\]*(?:\\.[^"\\]*)*)(?=")/gs;

export type RememberedList =
  | { readonly kept: readonly string[] }
  | { readonly kept: null; readonly why: 'too_large' | 'secret' };

/** @param hide takes out the secrets of its configuration. */
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

/** Null where that is not possible without a change of what the entry means. */
function withoutSecrets(json: string, hide: (text: string) => string): string | null {
  if (hide(json) === json) return json;
  try {
    const text = json.replace(WORDS, (_, before: string, words: string) => before + hide(words));
    if (hide(text) !== text) return null;
    JSON.parse(text);
    return text;
  } catch (error) {
    // A secret that holds a quote may have taken one of the entry's; what nests too deeply is not looked into.
    if (error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}
