/**
 * The hash by which a definition is known again: sha256 of its RFC 8785 form, so that neither the order of members nor
 * white space counts, and everything that a client can read of it does. Pure.
 */
import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { CatalogEntry, DefinitionHashes } from '../../../shared/model/mcp.ts';
import type { ServerProfile } from '../../../shared/model/server.ts';

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];

/** @param json one valid JSON value. @returns 64 hex digits. */
export function definitionHash(json: Uint8Array): string {
  return hash('sha256', canonicalForm(json) ?? json);
}

/** @param remembered the texts of the entries that are kept for the next start, in the same order; null: none is. */
export function hashesOf(
  entries: readonly Pick<CatalogEntry, 'json'>[],
  remembered: readonly string[] | null,
): DefinitionHashes[] {
  return entries.map(({ json }, at) => {
    const text = remembered?.[at];
    return {
      hash: definitionHash(json),
      remembered: text === undefined ? null : hash('sha256', text),
    };
  });
}

/** Null: there are none. */
export function instructionsHashes(
  { instructions }: Pick<ServerProfile, 'instructions'>,
  remembered: Pick<ServerProfile, 'instructions'>,
): DefinitionHashes | null {
  if (instructions === '') return null;
  return {
    hash: definitionHash(Buffer.from(JSON.stringify(instructions))),
    remembered: hash('sha256', remembered.instructions),
  };
}

/**
 * Null: it has none, and its bytes count. That is so with a number or a character that JSON can write and Unicode or
 * IEEE 754 cannot, and with a name that comes twice: which of the two a client reads is its own choice.
 */
function canonicalForm(json: Uint8Array): Buffer | null {
  try {
    const text = canonicalize(JSON.parse(new TextDecoder().decode(json)));
    if (text === undefined) return null;
    const form = Buffer.from(text);
    return membersIn(form) === membersIn(json) ? form : null;
  } catch {
    // What canonicalize refuses, and nesting beyond the stack.
    return null;
  }
}

/** Members of all objects: each has one colon outside of strings. */
function membersIn(json: Uint8Array): number {
  let count = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) inString = !inString;
    else if (inString && byte === BACKSLASH) at += 1;
    else if (!inString && byte === COLON) count += 1;
  }
  return count;
}
