/**
 * Makes foreign text harmless to look at: no control character can move the cursor, hide, reorder or
 * imitate anything on a terminal, and JSON for machines is plain ASCII. Only for text that is shown, never
 * for text that is passed on.
 */

/** Stands in place of a character that must not reach a terminal. */
export const PLACEHOLDER = '\u{fffd}';

/**
 * Controls (C0 with newline and tab, DEL, C1), soft hyphen, characters that are invisible or reorder text
 * (zero-width and bidi characters, variation selectors, fillers, U+FEFF, tags), line and paragraph
 * separators, noncharacters and lone surrogates.
 */
const UNPRINTABLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}]/gu;

/** Replaces every `UNPRINTABLE` character by a placeholder. */
export function cleanForTerminal(text: string): string {
  return text.replace(UNPRINTABLE, PLACEHOLDER);
}

/**
 * Replaces every `UNPRINTABLE` character by a visible escape; line ends and tabs stay.
 */
export function escapeForTerminal(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    character === '\n' || character === '\t' ? character : escapeOf(character),
  );
}

/** The same as exactly one line: line ends and tabs become spaces. */
export function oneLine(text: string): string {
  return escapeForTerminal(text.replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, ' '));
}

/** Everything that some reader takes for the end of a line. */
const LINE_END = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/u;

/**
 * The lines of a text for readers, without any `UNPRINTABLE` character but tabs: a reader would not see
 * these.
 */
export function visibleLines(text: string): string[] {
  return text
    .split(LINE_END)
    .map((line) => line.replace(UNPRINTABLE, (character) => (character === '\t' ? '\t' : '')));
}

/**
 * JSON in which every character is printable ASCII (or the newline of an indent).
 *
 * @param indent spaces of each level; none: one line.
 */
export function asciiJson(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, null, indent) ?? 'null';
  return json.replace(/[\u007f-\uffff]/g, escapeOf);
}

/** One line of JSON, without its line end, in printable ASCII with the same meaning. */
export function asciiJsonLine(json: string): string {
  return json.replace(/[^ -~]/g, escapeOf);
}

/** `\u202e`, or `\u{e0041}` for a character of two UTF-16 units. */
export function escapeOf(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
}

/** The beginning of `text`: at most `maxUtf16` UTF-16 units, never half of a surrogate pair. */
export function clip(text: string, maxUtf16: number): string {
  if (text.length <= maxUtf16) return text;
  const last = text.charCodeAt(maxUtf16 - 1);
  const splitsPair = last >= 0xd800 && last < 0xdc00;
  return text.slice(0, splitsPair ? maxUtf16 - 1 : maxUtf16);
}
