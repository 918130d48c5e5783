/**
 * Matches a text against the tokens of a pattern. It goes back at most to the last star and uses no regular
 * expression that could backtrack: the time is linear in the text, whatever is in it. Pure.
 */

/** Matches one character: a code point, any, or a class. A star matches any number of characters. */
export type Token = number | 'any' | 'star' | CharacterClass;

export interface CharacterClass {
  readonly negated: boolean;
  /** Code points, both ends included. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** Counts the steps of a match, for tests. */
export interface Steps {
  count: number;
}

export function matchesTokens(tokens: readonly Token[], text: string, steps?: Steps): boolean {
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
