/**
 * Finds secrets in text, however many there are: in time linear in the text, behind escapes, and of a long
 * one also every fragment, so that no cut and no line end hides the rest of it. Pure.
 *
 * Secrets that are made to look alike (thousands that begin with the same forty characters) could each be
 * compared with each place of a text. A text that takes too long counts as secret from end to end.
 */
import { formsOfSecret } from './forms.ts';
import { unescaped } from './unescape.ts';

/** Length of the parts by which a form is looked up, in UTF-16 units; no form is shorter. */
export const GRAM = 6;
/** Forms up to this length are found only as a whole, longer ones in every fragment of this length. */
export const FRAGMENT = 40;
/** Distance of the grams that are kept: every fragment holds one of them. */
export const STRIDE = FRAGMENT - GRAM + 1;
/** At most two equal grams of a form are kept, so that a form that repeats itself takes no time. */
const MAX_SAME = 2;
/** Characters compared for each one of a text. A page of tokens that all begin alike takes some 100. */
const STEPS_PER_UNIT = 400;
const LEAST_STEPS = 40_000;
/** JSON in JSON in JSON. */
export const MAX_LEVELS = 3;
const FILTER_BITS = 14;
const FACTOR = 0x01000193;
/** `FACTOR` to the power of `GRAM - 1`: the factor of the unit that leaves the window of the rolling hash. */
const LEAVING = Array.from({ length: GRAM - 1 }).reduce<number>((n) => Math.imul(n, FACTOR), 1);

/** A part of a form; where its hash is found, the rest of the form is compared. */
interface Gram {
  readonly form: string;
  readonly at: number;
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

export class SecretFinder {
  readonly #forms = new Set<string>();
  readonly #grams = new Map<number, Gram[]>();
  /** A filter of the hashes in the map, asked first. */
  readonly #filter = new Uint8Array(1 << FILTER_BITS);
  /** Characters that may still be compared for the present text. */
  #steps = 0;

  constructor(secrets: Iterable<string>) {
    this.learn(secrets);
  }

  /** These are found as well from now on. */
  learn(secrets: Iterable<string>): void {
    for (const secret of secrets) {
      for (const form of formsOfSecret(secret)) {
        if (this.#forms.has(form)) continue;
        this.#forms.add(form);
        this.#add(form);
      }
    }
  }

  /** The ranges of secrets, in order and without overlap. */
  find(text: string): Range[] {
    if (this.#grams.size === 0) return [];
    this.#steps = Math.max(LEAST_STEPS, STEPS_PER_UNIT * text.length);
    const found = this.#findBehind(text, MAX_LEVELS);
    return this.#steps < 0 ? [{ from: 0, to: text.length }] : united(found);
  }

  /** @param levels of escapes still to look behind. */
  #findBehind(text: string, levels: number): Range[] {
    const found = this.#search(text);
    const inner = levels === 0 ? null : unescaped(text);
    if (inner === null) return found;
    for (const { from, to } of this.#findBehind(inner.text, levels - 1)) {
      found.push({ from: inner.starts[from] ?? 0, to: inner.starts[to] ?? text.length });
    }
    return found;
  }

  #add(form: string): void {
    const last = form.length <= FRAGMENT ? 0 : form.length - GRAM;
    const same = new Map<number, number>();
    for (let at = 0; at <= last; at += STRIDE) {
      const hash = hashAt(form, at);
      const count = same.get(hash) ?? 0;
      if (count >= MAX_SAME) continue;
      same.set(hash, count + 1);
      const others = this.#grams.get(hash);
      if (others === undefined) this.#grams.set(hash, [{ form, at }]);
      else others.push({ form, at });
      this.#filter[filterBit(hash)] = 1;
    }
  }

  #search(text: string): Range[] {
    const found: Range[] = [];
    if (text.length < GRAM) return found;
    let hash = hashAt(text, 0);
    for (let at = 0; ; at += 1) {
      if (this.#filter[filterBit(hash)] === 1) this.#compare(text, at, hash, found);
      if (at + GRAM >= text.length || this.#steps < 0) return found;
      hash -= Math.imul(text.charCodeAt(at), LEAVING);
      hash = (Math.imul(hash, FACTOR) + text.charCodeAt(at + GRAM)) | 0;
    }
  }

  #compare(text: string, at: number, hash: number, found: Range[]): void {
    for (const { form, at: inForm } of this.#grams.get(hash) ?? []) {
      const before = Math.min(FRAGMENT, inForm, at);
      const after = Math.min(FRAGMENT, form.length - inForm, text.length - at);
      let from = 0;
      while (from < before && text[at - from - 1] === form[inForm - from - 1]) from += 1;
      let to = 0;
      while (to < after && text[at + to] === form[inForm + to]) to += 1;
      this.#steps -= from + to + 1;
      if (this.#steps < 0) return;
      if (from + to >= Math.min(form.length, FRAGMENT)) {
        found.push({ from: at - from, to: at + to });
      }
    }
  }
}

function hashAt(text: string, at: number): number {
  let hash = 0;
  for (let unit = at; unit < at + GRAM; unit += 1) {
    hash = (Math.imul(hash, FACTOR) + text.charCodeAt(unit)) | 0;
  }
  return hash;
}

function filterBit(hash: number): number {
  return (hash ^ (hash >>> FILTER_BITS)) & ((1 << FILTER_BITS) - 1);
}

/** Joins overlapping ranges. */
function united(ranges: Range[]): Range[] {
  ranges.sort((one, other) => one.from - other.from);
  const result: { from: number; to: number }[] = [];
  for (const { from, to } of ranges) {
    const last = result.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else result.push({ from, to });
  }
  return result;
}
