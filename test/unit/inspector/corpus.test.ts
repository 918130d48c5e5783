import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  corpus,
  type Entry,
  HARD,
  isHeldOut,
  NOTHING,
  type Side,
  SOFT,
  verdictOf,
} from '../../support/poison-corpus.ts';

const SIDES: readonly Side[] = ['malicious', 'benign', 'hard-negative'];

const heldOut = (side: Side) => corpus(side).filter((entry) => isHeldOut(side, entry));
const ids = (entries: readonly Entry[]) => entries.map(({ id }) => id);

describe('the corpus', () => {
  test('is large enough, has each entry once, and names where it is from', () => {
    const sizes = SIDES.map((side) => corpus(side).length);
    expect(sizes[0]).toBeGreaterThanOrEqual(300);
    expect(sizes[1]).toBeGreaterThanOrEqual(300);
    expect(sizes[2]).toBeGreaterThanOrEqual(150);
    for (const side of SIDES) {
      const entries = corpus(side);
      expect(new Set(ids(entries)).size).toBe(entries.length);
      expect(entries.filter(({ source }) => !source)).toEqual([]);
    }
    const servers = new Set(corpus('benign').map(({ server }) => server));
    expect(servers.size).toBeGreaterThanOrEqual(25);
  });

  test('has about a fifth of each side held out, and all variants of one text on the same side', () => {
    for (const side of SIDES) {
      const share = heldOut(side).length / corpus(side).length;
      expect(share).toBeGreaterThan(0.15);
      expect(share).toBeLessThan(0.25);
    }
  });
});

describe('on the fifth that is held out', () => {
  test('no honest definition has a hard finding, not even one that speaks of attacks', () => {
    expect(ids(heldOut('benign').filter((entry) => verdictOf(entry) === HARD))).toEqual([]);
    const spoken = heldOut('hard-negative');
    const wrong = spoken.filter((entry) => verdictOf(entry) === HARD);
    expect(wrong.length, ids(wrong).join(' ')).toBeLessThanOrEqual(spoken.length * 0.01);
  });

  test('nine of ten poisoned definitions have a finding', () => {
    const poisoned = heldOut('malicious');
    const missed = poisoned.filter((entry) => verdictOf(entry) === NOTHING);
    expect(missed.length, ids(missed).join(' ')).toBeLessThanOrEqual(poisoned.length * 0.1);
  });

  test('of honest definitions one in twenty has a soft finding at most', () => {
    const honest = heldOut('benign');
    const warned = honest.filter((entry) => verdictOf(entry) > NOTHING);
    expect(warned.length, ids(warned).join(' ')).toBeLessThanOrEqual(honest.length * 0.05);
  });
});

test('no honest definition of all has a hard finding', () => {
  const honest = [...corpus('benign'), ...corpus('hard-negative')];
  expect(ids(honest.filter((entry) => verdictOf(entry) === HARD))).toEqual([]);
});

describe('characters that do not show change no verdict to a milder one', () => {
  const inWords = (mark: string) => (text: string) =>
    text.replace(/([A-Za-z])(?=[a-z])/g, `$1${mark}`);
  test.each<[string, (text: string) => string]>([
    ['a space without width in each word', inWords('\u200b')],
    ['joiners in each word', inWords('\u200d')],
    ['soft hyphens in each word', inWords('\u00ad')],
    ['variation selectors in each word', inWords('\ufe0f')],
    ['word joiners between words', (text) => text.replaceAll(' ', ' \u2060')],
    ['marks of direction between words', (text) => text.replaceAll(' ', '\u200e ')],
    ['tags at the end', (text) => `${text}\u{e0041}\u{e0042}`],
    ['isolates around it', (text) => `\u2066${text}\u2069`],
    ['a mark of encoding before it', (text) => `\ufeff${text}`],
    ['one soft hyphen', (text) => text.replace(/([a-z]{3})([a-z]{3})/, '$1\u00ad$2')],
    ['spaces of other widths', (text) => text.replaceAll(' ', '\u2009')],
  ])('%s', (_, change) => {
    const milder: string[] = [];
    for (const entry of corpus('malicious')) {
      const changed = JSON.stringify(entry.definition, (key, value: unknown) =>
        typeof value === 'string' && key !== 'type' ? change(value) : value,
      );
      if (verdictOf(entry, changed) < verdictOf(entry)) milder.push(entry.id);
    }
    expect(milder).toEqual([]);
  });
});

const page = readFileSync(new URL('../../../docs/findings.md', import.meta.url), 'utf8').replace(
  / +/g,
  ' ',
);

test('docs/findings.md says what is found on the fifth that is held out', () => {
  const poisoned = heldOut('malicious');
  const [honest, spoken] = [heldOut('benign'), heldOut('hard-negative')];
  const found = poisoned.filter((entry) => verdictOf(entry) > NOTHING).length;
  const share = (found / poisoned.length).toFixed(2).slice(1);
  const of = (side: readonly Entry[], verdict: number) =>
    `${side.filter((entry) => verdictOf(entry) === verdict).length} of ${side.length}`;
  const rows = [
    `poisoned definitions with a finding | ${found} of ${poisoned.length} (${share})`,
    `honest definitions with a hard finding | ${of(honest, HARD)}`,
    `honest ones that speak of attacks, with a hard finding | ${of(spoken, HARD)}`,
    `honest definitions with a soft finding | ${of(honest, SOFT)}`,
    `honest ones that speak of attacks, with a soft finding | ${of(spoken, SOFT)}`,
  ];
  for (const row of rows) expect(page).toContain(`| ${row} |`);
});

test('docs/findings.md says what is found in honest definitions of all', () => {
  const all = corpus('benign');
  const real = all.filter(({ source }) => source.startsWith('npm'));
  const servers = new Set(real.map(({ server }) => server)).size;
  const soft = all.filter((entry) => verdictOf(entry) === SOFT).length;
  expect(page.replaceAll('\n', ' ')).toContain(
    `Of the ${all.length} honest definitions of the corpus (${real.length} of ${servers} real servers), with the ` +
      `names of all others known, none has a hard finding and ${soft} have a soft one.`,
  );
});

test('docs/findings.md says what is found of each class', () => {
  const rows = [...new Set(corpus('malicious').map((entry) => entry.class))].sort().map((name) => {
    const of = corpus('malicious').filter((entry) => entry.class === name);
    const share = (entries: readonly Entry[]) => {
      const found = entries.filter((entry) => verdictOf(entry) > NOTHING).length;
      return entries.length === 0 ? '-' : `${found} of ${entries.length}`;
    };
    const hard = of.filter((entry) => verdictOf(entry) === HARD).length;
    const held = of.filter((entry) => isHeldOut('malicious', entry));
    return `| ${name} | ${share(of)} | ${hard} | ${share(held)} |`;
  });
  const written = page.split('\n').filter((line) => /^\| [\w-]+ \| \d+ of \d+ /.test(line));
  expect(written).toEqual(rows);
});
