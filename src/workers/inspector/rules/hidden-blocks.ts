/**
 * Blocks that set themselves apart from a description and order secrecy: nobody but an attacker has a use for both
 * together. Takes time linear in the text.
 */

import { SECRECY_ORDERS } from './phrases/all.ts';
import { plainText, quotedParts } from './plain-text.ts';
import { isSpokenOf } from './soft.ts';

const OPENINGS =
  /<\/?(?:important|critical|system|hidden|secret|admin|internal|instructions?|note|urgent|priority|override|sys|confidential|assistant|rules?)[\w-]{0,40}>|\[\/?(?:system|inst|important|admin|hidden|internal|note)[^\]\n]{0,60}[\]:]|<!--|-{2,8}begin [^-\n]{0,60}--|#{2,6} ?(?:internal|hidden|system|important|secret)\b|<\|im_start\|>/g;
const MAX_BLOCK = 1200;
/** Blocks of one field that are looked at: more of them are no honest text, but cover for one. */
const MAX_BLOCKS = 64;

/** The secrecy order within such a block, or that there are too many blocks; null: nothing. @param raw a field as it is. */
export function hiddenBlock(raw: string): string | null {
  const text = plainText(raw);
  let quoted: ReturnType<typeof quotedParts> | null = null;
  let blocks = 0;
  OPENINGS.lastIndex = 0;
  for (let match = OPENINGS.exec(text); match !== null; match = OPENINGS.exec(text)) {
    blocks += 1;
    if (blocks > MAX_BLOCKS) return `more than ${MAX_BLOCKS} blocks`;
    const start = match.index + match[0].length;
    quoted ??= quotedParts(text);
    if (isSpokenOf(text, match.index, start, quoted)) continue;
    const block = text.slice(start, start + MAX_BLOCK);
    for (const order of SECRECY_ORDERS) {
      order.lastIndex = 0;
      const found = order.exec(block);
      if (found === null) continue;
      const at = start + found.index;
      if (!isSpokenOf(text, at, at + found[0].length, quoted)) return found[0];
    }
  }
  return null;
}
