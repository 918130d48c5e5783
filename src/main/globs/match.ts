/**
 * Matches names and URIs of servers against the patterns of operators. It goes back at most to the last
 * star and uses no regular expression that could backtrack: the time is linear in the text, whatever a
 * server has put into it.
 */
import { parseGlob, type Token } from './parse.ts';
import type { GlobUse } from './plain-form.ts';

export type Matcher = (text: string) => boolean;

/** Counts the steps of a match, for tests. */
export interface Steps {
  count: number;
}

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
    return others.some((tokens) => matches(tokens, text, steps));
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

function matches(tokens: readonly Token[], text: string, steps?: Steps): boolean {
  let token = 0;
  let at = 0;
  /** Token behind the last star; `reached` is the end of the text that this star matches so far. */
  let behindStar = -1;
  let reached = 0;
  while (at < text.length) {
    if (steps !== undefined) steps.count += 1;
    const wanted = tokens[token];
    if (wanted === 'star') {
      token += 1;
      behindStar = token;
      reached = at;
      if (token === tokens.length) return true;
    } else if (wanted !== undefined && accepts(wanted, text.codePointAt(at) ?? 0)) {
      token += 1;
      at = next(text, at);
    } else if (behindStar >= 0) {
      // Earlier stars need not match more: the last one can take the difference.
      reached = next(text, reached);
      at = reached;
      token = behindStar;
    } else {
      return false;
    }
  }
  while (tokens[token] === 'star') token += 1;
  return token === tokens.length;
}

/** Offset behind the character at `at`. */
function next(text: string, at: number): number {
  return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
}

function accepts(token: Exclude<Token, 'star'>, code: number): boolean {
  if (token === 'any') return true;
  if (typeof token === 'number') return token === code;
  return token.ranges.some(([from, to]) => code >= from && code <= to) !== token.negated;
}
