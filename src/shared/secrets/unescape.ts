/**
 * Removes the escapes of JSON, programming languages, addresses and terminals from a text, and keeps the
 * place of each character in the original, so that an escaped secret can be found. Pure; linear in the text.
 */

export interface Unescaped {
  readonly text: string;
  /** Offset of each UTF-16 unit of `text` in the original, and at the end the original's length. */
  readonly starts: Int32Array;
}

/** The first character of terminal codes. */
const ESC = '\u001b';
const NOT_SEEN = '\\p{Cf}\\p{Default_Ignorable_Code_Point}';
/** A text without any of these has no escapes. */
const MAY_BE_ESCAPED = new RegExp(`[\\\\%${ESC}${NOT_SEEN}]`, 'u');
const HEX = '[\\da-fA-F]';
const ESCAPE = new RegExp(
  [
    `\\\\u\\{(${HEX}{1,6})\\}`,
    `\\\\u(${HEX}{4})`,
    `\\\\U(${HEX}{8})`,
    '\\\\([\\\\/"\'`bfnrt])',
    // Bytes; several may make one character.
    `((?:%${HEX}{2}|\\\\x${HEX}{2})+)`,
    // Colours, and invisible characters.
    `${ESC}\\[[\\d;]{0,20}[A-Za-z]|[${NOT_SEEN}]`,
  ].join('|'),
  'gu',
);
const LETTERS: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const MAX_CODE_POINT = 0x10ffff;

/** Removes one level of escapes; null when there are none. */
export function unescaped(text: string): Unescaped | null {
  if (!MAY_BE_ESCAPED.test(text)) return null;
  const starts = new Int32Array(text.length + 1);
  let result = '';
  let from = 0;
  let length = 0;
  const keep = (to: number) => {
    for (let at = from; at < to; at += 1) starts[length++] = at;
    result += text.slice(from, to);
  };
  const put = (units: string, at: number) => {
    for (let unit = 0; unit < units.length; unit += 1) starts[length++] = at;
    result += units;
  };
  for (const match of text.matchAll(ESCAPE)) {
    const [whole, braced, four, eight, letter, bytes] = match;
    keep(match.index);
    from = match.index + whole.length;
    const code = braced ?? four ?? eight;
    if (code !== undefined) put(character(Number.parseInt(code, 16)), match.index);
    else if (letter !== undefined) put(LETTERS[letter] ?? letter, match.index);
    else if (bytes !== undefined) putBytes(bytes, match.index, put);
  }
  if (from === 0) return null;
  keep(text.length);
  starts[length] = text.length;
  return { text: result, starts: starts.subarray(0, length + 1) };
}

function character(code: number): string {
  return code > MAX_CODE_POINT ? '\ufffd' : String.fromCodePoint(code);
}

/** @param escapes `%C3%BC` or `\xc3\xbc`. Bytes that are not UTF-8 are taken for Latin-1. */
function putBytes(escapes: string, start: number, put: (units: string, at: number) => void): void {
  const places: number[] = [];
  const bytes: number[] = [];
  for (const { 0: escape, index } of escapes.matchAll(/(?:%|\\x)../g)) {
    places.push(start + index);
    bytes.push(Number.parseInt(escape.slice(-2), 16));
  }
  for (let at = 0; at < bytes.length; ) {
    const length = lengthOfCharacter(bytes, at);
    const units =
      length === 1
        ? String.fromCharCode(bytes[at] ?? 0)
        : Buffer.from(bytes.slice(at, at + length)).toString();
    put(units, places[at] ?? start);
    at += length;
  }
}

/** Length of the UTF-8 character at `at`; 1 when there is none. */
function lengthOfCharacter(bytes: readonly number[], at: number): number {
  const first = bytes[at] ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
  const rest = bytes.slice(at + 1, at + length);
  const isWhole = rest.length === length - 1 && rest.every((byte) => (byte & 0xc0) === 0x80);
  return isWhole ? length : 1;
}
