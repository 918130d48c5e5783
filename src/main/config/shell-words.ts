/**
 * Text of a file as words of a POSIX shell, in printable ASCII alone. So a person cannot take a control,
 * invisible, look-alike or direction-changing character for another one, nor one word for two. Pure.
 */

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;
const PRINTABLE = /^[ -~]*$/;
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/**
 * One word, `'quoted'` or `$'esc\u0061ped'` where that is needed.
 *
 * @param longest most characters of the result; those that do not fit are counted behind it.
 * @param whole length of the whole text, if `text` is only its beginning.
 */
export function shellWord(text: string, longest: number, whole = text.length): string {
  if (whole <= longest && text.length <= longest) {
    if (PLAIN.test(text)) return text;
    if (PRINTABLE.test(text) && !text.includes("'")) return `'${text}'`;
  }
  let body = '';
  let taken = 0;
  for (const character of text.slice(0, longest)) {
    const escaped = escape(character);
    if (body.length + escaped.length > longest) break;
    body += escaped;
    taken += character.length;
  }
  return `$'${body}'${taken < whole ? `[+${whole - taken} characters]` : ''}`;
}

/**
 * Several words, as many as there is room for; the rest is counted and not looked at.
 *
 * @param what a noun for them, in the plural.
 * @param room characters for all of them.
 * @param toWord makes the word of one text.
 */
export function shellWords(
  texts: readonly string[],
  what: string,
  room: number,
  toWord: (text: string, index: number) => string,
): string {
  const words: string[] = [];
  let left = room;
  for (const [index, text] of texts.entries()) {
    const word = toWord(text, index);
    left -= word.length + 1;
    if (left < 0) break;
    words.push(word);
  }
  if (words.length < texts.length) {
    const rest = texts.slice(words.length);
    const characters = rest.reduce((sum, { length }) => sum + length, 0);
    words.push(`[+${rest.length} ${what}, ${characters} characters]`);
  }
  return words.join(' ');
}

function escape(character: string): string {
  if (ESCAPES[character] !== undefined) return ESCAPES[character];
  const point = character.codePointAt(0) ?? 0;
  if (point >= 0x20 && point < 0x7f) return character;
  const hex = point.toString(16);
  if (point < 0x80) return `\\x${hex.padStart(2, '0')}`;
  return point < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
