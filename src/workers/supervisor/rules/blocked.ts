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

/** A longer text is hardly said twice. */
const MAX_TEXT = 256;
const MOST_TEXTS = 1000;

/** Texts that no pattern blocks by their names alone: most strings of a message are names of arguments. */
export class Unblocked {
  readonly #patterns: readonly BlockedPath[];
  readonly #texts = new Set<string>();

  constructor(patterns: readonly BlockedPath[]) {
    this.#patterns = patterns;
  }

  /** Those for paths that begin at these bases. @param bases another list when one of them is another one. */
  static of(bases: object, patterns: readonly BlockedPath[]): Unblocked {
    const before = known.get(bases);
    if (before !== undefined && before.#patterns === patterns) return before;
    const made = new Unblocked(patterns);
    known.set(bases, made);
    return made;
  }

  has(text: string): boolean {
    return this.#texts.has(text);
  }

  add(text: string): void {
    if (text.length > MAX_TEXT) return;
    if (this.#texts.size >= MOST_TEXTS) this.#texts.clear();
    this.#texts.add(text);
  }
}

const known = new WeakMap<object, Unblocked>();

/** Goes back to the last `deep` at most: an earlier one need not take more. */
function begins(way: readonly PathName[], names: readonly string[]): boolean {
  let place = 0;
  let at = 0;
  let behindDeep = -1;
  let reached = 0;
  for (;;) {
    const wanted = way[place];
    if (wanted === undefined) return true;
    const name = names[at];
    if (wanted === 'deep') {
      place += 1;
      behindDeep = place;
      reached = at;
    } else if (name !== undefined && wanted.some((tokens) => matchesTokens(tokens, name))) {
      place += 1;
      at += 1;
    } else if (behindDeep >= 0 && reached < names.length) {
      reached += 1;
      at = reached;
      place = behindDeep;
    } else {
      return false;
    }
  }
}
