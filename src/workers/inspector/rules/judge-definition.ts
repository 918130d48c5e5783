/** What the rules find in one definition. Pure; takes time linear in its bytes. */
import type { Finding, Judged } from '../../../shared/model/findings.ts';
import { MAX_DEFINITION } from '../../../shared/protocol/inspect.ts';
import { oneLine } from '../../../shared/text/clean-text.ts';
import {
  encodedTexts,
  excerptOf,
  hardFindings,
  hiddenIn,
  isCommand,
} from '../../../shared/text/hard-findings.ts';
import { redactPrivateKeys, redactTokens } from '../../../shared/text/redact-patterns.ts';
import { type Field, fieldsOf } from './fields.ts';
import { hiddenBlock } from './hidden-blocks.ts';
import { SECRET_OR_TALK } from './phrases/all.ts';
import { plainText, shownText } from './plain-text.ts';
import { orderAbout } from './shadowing.ts';
import { type Weighed, weighPhrases } from './soft.ts';

/** Characters of all fields together. */
const MAX_TEXT = 256 * 1024;
const MAX_FINDINGS = 16;
/** What phrases weigh together that make a finding. */
const ENOUGH = 1;
/** What a phrase counts beside those of other fields. */
const ELSEWHERE = 0.6;

// Colours and the like: nobody sees what a terminal was told to hide.
const CONTROL = /(?![\t\n\f\r\u0085])\p{Cc}/u;
/** Text that begins where no preview reaches. */
const FAR_AWAY = /(?<!\s)(?:(?:\r?\n[ \t]*){30,}|[ \t\u00a0]{200,})\S/;
const SOFT_HYPHEN = /\p{L}\u00ad\p{L}/u;

/** @param foreign names of tools of other servers. */
export function judgeDefinition(
  item: Pick<Judged, 'json'>,
  foreign: ReadonlySet<string>,
): Finding[] {
  const root = parsed(item.json);
  const fields = bounded(fieldsOf(root));
  const findings = [...fields.flatMap((field) => hardOf(field, foreign)), ...softOf(fields)];
  const told = new Set<string>();
  return findings
    .filter(({ rule, hard }) => {
      const key = `${rule} ${hard}`;
      if (told.has(key)) return false;
      told.add(key);
      return true;
    })
    .slice(0, MAX_FINDINGS);
}

/** What cannot be parsed is judged as one text. */
function parsed(json: Uint8Array): unknown {
  const text = Buffer.from(
    json.buffer,
    json.byteOffset,
    Math.min(json.length, MAX_DEFINITION),
  ).toString();
  if (json.length > MAX_DEFINITION) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function bounded(fields: readonly Field[]): Field[] {
  const kept: Field[] = [];
  let left = MAX_TEXT;
  for (const field of fields) {
    if (left <= 0) break;
    kept.push(field.text.length <= left ? field : { ...field, text: field.text.slice(0, left) });
    left -= field.text.length;
  }
  return kept;
}

function hardOf({ path, text }: Field, foreign: ReadonlySet<string>): Finding[] {
  const found: Finding[] = [];
  const hidden = hiddenIn(text, true) ?? (CONTROL.test(text) ? controlIn(text) : null);
  if (hidden !== null) found.push(finding('hidden-characters', true, path, hidden));
  const shown = shownText(text);
  for (const { rule, excerpt } of hardFindings(shown, true))
    found.push(finding(rule, true, path, excerpt));
  const block = hiddenBlock(text);
  if (block !== null) found.push(finding('hidden-block', true, path, block));
  const order = orderAbout(shown, foreign);
  if (order !== null) found.push(finding('shadowing', true, path, order));
  return found;
}

function controlIn(text: string): string {
  const at = text.search(CONTROL);
  return text.slice(Math.max(0, at - 20), at + 80);
}

function softOf(fields: readonly Field[]): Finding[] {
  const found: Finding[] = [];
  const all: Weighed[] = [];
  for (const field of fields) {
    const { path, text } = field;
    const plain = plainText(text);
    const weighed = [...weighPhrases(plain), ...sinkOf(field, plain)];
    const shown = shownText(text);
    for (const decoded of encodedTexts(shown)) {
      if (isCommand(decoded)) continue;
      const inner = weighPhrases(plainText(decoded));
      if (sumOf(inner) >= ENOUGH / 2)
        found.push(finding('encoded-instruction', false, path, decoded));
    }
    if (sumOf(weighed) >= ENOUGH) {
      found.push(...heaviest(weighed).map((one) => finding(one.rule, false, path, one.excerpt)));
      // Soft hyphens do not show, and an honest text without one says the same.
      if (SOFT_HYPHEN.test(text))
        found.push(finding('hidden-characters', true, path, weighed[0]?.excerpt ?? ''));
    }
    all.push(...weighed);
    if (FAR_AWAY.test(text)) found.push(finding('far-away', false, path, text.trim().slice(-100)));
    const secret = liveSecret(shown);
    if (secret !== null) found.push(finding('live-secret', false, path, secret));
  }
  if (found.length === 0 && sumOf(heaviest(all)) * ELSEWHERE >= ENOUGH) {
    found.push(...heaviest(all).map((one) => finding(one.rule, false, '', one.excerpt)));
  }
  return found;
}

/** A parameter that asks for secrets, or for what was said. */
function sinkOf({ parameter, path }: Field, plain: string): Weighed[] {
  if (parameter === '' || !/\.(?:description|title|const|default|examples)$/.test(path)) return [];
  if (!WHOLE.test(plain)) return [];
  const match = SECRET_OR_TALK.exec(plain);
  return match === null ? [] : [{ rule: 'sink', weight: 0.5, excerpt: match[0] }];
}

/** Words for all of what something holds. */
const WHOLE =
  /\b(?:contents?|text of|output of|values|word for word|verbatim|private key|entire|whole|full|complete|so far|repeat|any credentials|tokens|everything|all (?:files|environment)|your (?:system|instructions))\b/;

function sumOf(weighed: readonly Weighed[]): number {
  return weighed.reduce((sum, { weight }) => sum + weight, 0);
}

/** Of each rule the heaviest. */
function heaviest(weighed: readonly Weighed[]): Weighed[] {
  const best = new Map<string, Weighed>();
  for (const one of weighed) {
    if ((best.get(one.rule)?.weight ?? 0) < one.weight) best.set(one.rule, one);
  }
  return [...best.values()];
}

/** The kind of the first secret in a text, which is not shown itself. */
function liveSecret(text: string): string | null {
  let kind: string | null = null;
  const mark = (name: string) => {
    kind ??= name;
    return '';
  };
  redactTokens(text, mark);
  redactPrivateKeys(text, mark);
  const password = URL_PASSWORD.exec(text)?.[1];
  if (kind === null && password !== undefined && !PLACEHOLDER_PASSWORD.test(password))
    kind = 'url-password';
  return kind;
}

const URL_PASSWORD = /[a-z]:\/\/[^\s/:@"'<>\\]{1,128}:([^\s/:@"'<>\\]{1,128})@/;
/** As it stands in examples. */
const PLACEHOLDER_PASSWORD =
  /^(?:.{0,3}|[a-z]{0,12}pass(?:word|wd)?\d{0,4}|secret|token|pwd|x+|\*+|\.+|[A-Z_]+|[$%{[(].*)$/i;

function finding(rule: string, hard: boolean, field: string, excerpt: string): Finding {
  return { rule, hard, field, excerpt: oneLine(excerptOf(excerpt)) };
}
