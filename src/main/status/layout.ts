/**
 * Text on a terminal of a certain width: how many columns it takes, how it is cut, and how it is folded into
 * lines, in any script. For cleaned text. Pure.
 */
import stringWidth from 'string-width';

/** Text of single characters of one column each: ASCII, and the signs of the page itself. */
const SIMPLE = /^[ -~…→↑↓–\u{fffd}]*$/u;
/** Deeper than this a folded line is not indented. */
const DEEPEST = 8;

/** Columns that a text takes at most: terminals do not agree about joined characters. */
export function columnsOf(text: string): number {
  if (SIMPLE.test(text)) return text.length;
  return graphemes(text).reduce((sum, one) => sum + graphemeColumns(one), 0);
}

/** The text cut to `columns`, with an ellipsis at its end when something is missing. */
export function cutEnd(text: string, columns: number): string {
  return columnsOf(text) <= columns ? text : `${beginning(graphemes(text), columns - 1)}…`;
}

/** The same, with the ellipsis at the beginning: for paths, because their ends say more. */
export function cutStart(text: string, columns: number): string {
  return columnsOf(text) <= columns ? text : `…${end(graphemes(text), columns - 1)}`;
}

/** The same, with the ellipsis in the middle: for names, because beginning and end tell them apart. */
export function cutMiddle(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  const all = graphemes(text);
  const tail = end(all, Math.floor((columns - 1) / 2));
  return `${beginning(all, columns - 1 - columnsOf(tail))}…${tail}`;
}

/** Spaces are added up to `columns`. @param side on which the text stands. */
export function pad(text: string, columns: number, side: 'left' | 'right' = 'left'): string {
  const spaces = ' '.repeat(Math.max(0, columns - columnsOf(text)));
  return side === 'left' ? text + spaces : spaces + text;
}

/**
 * Lines of at most `columns`, broken between words where that is possible. All but the first are indented a
 * little deeper than the text is.
 */
export function fold(text: string, columns: number): string[] {
  if (columnsOf(text) <= columns) return [text];
  const indent = Math.min(/^ */.exec(text)?.[0].length ?? 0, DEEPEST);
  const hang = ' '.repeat(indent + 2);
  const lines: string[] = [];
  let line = ' '.repeat(indent);
  let used = indent;
  let isEmpty = true;
  const next = (): void => {
    lines.push(line);
    line = hang;
    used = hang.length;
    isEmpty = true;
  };
  const add = (piece: string, width: number): void => {
    line += piece;
    used += width;
    isEmpty = false;
  };
  for (const word of text.trim().split(' ')) {
    const gap = isEmpty ? '' : ' ';
    const width = columnsOf(word);
    if (used + gap.length + width <= columns) {
      add(gap + word, gap.length + width);
      continue;
    }
    if (!isEmpty) next();
    for (const one of graphemes(word)) {
      const oneWidth = graphemeColumns(one);
      if (used + oneWidth > columns) next();
      add(one, oneWidth);
    }
  }
  lines.push(line);
  return lines;
}

/**
 * A line of a shell in lines of at most `columns` that are still one when they are pasted: broken by a backslash,
 * between words where that is possible. A part in single quotes stays whole, however long it is.
 */
export function foldCommand(command: string, columns: number): string[] {
  if (columnsOf(command) <= columns) return [command];
  const lines: string[] = [];
  let line = '';
  for (const word of command.match(/(?:"[^"]*"|'[^']*'|[^ ])+/g) ?? []) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (columnsOf(joined) <= columns - 2) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(`${line} \\`);
    line = `  ${word}`;
    if (word.includes("'")) continue;
    while (columnsOf(line) > columns - 2) {
      const first = beginning(graphemes(line), columns - 2);
      lines.push(`${first}\\`);
      line = line.slice(first.length);
    }
  }
  lines.push(line);
  return lines;
}

function beginning(all: readonly string[], columns: number): string {
  return all.slice(0, fitting(all, columns)).join('');
}

function end(all: readonly string[], columns: number): string {
  const count = fitting([...all].reverse(), columns);
  return all.slice(all.length - count).join('');
}

/** How many of the first ones fit into `columns`. */
function fitting(all: readonly string[], columns: number): number {
  let used = 0;
  const stop = all.findIndex((one) => {
    used += graphemeColumns(one);
    return used > columns;
  });
  return stop === -1 ? all.length : stop;
}

/** Made for the first text that needs it. */
let segmenter: Intl.Segmenter | null = null;

function graphemes(text: string): string[] {
  return SIMPLE.test(text)
    ? Array.from(text)
    : Array.from((segmenter ??= new Intl.Segmenter()).segment(text), ({ segment }) => segment);
}

/** A terminal that does not join the characters of a grapheme shows each of them. */
function graphemeColumns(grapheme: string): number {
  if (SIMPLE.test(grapheme)) return grapheme.length;
  if (grapheme.length === 1) return stringWidth(grapheme);
  const apart = Array.from(grapheme).reduce((sum, one) => sum + stringWidth(one), 0);
  return Math.max(stringWidth(grapheme), apart);
}
