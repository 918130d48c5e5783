/**
 * Writing that no person sees, and commands that no person reads: evidence that lies in the raw text and needs
 * no understanding of it. Applies to definitions and to results. Pure; takes time linear in the text.
 *
 * Supervisor threads load this file: it has no tables.
 */
import { clip } from './clean-text.ts';

export interface HardFinding {
  readonly rule: 'hidden-characters' | 'encoded-command';
  /** A part of the text, or what it says when it is read. */
  readonly excerpt: string;
}

/**
 * One of each rule at most.
 *
 * @param strict true: more encoded runs than are decoded are a finding, too. They are cover for one in a definition,
 *   and honest in what a tool returns.
 */
export function hardFindings(text: string, strict = false): HardFinding[] {
  const found: HardFinding[] = [];
  const hidden = hiddenIn(text, false);
  if (hidden !== null) found.push({ rule: 'hidden-characters', excerpt: hidden });
  let tooMany: string | undefined;
  const encoded = encodedTexts(text, () => {
    if (strict) tooMany = `more than ${MAX_RUNS} runs of base64 or hex`;
  });
  const command = encoded.find(isCommand) ?? tooMany;
  if (command !== undefined) found.push({ rule: 'encoded-command', excerpt: excerptOf(command) });
  return found;
}

/** At most as long as a line of a log. */
export function excerptOf(text: string): string {
  return clip(text, 120);
}

/**
 * All that may hide or reorder text. Marks of joined scripts and of emoji have honest uses, which are told by what
 * stands around them.
 */
const SUSPECT =
  /[\u{e0000}-\u{e007f}]+|[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]+|(?:[\u200b-\u200d\u2060-\u2064\u206a-\u206f\ufeff\u180e]|\u034f)+|[\u115f\u1160\u3164\uffa0]+|[\u200e\u200f\u061c]+|[\u202a-\u202e\u2066-\u2069]+|[\ue000-\uf8ff\u{f0000}-\u{10fffd}]+/gu;

/** A flag of a region: its letters, and the tag that ends it. */
const FLAG = /^[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{1,6}\u{e007f}$/u;
/** Scripts in which joiners, and spaces without width, are a part of spelling. */
const JOINED =
  /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{M}]/u;
const FLAG_BASE = '\u{1f3f4}';
const PICTURE = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\ufe0f]/u;
/** What a variation selector may stand behind: pictures, digits of keycaps, ideographs, symbols. */
const VARIED =
  /[\p{Extended_Pictographic}\p{So}\p{Sm}\p{Sk}\p{Po}\p{Emoji}\p{Script=Han}\p{Script=Mongolian}\p{Script=Myanmar}]/u;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const JAMO = /[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]/;

/** How far away text that is written from right to left may be from a mark that orders it, in UTF-16 units. */
const NEAR = 64;
/** Icons of fonts come one by one. */
const MAX_ICONS = 2;
/** Marks that do not show, one behind the other, where they are most likely an accident of copying. */
const MAX_ACCIDENT = 3;

/**
 * What is hidden in a text, made visible; null: nothing.
 *
 * @param strict true: a single mark without an honest use counts, too. What people copy from web pages has some.
 */
export function hiddenIn(text: string, strict: boolean): string | null {
  SUSPECT.lastIndex = 0;
  for (let match = SUSPECT.exec(text); match !== null; match = SUSPECT.exec(text)) {
    const { 0: run, index } = match;
    if (!isHonest(text, run, index, strict)) return spelled(text, run, index);
  }
  return null;
}

/** Where a run of one kind of marks stands. */
interface Marks {
  readonly text: string;
  readonly run: string;
  readonly at: number;
  readonly strict: boolean;
  readonly code: number;
  /** Characters of the run. */
  readonly count: number;
}

function isHonest(text: string, run: string, at: number, strict: boolean): boolean {
  const code = run.codePointAt(0) ?? 0;
  const marks: Marks = { text, run, at, strict, code, count: characters(run) };
  const kind = KINDS.find(([from, to]) => code >= from && code <= to);
  return kind?.[2](marks) ?? isAccidentOrJoined(marks);
}

/** The kinds of marks: first and last code point, and whether they are honest where they stand. */
const KINDS: readonly (readonly [number, number, (marks: Marks) => boolean])[] = [
  [0x115f, 0x1160, ({ text, run, at }) => JAMO.test(text[at - 1] ?? text[at + run.length] ?? '')],
  [0x061c, 0x061c, ordersText],
  [0x200e, 0x200f, ordersText],
  [0x202d, 0x202e, ({ text, at, count }) => count === 1 && isRightToLeft(text, at)],
  [0x202a, 0x202c, ordersText],
  [0x2066, 0x2069, ordersText],
  [0xe000, 0xf8ff, ({ count, strict }) => !strict || count <= MAX_ICONS],
  [0xfe00, 0xfe0f, (marks) => variesPicture(marks, !marks.strict)],
  [0xe0000, 0xe007f, ({ text, run, at }) => charBefore(text, at) === FLAG_BASE && FLAG.test(run)],
  [0xe0100, 0xe01ef, (marks) => variesPicture(marks, false)],
  [0xf0000, 0x10fffd, ({ count }) => count <= MAX_ICONS],
];

function ordersText({ text, at, count, strict }: Marks): boolean {
  return count <= MAX_ACCIDENT && (!strict || isRightToLeft(text, at));
}

function variesPicture({ text, at, count }: Marks, anything: boolean): boolean {
  return count === 1 && (anything || VARIED.test(charBefore(text, at)));
}

function isAccidentOrJoined({ text, run, at, strict, code, count }: Marks): boolean {
  // A file that begins with a mark of its encoding.
  if (code === 0xfeff && at === 0) return count === 1;
  if (!strict) return count <= MAX_ACCIDENT;
  const end = at + run.length;
  return count <= 2 && isJoined(charBefore(text, at), run, text.slice(end, end + 2));
}

/** Joiners within emoji, and within scripts that need them. */
function isJoined(before: string, run: string, after: string): boolean {
  if (run === '\u200d' && PICTURE.test(before))
    return PICTURE.test(after) || /^[♀♂⚕⚖✈]/.test(after);
  return JOINED.test(before) && /^(?:[\u200b-\u200d\u2060\u180e]|\u034f)+$/.test(run);
}

function isRightToLeft(text: string, at: number): boolean {
  return RIGHT_TO_LEFT.test(text.slice(Math.max(0, at - NEAR), at + NEAR));
}

function charBefore(text: string, at: number): string {
  const unit = text.charCodeAt(at - 1);
  return unit >= 0xdc00 && unit <= 0xdfff ? text.slice(at - 2, at) : text.slice(at - 1, at);
}

function characters(run: string): number {
  let count = 0;
  for (const _ of clip(run, 64)) count += 1;
  return count;
}

/** What tags say, which are letters that do not show; of other runs the code points. */
function spelled(text: string, run: string, at: number): string {
  const around = text.slice(Math.max(0, at - 20), at);
  const codes = Array.from(clip(run, 80), (character) => character.codePointAt(0)!);
  const isTags = codes.every((code) => code > 0xe0000 && code <= 0xe007f);
  const hidden = isTags
    ? String.fromCharCode(...codes.map((code) => code - 0xe0000))
    : codes
        .slice(0, 8)
        .map((code) => `U+${code.toString(16).toUpperCase().padStart(4, '0')}`)
        .join(' ');
  return excerptOf(`${around}<${hidden}>`);
}

/** Runs that may be base64 or hex. Line ends within JSON, or within JSON within JSON, may divide them. */
const ENCODED = /[A-Za-z0-9+/_-]{24,}={0,2}(?:(?:\r?\n|\\n)[A-Za-z0-9+/_-]{4,}={0,2})*/g;
const HEX = /^(?:0x)?(?:[0-9a-fA-F]{2}){12,}$/;
/** A whole file is no hidden command. */
const MAX_ENCODED = 2048;
/** Runs of one text that are decoded. */
const MAX_RUNS = 4096;
// Tabs and line ends, and what is printable.
const READABLE = /^[\t\n\r\x20-\x7e]+$/;

/** What a text says in base64 or hex, where that is readable. @param onTooMany there are runs that are not decoded. */
export function encodedTexts(text: string, onTooMany?: () => void): string[] {
  const found: string[] = [];
  let runs = 0;
  ENCODED.lastIndex = 0;
  for (let match = ENCODED.exec(text); match !== null; match = ENCODED.exec(text)) {
    const [run] = match;
    if (run.length > MAX_ENCODED) continue;
    runs += 1;
    if (runs > MAX_RUNS) {
      onTooMany?.();
      break;
    }
    const plain = run.replace(/\\n|[\r\n]/g, '');
    const encoding = HEX.test(plain) ? 'hex' : 'base64';
    const decoded = Buffer.from(plain.replace(/^0x/, ''), encoding).toString('latin1');
    if (decoded.length >= 12 && READABLE.test(decoded)) found.push(decoded);
  }
  return found;
}

const DOWNLOAD =
  /\b(?:curl|wget|iwr|Invoke-WebRequest|Invoke-Expression|fetch|urlopen|DownloadString)\b.{0,200}?(?:https?:|ftp:|\b\d{1,3}(?:\.\d{1,3}){3}\b|\$)/s;
const SHELL =
  /\b(?:ba|z|k|da)?sh\s+-c\b|\|\s*(?:sudo\s+)?(?:ba|z|k|da)?sh\b|\/dev\/tcp\/|\b(?:nc|ncat)\s+-\w*e|\bpowershell(?:\.exe)?\s+-|\bcmd(?:\.exe)?\s+\/c\b|\biex\s*\(|\bos\.system\(|\bsubprocess\.|\bchild_process\b|\brm\s+-\w*[rf]|\bchmod\s+(?:\+x|[0-7]{3,4})\b|\bmkfifo\b|\bcrontab\b|\beval\(/;

/** Whether a text runs a shell, or fetches something. */
export function isCommand(text: string): boolean {
  return SHELL.test(text) || DOWNLOAD.test(text);
}
