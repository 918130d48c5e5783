/**
 * Finds the secrets in the texts of an answer, as ranges of its line. A text is read in pieces: one that the filter
 * lets through costs little, and only the others are decoded and searched. Secrets of one server.
 */
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { SecretFinder } from '../../../shared/secrets/find.ts';
import {
  type Found,
  PRIVATE_KEY,
  privateKeysIn,
  tokensIn,
} from '../../../shared/text/redact-patterns.ts';
import { NONE, SecretFilter, TOKENS, VALUES } from './filter.ts';
import { eachPiece, type Piece, placeOf } from './pieces.ts';

/** What the kinds of configured values are called. */
export const CONFIGURED = 'secret';
/** Called with a range of the line within a string, in order and without overlap, and what is there. */
export type TellSecret = (start: number, end: number, kind: string) => void;
/** Finds what else is not to be seen. Units of UTF-16. */
export type FindMore = (text: string) => readonly Found[];

/** What tokens and private keys are made of, apart from white space. */
const OF_TOKEN = new Uint8Array(256);
for (const one of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.+/=') {
  OF_TOKEN[one.charCodeAt(0)] = 1;
}

export class SecretsInText {
  readonly #values: readonly string[];
  #finder: SecretFinder | null = null;
  #filter: SecretFilter | null = null;

  /** @param values that are looked for in all their usual forms. */
  constructor(values: readonly string[]) {
    this.#values = values;
  }

  /** Whether there may be one. @param bytes UTF-8. */
  mayBeIn(bytes: Uint8Array): boolean {
    this.#filter ??= new SecretFilter(this.#values);
    return this.#filter.mayHold(bytes) !== NONE;
  }

  /** @param at of a string in the line, quotes included. @param more null: nothing. */
  find(line: Uint8Array, at: ByteRange, tell: TellSecret, more: FindMore | null): void {
    this.#filter ??= new SecretFilter(this.#values);
    const filter = this.#filter;
    const [start, end] = at;
    eachPiece(line, start, end, (piece) => {
      const sorts = filter.mayHold(piece.bytes);
      if (sorts === NONE && more === null) return 0;
      const { bytes } = piece;
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
      const found = [...this.#inText(text, sorts), ...(more?.(text) ?? [])];
      return found.length === 0 ? 0 : tellFound(line, end - 1, piece, united(found), tell);
    });
  }

  #inText(text: string, sorts: number): Found[] {
    const tokens = (sorts & TOKENS) === 0 ? [] : [...privateKeysIn(text), ...tokensIn(text)];
    if ((sorts & VALUES) === 0) return tokens;
    this.#finder ??= new SecretFinder(this.#values);
    const values = this.#finder.find(text).map((range) => ({ ...range, kind: CONFIGURED }));
    return [...values, ...tokens];
  }
}

/** @returns where the next piece begins, if that is later than planned. */
function tellFound(
  line: Uint8Array,
  close: number,
  { from, start, next, to }: Piece,
  all: readonly Found[],
  tell: TellSecret,
): number {
  let place = from;
  let units = 0;
  for (const found of all) {
    const begin = placeOf(line, place, found.from - units);
    if (begin >= next && next < close) return 0;
    let end = placeOf(line, begin, found.to - found.from);
    if (end >= to && to < close) end = endOfRun(line, end, close, found.kind);
    [place, units] = [end, found.to];
    // What begins before the piece was told with the one before.
    if (end > start) tell(Math.max(begin, start), end, found.kind);
    if (end >= next) return end;
  }
  return 0;
}

/** Where what began in a piece, and is longer than what is seen behind it, ends. */
function endOfRun(line: Uint8Array, from: number, close: number, kind: string): number {
  let at = from;
  while (at < close) {
    const byte = line[at]!;
    const isBlank = kind === PRIVATE_KEY && (byte === 0x20 || byte === 0x5c);
    if (OF_TOKEN[byte] === 0 && !isBlank) break;
    at += byte === 0x5c ? 2 : 1;
  }
  return Math.min(at, close);
}

/** Joins what overlaps, under the name of what begins first. */
function united(all: Found[]): Found[] {
  all.sort((one, other) => one.from - other.from || other.to - one.to);
  const result: { from: number; to: number; kind: string }[] = [];
  for (const { from, to, kind } of all) {
    const last = result.at(-1);
    if (last !== undefined && from < last.to) last.to = Math.max(last.to, to);
    else if (to > from) result.push({ from, to, kind });
  }
  return result;
}
