/**
 * Finds out quickly that a text holds no secret, as almost all do: looks up each four bytes of it, and searches no
 * further where none of them begins anything. May say that there is something where there is nothing. Pure.
 */
import { FRAGMENT, GRAM, MAX_LEVELS, STRIDE } from '../../../shared/secrets/find.ts';
import { formsOfSecret } from '../../../shared/secrets/forms.ts';
import { hasKeyBegin, tokensIn } from '../../../shared/text/redact-patterns.ts';
import { tokenAnchors } from './anchors.ts';
import { aroundEscapes } from './escapes.ts';

export const NONE = 0;
export const VALUES = 1;
export const TOKENS = 2;

/** In the middle: many values begin with a word. */
const FIRST = 17;

const BITS = 16;
const FACTOR = 0x9e3779b1;
const DOT = 0x2e;
/** Bytes around four that may begin a token. */
const BEFORE = 40;
const BEHIND = 256;
/** Looks around four bytes that begin no token; after them the search of the whole text decides, which costs less. */
const MAX_MISSES = 32;
/** In a short text fewer: a look costs as much as the search of about so many bytes. */
const BYTES_PER_MISS = 1024;
/** The beginning of a token with parts of any length. */
const LONG_TOKEN = /eyJ[\w-]{8,}(?:\.eyJ|$)/;

/** Places before and behind the second dot of a token of Discord, which begins like anything, within its long parts. */
const LONG_AROUND = [-8, -15, -22, -29, 1, 9, 18, 27];
const IS_WORD = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++)
  if (/[\w-]/.test(String.fromCharCode(byte))) IS_WORD[byte] = 1;
/** The anchors of tokens as numbers; the same for all servers. */
let anchors: ReadonlySet<number> | null = null;

export class SecretFilter {
  /** One bit for each hash of four bytes: asked first. */
  readonly #bits = new Uint32Array(1 << (BITS - 5));
  readonly #anchors: ReadonlySet<number>;
  /** The first four bytes of the grams, and hashes of all six. */
  readonly #fours = new Set<number>();
  readonly #grams = new Set<number>();

  constructor(values: readonly string[]) {
    anchors ??= new Set(Array.from(tokenAnchors(), (anchor) => Buffer.from(anchor).readInt32BE()));
    this.#anchors = anchors;
    for (const anchor of anchors) this.#add(anchor);
    const forms = new Set(values.flatMap(formsOfSecret));
    for (const form of forms) for (const gram of gramsOf(form)) this.#addGram(gram);
  }

  /** What a text may hold: `NONE`, `VALUES`, `TOKENS`, or both. @param bytes UTF-8. */
  mayHold(bytes: Uint8Array): number {
    const found = this.#search(bytes, this.#grams.size === 0 ? TOKENS : VALUES | TOKENS);
    if (this.#grams.size === 0 || (found & VALUES) !== 0) return found;
    let inner: Uint8Array | null = bytes;
    for (let level = 0; level < MAX_LEVELS; level++) {
      inner = aroundEscapes(inner, level > 0);
      if (inner === null) return found;
      if (this.#search(inner, VALUES) !== NONE) return found | VALUES;
    }
    return found;
  }

  /** @param wanted sorts that are looked for. */
  #search(bytes: Uint8Array, wanted: number): number {
    const bits = this.#bits;
    const { length } = bytes;
    let left = wanted;
    let misses = Math.min(MAX_MISSES, Math.floor(length / BYTES_PER_MISS));
    let four = 0;
    for (let at = 0; at < length; at++) {
      const byte = bytes[at]!;
      four = (four << 8) | byte;
      const bit = Math.imul(four, FACTOR) >>> (32 - BITS);
      if (((bits[bit >>> 5]! >>> (bit & 31)) & 1) === 1) {
        if ((left & VALUES) !== 0 && this.#hasGram(bytes, at - 3, four)) left &= ~VALUES;
        if ((left & TOKENS) !== 0 && this.#anchors.has(four)) {
          if (--misses < 0 || hasToken(bytes, at)) left &= ~TOKENS;
        }
        if (left === NONE) return wanted;
      }
      if (byte === DOT && (left & TOKENS) !== 0 && bytes[at - 7] === DOT) {
        if (isLongAround(bytes, at) && (--misses < 0 || hasToken(bytes, at))) left &= ~TOKENS;
        if (left === NONE) return wanted;
      }
    }
    return wanted & ~left;
  }

  #hasGram(bytes: Uint8Array, at: number, four: number): boolean {
    return this.#fours.has(four) && this.#grams.has(hashAt(bytes, at));
  }

  #addGram(gram: Buffer): void {
    const four = gram.readInt32BE();
    this.#add(four);
    this.#fours.add(four);
    this.#grams.add(hashAt(gram, 0));
  }

  #add(four: number): void {
    const bit = Math.imul(four, FACTOR) >>> (32 - BITS);
    this.#bits[bit >>> 5]! |= 1 << (bit & 31);
  }
}

/** Parts of a form, such that whatever is found of the form holds one of them whole. */
function gramsOf(form: string): Buffer[] {
  const places: number[] = [];
  if (form.length <= FRAGMENT) places.push(mostTelling(form));
  else {
    for (let at = FIRST; at <= form.length - GRAM; at += STRIDE) {
      // Whatever holds the part from within a character holds one of the two beside it.
      if (isWithin(form, at)) places.push(at - 1, at + 1);
      else places.push(at);
    }
  }
  return places.flatMap((at) => {
    // Half of a character has other bytes than the whole.
    const end = isWithin(form, at + GRAM) ? at + GRAM + 1 : at + GRAM;
    const gram = form.slice(at, end);
    // Behind an escape, bytes that are not UTF-8 count as Latin-1.
    const others = /[\u0080-\u00ff]/.test(gram) ? [Buffer.from(gram, 'latin1')] : [];
    return [Buffer.from(gram), ...others];
  });
}

/** Whether a place is between the two units of one character. */
function isWithin(form: string, at: number): boolean {
  return at > 0 && (form.codePointAt(at - 1) ?? 0) > 0xffff;
}

/** The part of a form that other text is least likely to hold. */
function mostTelling(form: string): number {
  let best = 0;
  let most = -1;
  for (let at = 0; at <= form.length - GRAM; at++) {
    if (isWithin(form, at)) continue;
    const gram = form.slice(at, at + GRAM);
    const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^\w]/].filter((kind) => kind.test(gram)).length;
    const value = 3 * kinds + new Set(gram).size;
    if (value > most) [best, most] = [at, value];
  }
  return best;
}

function hashAt(bytes: Uint8Array, at: number): number {
  let hash = 0;
  for (let next = at; next < at + GRAM; next++) {
    hash = Math.imul(hash ^ (bytes[next] ?? 0), 0x01000193);
  }
  return hash;
}

function isLongAround(bytes: Uint8Array, at: number): boolean {
  return LONG_AROUND.every((by) => IS_WORD[bytes[at + by] ?? 0] === 1);
}

function hasToken(bytes: Uint8Array, at: number): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString('latin1', Math.max(0, at - BEFORE), at + BEHIND);
  return tokensIn(text).length > 0 || hasKeyBegin(text) || LONG_TOKEN.test(text);
}
