/**
 * What has changed between two forms of a definition, as lines for a terminal: each member that differs, of texts the
 * words, with everything made visible that a reader would not see. Pure; bounded in time and in what it gives.
 */
import { clip, escapeForTerminal, escapeOf } from '../../shared/text/clean-text.ts';

const MOST_LINES = 200;
const MOST_MEMBERS = 20_000;
const DEEPEST = 64;
/** Words of two texts that are compared one by one. */
const MOST_WORDS = 1500;
const LONGEST_LINE = 4000;
/** Words without a change that are shown beside one. */
const BESIDE = 6;
/** Blank, or without a meaning of their own, and no ASCII space. */
const BLANK = /[\p{Zs}\p{Co}\u2800\u3164\uffa0]/gu;

/** @param before its JSON; null: it is new, and everything is shown. */
export function definitionDiff(before: string | null, after: string): string[] {
  const [old, now] = [membersOf(before), membersOf(after)];
  const paths = new Set([...old.keys(), ...now.keys()]);
  const lines: string[] = [];
  for (const path of paths) {
    const [was, is] = [old.get(path), now.get(path)];
    if (was === is) continue;
    if (lines.length === MOST_LINES) {
      lines.push('… and more');
      break;
    }
    const name = visible(path === '' ? 'text' : path);
    lines.push(clip(`${name}: ${changeOf(was, is)}`, LONGEST_LINE));
  }
  return lines;
}

/** A text on one line in which nothing is invisible, and a backslash begins an escape. */
export function visible(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replace(BLANK, (one) => (one === ' ' ? one : escapeOf(one)));
  return escapeForTerminal(escaped);
}

function changeOf(was: string | undefined, is: string | undefined): string {
  if (was === undefined) return `{+${visible(is ?? '')}+}`;
  if (is === undefined) return `[-${visible(was)}-]`;
  return wordsChanged(was, is);
}

/** `The [-old-]{+new+} words`. */
function wordsChanged(was: string, is: string): string {
  const [old, now] = [wordsIn(was), wordsIn(is)];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  const rest = Math.min(old.length, now.length) - start;
  while (end < rest && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  const [left, right] = [old.slice(start, old.length - end), now.slice(start, now.length - end)];
  const parts: Part[] = [
    { kind: 'same', words: old.slice(0, start) },
    ...(left.length > MOST_WORDS || right.length > MOST_WORDS
      ? [part('gone', left), part('new', right)]
      : between(left, right)),
    { kind: 'same', words: old.slice(old.length - end) },
  ];
  return parts.map((one, at) => shownPart(one, at, parts.length)).join('');
}

interface Part {
  readonly kind: 'same' | 'gone' | 'new';
  readonly words: readonly string[];
}

function part(kind: Part['kind'], words: readonly string[]): Part {
  return { kind, words };
}

function shownPart({ kind, words }: Part, at: number, count: number): string {
  if (words.length === 0) return '';
  const text = (some: readonly string[]) => visible(some.join(''));
  if (kind === 'gone') return `[-${text(words)}-]`;
  if (kind === 'new') return `{+${text(words)}+}`;
  if (words.length <= 2 * BESIDE) return text(words);
  const [head, tail] = [words.slice(0, BESIDE), words.slice(-BESIDE)];
  if (at === 0) return `…${text(tail)}`;
  return at === count - 1 ? `${text(head)}…` : `${text(head)}…${text(tail)}`;
}

/** Words and what is between them; together they are the text. */
function wordsIn(text: string): string[] {
  return text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
}

/** The longest common words of two lists, and what is between them. */
function between(old: readonly string[], now: readonly string[]): Part[] {
  const width = now.length + 1;
  const lengths = new Uint16Array((old.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const parts: { kind: Part['kind']; words: string[] }[] = [];
  const add = (kind: Part['kind'], word: string) => {
    const last = parts.at(-1);
    if (last?.kind === kind) last.words.push(word);
    else parts.push({ kind, words: [word] });
  };
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      add('same', old[i] ?? '');
      i += 1;
      j += 1;
    } else if (i < old.length && (j === now.length || at(i + 1, j) >= at(i, j + 1))) {
      add('gone', old[i] ?? '');
      i += 1;
    } else {
      add('new', now[j] ?? '');
      j += 1;
    }
  }
  return parts;
}

/** The scalars of a JSON text by their path. */
function membersOf(json: string | null): Map<string, string> {
  const found = new Map<string, string>();
  if (json === null) return found;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    return found.set('', json);
  }
  const walk = (path: string, one: unknown, depth: number): void => {
    if (found.size >= MOST_MEMBERS) return;
    if (typeof one !== 'object' || one === null || depth > DEEPEST) {
      found.set(path, typeof one === 'string' ? one : JSON.stringify(one));
      return;
    }
    const members = Object.entries(one);
    if (members.length === 0) found.set(path, Array.isArray(one) ? '[]' : '{}');
    for (const [key, inner] of members) {
      const step = Array.isArray(one) ? `[${key}]` : path === '' ? key : `.${key}`;
      walk(path + step, inner, depth + 1);
    }
  };
  walk('', value, 0);
  return found;
}
