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
/** Matches of one phrase that are looked at: one that is not quoted is enough. */
const MAX_MATCHES = 8;

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
    for (let count = 0; count < MAX_MATCHES; count++) {
      const match = pattern.exec(text);
      if (match === null) break;
      if (match[0] === '') {
        pattern.lastIndex += 1;
        continue;
      }
      quoted ??= quotedParts(text);
      const factor = isSpokenOf(text, match.index, match.index + match[0].length, quoted)
        ? QUOTED
        : 1;
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
  if (quoted.some(([from, to]) => from <= middle && middle < to)) return true;
  return SPOKEN_OF.test(text.slice(Math.max(0, start - LOOK_BACK), start));
}
