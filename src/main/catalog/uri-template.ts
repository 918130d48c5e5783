/**
 * Tells if a URI could come from a URI template, as far as routing needs to know: the literal parts
 * must be there, in order, and each expression stands for any text. The time is linear in both lengths,
 * whatever template a server has written and whatever URI a client sends.
 */

/** The literal texts before, between and behind the expressions of a template. */
export type Literals = readonly string[];

/** @param template RFC 6570, as a server lists it. */
export function literalsOf(template: string): Literals {
  return template.split(/\{[^{}]*\}/);
}

/** Counts comparisons, for tests. */
export interface Comparisons {
  count: number;
}

export function matchesTemplate(
  literals: Literals,
  uri: string,
  compared: Comparisons = { count: 0 },
): boolean {
  const first = literals[0] ?? '';
  const last = literals.at(-1) ?? '';
  if (literals.length === 1) return uri === first;
  if (!uri.startsWith(first) || uri.length < first.length + last.length) return false;
  if (!uri.endsWith(last)) return false;
  const end = uri.length - last.length;
  let at = first.length;
  for (const literal of literals.slice(1, -1)) {
    at = endOf(literal, uri, [at, end], compared);
    if (at < 0) return false;
  }
  return true;
}

/**
 * The offset behind the first `literal` in `uri` between `from` and `end`, or -1. Knuth-Morris-Pratt:
 * linear, since it never goes back in `uri`.
 */
function endOf(
  literal: string,
  uri: string,
  [from, end]: readonly [number, number],
  compared: Comparisons,
): number {
  if (end - from < literal.length) return -1;
  if (literal === '') return from;
  const borders = bordersOf(literal, compared);
  let matched = 0;
  for (let at = from; at < end; at++) {
    matched = extend(literal, borders, matched, uri.charCodeAt(at), compared);
    if (matched === literal.length) return at + 1;
  }
  return -1;
}

/** The failure table of Knuth-Morris-Pratt: for each prefix, the longest shorter one that it ends with. */
function bordersOf(text: string, compared: Comparisons): Int32Array {
  const borders = new Int32Array(text.length);
  for (let at = 1; at < text.length; at++) {
    borders[at] = extend(text, borders, borders[at - 1] ?? 0, text.charCodeAt(at), compared);
  }
  return borders;
}

/** Length of `text` matched after `unit`, when `matched` units were matched before it. */
function extend(
  text: string,
  borders: Int32Array,
  matched: number,
  unit: number,
  compared: Comparisons,
): number {
  for (let length = matched; ; length = borders[length - 1] ?? 0) {
    compared.count += 1;
    if (unit === text.charCodeAt(length)) return length + 1;
    if (length === 0) return 0;
  }
}
