/**
 * Parses the patterns that operators write for tool names and resource URIs: star, question mark, classes
 * and braces. Braces are expanded, within a bound, into alternatives without braces. Other syntax that
 * some programs accept is refused, with advice what to write instead. Pure.
 */
import type { Token } from '../../shared/text/glob-tokens.ts';
import { type GlobUse, plainForm } from './plain-form.ts';

/** Each alternative is a pattern of its own, without braces. */
export type ParsedGlob =
  | { readonly ok: true; readonly alternatives: readonly (readonly Token[])[] }
  /** What would be right. */
  | { readonly ok: false; readonly fix: string };

export const MAX_PATTERN = 512;
export const MAX_ALTERNATIVES = 100;
/** For all alternatives together. */
const MAX_TOKENS = 4096;

const EXTENDED = /[!+@?*]\(/y;
const MULTIPLIED = `braces stand for at most ${MAX_ALTERNATIVES} alternatives; write several patterns`;

type Read = { readonly token: Token; readonly end: number } | { readonly fix: string };

/** Whether it can match only itself. */
export function isPlainName(pattern: string): boolean {
  return !/[*?[\]{}()!\\]/.test(pattern);
}

export function parseGlob(pattern: string, use: GlobUse): ParsedGlob {
  if (pattern.length > MAX_PATTERN) {
    return refused(`write at most ${MAX_PATTERN} characters, or several patterns`);
  }
  if (pattern.startsWith('!') && !pattern.startsWith('!(')) return refused(plainForm(pattern, use));
  return new Parser(pattern, use).parse();
}

class Parser {
  readonly #text: string;
  readonly #use: GlobUse;
  #at = 0;

  constructor(text: string, use: GlobUse) {
    this.#text = text;
    this.#use = use;
  }

  parse(): ParsedGlob {
    return this.#sequence(this.#text.length);
  }

  /** Parses the text before `end`. */
  #sequence(end: number): ParsedGlob {
    let alternatives: Token[][] = [[]];
    while (this.#at < end) {
      EXTENDED.lastIndex = this.#at;
      if (EXTENDED.test(this.#text)) return refused(plainForm(this.#text, this.#use));
      const group = this.#text[this.#at] === '{' ? this.#commas() : null;
      if (group !== null) {
        const options = this.#group(group);
        if (!options.ok) return options;
        const multiplied = multiply(alternatives, options.alternatives);
        if (multiplied === null) return refused(MULTIPLIED);
        alternatives = multiplied;
        continue;
      }
      const read = this.#token();
      if ('fix' in read) return refused(read.fix);
      this.#at = read.end;
      for (const one of alternatives) {
        // Two stars match the same as one.
        if (read.token !== 'star' || one.at(-1) !== 'star') one.push(read.token);
      }
    }
    return { ok: true, alternatives };
  }

  /** @param ends the commas of the group, and its closing brace. */
  #group(ends: readonly number[]): ParsedGlob {
    const alternatives: (readonly Token[])[] = [];
    for (const end of ends) {
      this.#at += 1;
      const option = this.#sequence(end);
      if (!option.ok) return option;
      alternatives.push(...option.alternatives);
      if (alternatives.length > MAX_ALTERNATIVES) return refused(MULTIPLIED);
      this.#at = end;
    }
    this.#at += 1;
    return { ok: true, alternatives };
  }

  /** Offsets at which the parts of the braces that open here end; null when they are plain characters. */
  #commas(): number[] | null {
    const ends: number[] = [];
    let depth = 0;
    for (let at = this.#at; at < this.#text.length; at++) {
      const character = this.#text[at];
      if (character === '\\') at++;
      else if (character === '[') at = (classEnd(this.#text, at) ?? at + 1) - 1;
      else if (character === '{') depth++;
      else if (character === ',' && depth === 1) ends.push(at);
      else if (character === '}' && --depth === 0) return ends.length === 0 ? null : [...ends, at];
    }
    return null;
  }

  #token(): Read {
    const text = this.#text;
    const at = this.#at;
    switch (text.charAt(at)) {
      case '*':
        return { token: 'star', end: at + 1 };
      case '?':
        return { token: 'any', end: at + 1 };
      case '[': {
        const end = classEnd(text, at);
        return end === null ? literal(text, at) : readClass(text, at, end);
      }
      case '(':
        return { fix: 'write {a,b} for alternatives, and [(] for the character itself' };
      case '{':
        return this.#isRange()
          ? { fix: 'write a class like [1-3], or list what is meant like {1,2,3}' }
          : literal(text, at);
      case '\\':
        return literal(text, at + 1 < text.length ? at + 1 : at);
      default:
        return literal(text, at);
    }
  }

  /** `{1..9}` and the like. */
  #isRange(): boolean {
    const end = this.#text.indexOf('}', this.#at);
    return end > 0 && this.#text.slice(this.#at, end).includes('..');
  }
}

function literal(text: string, at: number): Read {
  const code = text.codePointAt(at) ?? 0;
  return { token: code, end: at + (code > 0xffff ? 2 : 1) };
}

/** Offset behind the bracket that closes a class; null when none does: then `[` is a plain character. */
function classEnd(text: string, start: number): number | null {
  let at = start + 1;
  if (text[at] === '!' || text[at] === '^') at++;
  // A closing bracket in first place is one of the characters.
  for (let first = true; at < text.length; at++, first = false) {
    if (text[at] === ']' && !first) return at + 1;
    if (text[at] === '\\') at++;
  }
  return null;
}

function readClass(text: string, start: number, end: number): Read {
  const inside = text.slice(start + 1, end - 1);
  if (/\[[:.=]/.test(inside)) return { fix: 'write the characters themselves, like [a-zA-Z]' };
  const negated = inside.startsWith('!') || inside.startsWith('^');
  const codes: { readonly code: number; readonly dash: boolean }[] = [];
  for (let at = negated ? 1 : 0; at < inside.length; ) {
    const escaped = inside[at] === '\\' && at + 1 < inside.length;
    if (escaped) at++;
    const code = inside.codePointAt(at) ?? 0;
    codes.push({ code, dash: !escaped && inside[at] === '-' });
    at += code > 0xffff ? 2 : 1;
  }
  const ranges: [number, number][] = [];
  for (let at = 0; at < codes.length; at++) {
    const from = codes[at]?.code ?? 0;
    const to = codes[at + 1]?.dash === true ? codes[at + 2]?.code : undefined;
    if (to === undefined) ranges.push([from, from]);
    else if (to < from) return { fix: 'write the smaller end of a range first, like [a-z]' };
    else {
      ranges.push([from, to]);
      at += 2;
    }
  }
  return { token: { negated, ranges }, end };
}

/** Joins every head with every tail; null when that gives too many alternatives or tokens. */
function multiply(
  heads: readonly (readonly Token[])[],
  tails: readonly (readonly Token[])[],
): Token[][] | null {
  if (heads.length * tails.length > MAX_ALTERNATIVES) return null;
  const lengths = (all: readonly (readonly Token[])[]) => all.reduce((n, one) => n + one.length, 0);
  const total = lengths(heads) * tails.length + lengths(tails) * heads.length;
  if (total > MAX_TOKENS) return null;
  return heads.flatMap((head) => tails.map((tail) => [...head, ...tail]));
}

function refused(fix: string): ParsedGlob {
  return { ok: false, fix };
}
