/**
 * A text as a model understands it: one spelling for all that look or read alike. Rules about phrases look at this;
 * rules about hidden writing look at the raw text. Pure; takes time linear in the text.
 */

const ASCII = /^[\t\n\r\x20-\x7e]*$/;
/** All that does not show. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Co}]/gu;
const SPACES = /(?![\t\n\r])[\p{Cc}\p{Zs}\p{Zl}\p{Zp}]/gu;
/** A word in which Latin letters stand beside letters that look like them. */
const WORDS = /[\p{L}\p{M}]+/gu;
const LATIN = /[a-z]/;
/** Cyrillic and Greek letters that look like Latin ones, each before the one it looks like. */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  'аa еe ёe оo рp сc уy хx іi јj ѕs һh ԁd ԛq ԝw ьb кk мm нh тt вb оo αa εe οo ρp υu ιi κk νv τt χx ηn ωw'
    .split(' ')
    .map((pair) => [pair[0] ?? '', pair[1] ?? ''] as const),
);
/** Three letters and more, each behind the same mark. */
const SPACED =
  /(?<![\p{L}\p{N}])[\p{L}\p{N}]([ .*_-])[\p{L}\p{N}](?:\1[\p{L}\p{N}])+(?![\p{L}\p{N}])/gu;
const SEPARATORS = /[ .*_-]/g;

/** What is seen of a text: nothing that does not show, plain spaces and quotes. */
export function shownText(text: string): string {
  if (ASCII.test(text)) return text;
  return text
    .normalize('NFKC')
    .replace(SPACES, ' ')
    .replace(INVISIBLE, '')
    .replace(/[“”„«»]/g, '"')
    .replace(/[‘’‚]/g, "'");
}

/** The same in lower case, with one space for all that separates. */
export function plainText(text: string): string {
  const shown = shownText(text).replace(SPACED, unspaced).toLowerCase();
  const latinized = ASCII.test(shown) ? shown : shown.replace(WORDS, latin);
  return latinized.replace(/\s+/g, ' ');
}

function unspaced(run: string): string {
  return run.replace(SEPARATORS, '');
}

function latin(word: string): string {
  if (!LATIN.test(word)) return word;
  let changed = '';
  for (const letter of word) changed += LOOKALIKES.get(letter) ?? letter;
  return changed;
}

/** Where a text quotes: start and end of each part between two quotation marks, which are near each other. */
export function quotedParts(text: string): (readonly [start: number, end: number])[] {
  return Array.from(text.matchAll(QUOTED), (match) => [match.index, match.index + match[0].length]);
}

/** Between single quotes nothing but a part of a line, so that an apostrophe is not taken for a quote. */
const QUOTED =
  /"[^"\n]{1,400}"|`[^`\n]{1,400}`|(?<![\p{L}\p{N}])'(?:[^'\n]|(?<=\p{L})'(?=\p{L})){1,200}'(?![\p{L}\p{N}])/gu;
