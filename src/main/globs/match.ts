/**
 * Matches names and URIs of servers against the patterns of operators, in time linear in the text.
 */
import { matchesTokens, type Steps, type Token } from '../../shared/text/glob-tokens.ts';
import { parseGlob } from './parse.ts';
import type { GlobUse } from './plain-form.ts';

export type Matcher = (text: string) => boolean;

/**
 * @param patterns as accepted by the configuration; throws for an invalid one.
 * @returns a function that tells if a text matches one of them.
 */
export function compileGlobs(patterns: readonly string[], use: GlobUse, steps?: Steps): Matcher {
  const exact = new Set(patterns);
  const others: (readonly Token[])[] = [];
  for (const pattern of patterns) {
    const parsed = parseGlob(pattern, use);
    if (!parsed.ok) throw new Error(`not a pattern: ${JSON.stringify(pattern)}: ${parsed.fix}`);
    for (const tokens of parsed.alternatives) {
      const text = literalText(tokens);
      if (text === null) others.push(tokens);
      else exact.add(text);
    }
  }
  return (text) => {
    if (exact.has(text)) return true;
    return others.some((tokens) => matchesTokens(tokens, text, steps));
  };
}

/** The only text that an alternative without wildcards matches; null for one with wildcards. */
function literalText(tokens: readonly Token[]): string | null {
  const codes: number[] = [];
  for (const token of tokens) {
    if (typeof token !== 'number') return null;
    codes.push(token);
  }
  return codes.map((code) => String.fromCodePoint(code)).join('');
}
