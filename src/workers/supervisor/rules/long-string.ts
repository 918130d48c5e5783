/**
 * What programs make of a string that is far longer than any path before they take it for one: `./` a thousand
 * times, names that are taken back by `..`, slashes, blanks around it, a query behind it all go, and what is
 * left may be short. Takes the string in pieces, so that one of any size needs little memory. Pure.
 */
import { isAround, percentDecoded } from './readings.ts';
import { ShortenedPath } from './shortened-path.ts';

/** How often it may be percent-encoded. */
const MAX_DECODED = 3;
/** An escape may go on in the next piece. */
const LONGEST_ESCAPE = 12;
const ESCAPE = /^%[\da-f]{2}$/i;
const CONTINUATION = /^%[89ab][\da-f]$/i;
const LINE_ENDS_AND_TABS = /[\t\r\n]/g;

/** What of it there is anywhere, in whatever writing; what there is not need not be looked for. */
export interface LongStringTraits {
  /** Line ends do not count in it. */
  readonly isUri: boolean;
  readonly hasDots: boolean;
  readonly hasPercent: boolean;
  readonly hasBackslash: boolean;
}

interface Decoding {
  /** Of the last piece, what may be the beginning of an escape. */
  tail: string;
  readonly paths: readonly ShortenedPath[];
}

export class LongString {
  readonly #isUri: boolean;
  /** Not decoded, once, twice, … */
  readonly #decodings: readonly Decoding[];
  #begun = false;
  #lineEnded = false;
  #hasText = false;
  /** It is of several lines, and no path. */
  #isText = false;

  constructor({ isUri, hasDots, hasPercent, hasBackslash }: LongStringTraits) {
    this.#isUri = isUri;
    const separators = hasBackslash ? ['/', '/\\'] : ['/'];
    const times = hasPercent ? 1 + MAX_DECODED : 1;
    this.#decodings = Array.from({ length: times }, () => ({
      tail: '',
      paths: separators.flatMap((one) => [
        new ShortenedPath(one, false),
        ...(hasDots ? [new ShortenedPath(one, true)] : []),
      ]),
    }));
  }

  /** Nothing short comes of it, whatever follows. */
  get isHopeless(): boolean {
    return this.#isText || this.#decodings.every(({ paths }) => paths.every((one) => one.isLong));
  }

  push(piece: string): void {
    if (!this.#isUri) this.#lookForLines(piece);
    let text = this.#begun ? piece : withoutBlanksBefore(piece);
    if (text !== '') this.#begun = true;
    for (const [times, decoding] of this.#decodings.entries()) {
      if (times > 0) text = decodedWith(decoding, text);
      const line = text.replaceAll(LINE_ENDS_AND_TABS, '');
      for (const path of decoding.paths) path.push(line);
    }
  }

  /** The paths that are left of it and not too long to be one. */
  end(): string[] {
    if (this.#isText) return [];
    const rest = this.#decodings.map(({ tail }) => tail);
    for (let [times, text] = [1, '']; times < this.#decodings.length; times += 1) {
      const { paths } = this.#decodings[times]!;
      text = percentDecoded(`${rest[times]}${text}`);
      for (const path of paths) path.push(text);
    }
    return [...new Set(this.#decodings.flatMap(({ paths }) => paths.flatMap((one) => one.end())))];
  }

  #lookForLines(piece: string): void {
    for (const line of piece.split(/([\r\n]+)/)) {
      const isBlank = withoutBlanksBefore(line) === '';
      if (isBlank && /[\r\n]/.test(line)) this.#lineEnded ||= this.#hasText;
      else if (!isBlank) {
        this.#isText ||= this.#lineEnded;
        this.#hasText = true;
      }
    }
  }
}

function withoutBlanksBefore(text: string): string {
  let start = 0;
  while (start < text.length && isAround(text.charAt(start))) start++;
  return text.slice(start);
}

/** Keeps back what may be the beginning of an escape. */
function decodedWith(decoding: Decoding, text: string): string {
  const whole = decoding.tail + text;
  let at = whole.indexOf('%', Math.max(0, whole.length - LONGEST_ESCAPE));
  // Several bytes make one character.
  while (CONTINUATION.test(whole.slice(at, at + 3)) && ESCAPE.test(whole.slice(at - 3, at)))
    at -= 3;
  decoding.tail = at < 0 ? '' : whole.slice(at);
  return percentDecoded(at < 0 ? whole : whole.slice(0, at));
}
