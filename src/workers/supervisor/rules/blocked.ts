/** Which paths the policy blocks: those that begin with the names of a pattern, whatever follows. Pure. */
import type { BlockedPath, PathName } from '../../../shared/model/policy.ts';
import { fold } from '../../../shared/text/fold.ts';
import { matchesTokens } from '../../../shared/text/glob-tokens.ts';
import { namesOf } from './walk.ts';

/** Arguments with these names hold text, and no paths. */
const CONTENT = /(?:^|\.)(?:content|text|message|body|query|code)(?:\[\d+\])*$/i;

/** The pattern that blocks the path; null: none does. @param path absolute, without `..`. */
export function blocking(patterns: readonly BlockedPath[], path: string): BlockedPath | null {
  const names = namesOf(fold(path));
  return patterns.find(({ ways }) => ways.some((way) => begins(way, names))) ?? null;
}

/** @param where in words, as `argumentName` tells it. */
export function isContent(where: string): boolean {
  return CONTENT.test(where);
}

function begins(way: readonly PathName[], names: readonly string[]): boolean {
  /** Places in the pattern that may be next. */
  let at = new Set(withDeep(way, 0));
  for (const name of names) {
    const next = new Set<number>();
    for (const place of at) {
      const wanted = way[place];
      if (wanted === undefined) return true;
      if (wanted === 'deep') next.add(place);
      else if (wanted.some((tokens) => matchesTokens(tokens, name))) {
        for (const one of withDeep(way, place + 1)) next.add(one);
      }
    }
    for (const place of next) for (const one of withDeep(way, place)) next.add(one);
    at = next;
    if (at.size === 0) return false;
  }
  return at.has(way.length);
}

/** A place, and those behind it that any number of directories, none too, may lead to. */
function withDeep(way: readonly PathName[], place: number): number[] {
  const places = [place];
  for (let one = place; way[one] === 'deep'; one++) places.push(one + 1);
  return places;
}
