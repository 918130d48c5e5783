/**
 * Phrases of one field, weighed. A phrase that is quoted, or that a text says it looks for, counts less: scanners and
 * lessons speak of attacks.
 */

import { PHRASES } from './phrases/all.ts';
import type { SoftRule } from './phrases/phrase.ts';
import { quotedParts } from './plain-text.ts';

export interface Weighed {
  readonly rule: SoftRule;
  readonly weight: number;
  readonly excerpt: string;
}

/** What a quoted phrase counts. */
const QUOTED = 0.2;
/** Matches of one phrase that are looked at for one that is not quoted: so many quotations are cover for one. */
const MAX_MATCHES = 512;

/** Words by which a text says that it speaks of something, near before it. */
const SPOKEN_OF =
  /\b(?:such as|e\.g\.|for example|examples?:?|for instance|detects?|matches|known|labels?:?|entr(?:y|ies)|families|words (?:such )?as|scans?|looks for|searches|warns?|finds|reports|rejects?|blocks?|removes?|explains?|lists|means that|analy[sz]es|extracts|checks (?:for|whether|that)|attacks?|question \d+|rule|phrases?|findings?|tests) [^.!?]{0,60}$/u;
const LOOK_BACK = 90;

/** @param text plain text. */
export function weighPhrases(text: string): Weighed[] {
  let quoted: ReturnType<typeof quotedParts> | null = null;
  const found: Weighed[] = [];
  for (const { rule, weight, pattern } of PHRASES) {
    pattern.lastIndex = 0;
    let best = 0;
    let excerpt = '';
    for (let count = 1; ; count++) {
      const match = pattern.exec(text);
      if (match === null) break;
      if (match[0] === '') {
        pattern.lastIndex += 1;
        continue;
      }
      quoted ??= quotedParts(text);
      const isSpoken =
        count <= MAX_MATCHES &&
        isSpokenOf(text, match.index, match.index + match[0].length, quoted);
      const factor = isSpoken ? QUOTED : 1;
      if (factor * weight > best) {
        best = factor * weight;
        [excerpt] = match;
      }
      if (factor === 1) break;
    }
    if (best > 0) found.push({ rule, weight: best, excerpt });
  }
  return found;
}

/** Whether a part of a text is quoted, or named as something to be found. */
export function isSpokenOf(
  text: string,
  start: number,
  end: number,
  quoted: ReturnType<typeof quotedParts>,
): boolean {
  const middle = (start + end) / 2;
  if (isWithin(middle, quoted)) return true;
  return SPOKEN_OF.test(text.slice(Math.max(0, start - LOOK_BACK), start));
}

/** @param parts in their order, none within another. */
function isWithin(at: number, parts: ReturnType<typeof quotedParts>): boolean {
  let [low, high] = [0, parts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [from, to] = parts[middle]!;
    if (at < from) high = middle;
    else if (at < to) return true;
    else low = middle + 1;
  }
  return false;
}
