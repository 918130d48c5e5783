import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SecretFinder } from '#src/shared/secrets/find.ts';
import { Redactor } from '#src/shared/text/redact.ts';
import { BETWEEN, BYTES, ESCAPES } from '../../support/secret-forms.ts';

const hex = (text: string) => Buffer.from(text).toString('hex');
const wellFormed = fc.string({ minLength: 8, maxLength: 60, unit: 'grapheme' });
/** What its own escapes leave of it must still be something. */
const secrets = wellFormed.filter(
  (text) =>
    /^\S.{5,}\S$/su.test(text) && !/[\\%\p{Cf}\p{Default_Ignorable_Code_Point}]/u.test(text),
);

describe('a secret is found', () => {
  const secret = 'p/w+d "quoted" é&=?';
  const finder = new SecretFinder([secret]);

  test.each(Object.keys({ ...ESCAPES, ...BETWEEN, ...BYTES }))('written as %s', (name) => {
    const encode = { ...ESCAPES, ...BETWEEN, ...BYTES }[name] ?? String;
    const text = encode(secret);
    const [range, more] = finder.find(`<<${text}>>`);
    expect(more).toBeUndefined();
    expect(range?.from).toBe(2);
    // Base64 ends in what depends on what follows.
    expect(range?.to).toBeGreaterThanOrEqual(2 + text.length - 3);
    expect(range?.to).toBeLessThanOrEqual(2 + text.length);
  });

  test('whatever it is, however it is escaped, and however often', () => {
    const escape = fc.constantFrom(...Object.values(ESCAPES));
    const between = fc.constantFrom(String, ...Object.values(BETWEEN));
    fc.assert(
      fc.property(secrets, between, fc.array(escape, { maxLength: 2 }), (value, put, escapes) => {
        const text = escapes.reduce((inner, encode) => encode(inner), put(value));
        const clean = new Redactor({ values: [value], builtIn: false }).redact(`=${text}=`);
        expect(clean).toBe('=[REDACTED:secret]=');
      }),
      { numRuns: 500 },
    );
  });

  test('in other writings of its bytes, escaped or not, alone or within something longer', () => {
    const writing = fc.constantFrom(...Object.values(BYTES));
    const escape = fc.constantFrom(String, ...Object.values(ESCAPES));
    const around = fc.tuple(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }));
    fc.assert(
      fc.property(secrets, writing, escape, around, (value, write, encode, [before, after]) => {
        const text = encode(write(`${before}${value}${after}`));
        const clean = new Redactor({ values: [value], builtIn: false }).redact(text);
        expect(clean).toContain('[REDACTED:secret]');
        expect(clean.length).toBeLessThan(text.length * 0.9 + 17);
        expect(clean).not.toContain(encode(write(value)));
      }),
      { numRuns: 500 },
    );
  });

  test('with its own escapes, as it is and in JSON', () => {
    for (const odd of ['C:\\new\\u0041bc', 'a%41%42-percent', 'back\\\\slash"quote', '100%sure!']) {
      const redactor = new Redactor({ values: [odd], builtIn: false });
      const json = JSON.stringify(odd).slice(1, -1);
      const twice = JSON.stringify(json).slice(1, -1);
      for (const text of [odd, json, twice, encodeURIComponent(odd), hex(odd)]) {
        expect(redactor.redact(`<${text}>`)).toBe('<[REDACTED:secret]>');
      }
    }
  });
});

describe('a long secret', () => {
  const secret = randomBytes(3000).toString('base64');

  test('is found in every fragment of 40 characters, in every form', () => {
    const finder = new SecretFinder([secret]);
    for (const write of Object.values(BYTES).slice(0, 2)) {
      const text = write(secret);
      for (let at = 0; at + 40 <= text.length; at += 97) {
        expect(finder.find(`<${text.slice(at, at + 40)}>`)).toEqual([{ from: 1, to: 41 }]);
      }
    }
    for (const length of [40, 41, 75, 76, 120, 3999]) {
      for (let at = 0; at + length <= secret.length; at += 13) {
        const text = `<${secret.slice(at, at + length)}>`;
        expect(finder.find(text)).toEqual([{ from: 1, to: text.length - 1 }]);
      }
    }
  });

  test('is found in the lines that base64 is broken into', () => {
    const wrapped = (BYTES['base64']?.(secret) ?? '').replace(/.{76}/g, '$&\n');
    const clean = new Redactor({ values: [secret], builtIn: false }).redact(wrapped);
    expect(clean.replaceAll('[REDACTED:secret]', '').replaceAll('\n', '').length).toBeLessThan(40);
  });

  test('is found line by line when it has several', () => {
    const lines = ['first-line-of-it', 'the second line', 'short'];
    const several = new Redactor({ values: [lines.join('\r\n')], builtIn: false });
    expect(several.redact('a first-line-of-it b the second line c short')).toBe(
      'a [REDACTED:secret] b [REDACTED:secret] c short',
    );
  });
});

describe('nothing is found', () => {
  test('in text without a secret', () => {
    const finder = new SecretFinder(['swordfish-1', randomBytes(60).toString('hex')]);
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: 'binary' }), (text) => {
        expect(finder.find(text)).toEqual([]);
      }),
    );
    expect(finder.find('swordfish-2 swordfish- \\u0073wordfish %73wordfish')).toEqual([]);
  });

  test('for what is too short', () => {
    expect(new SecretFinder(['abcde', '']).find('abcde abcde')).toEqual([]);
  });
});

test('where secrets overlap all of them are found', () => {
  const redactor = new Redactor({ values: ['abcdefgh', 'efghijkl', 'kl-mnopq'], builtIn: false });
  expect(redactor.redact('abcdefghijkl-mnopq abcdefghijkl')).toBe(
    '[REDACTED:secret] [REDACTED:secret]',
  );
});

test('a text that is made to be compared with too many secrets counts as one', () => {
  const beginning = 'abcdefghijklmnopqrstuvwxyz_ABCDEFGH';
  const alike = Array.from({ length: 1000 }, (_, at) => `${beginning}${10_000 + at}`);
  const finder = new SecretFinder(alike);
  const hostile = `begins ${beginning.repeat(300)} ends`;
  expect(finder.find(hostile)).toEqual([{ from: 0, to: hostile.length }]);
  // The next one is judged by itself.
  expect(finder.find(`begins ${alike.at(-1)} ends`)).toEqual([{ from: 7, to: 47 }]);
});

test('a hundred secrets and 64 KiB of whatever text take no time', () => {
  const random = Array.from({ length: 100 }, () => randomBytes(20).toString('base64'));
  const alike = Array.from(
    { length: 100 },
    (_, at) => `sk-ant-api03-${hex(`secret number ${at}`)}`,
  );
  const monotonous = ['a'.repeat(100_000), 'ab'.repeat(50_000), `${'a'.repeat(39)}b`.repeat(1000)];
  const pieces = [
    'a',
    'ab',
    `${'a'.repeat(39)}b`,
    `${'a'.repeat(38)}b`,
    random[0]?.slice(0, 20) ?? '',
    'sk-ant-api03-',
    'aaaaaaaaaaaab',
    '%41',
    '%C3',
    '%',
    '\\',
    '\\u005c',
    '\\\\u005c',
    '\\u00',
    '\u001b[',
    '\u001b[31m',
    '\u200b',
    'quick brown fox ',
  ];
  for (const values of [random, alike, monotonous]) {
    const finder = new SecretFinder(values);
    for (const piece of pieces) {
      const text = piece.repeat(65_536 / piece.length);
      const started = performance.now();
      finder.find(text);
      // What is not linear would take minutes.
      expect(performance.now() - started, piece).toBeLessThan(60_000);
    }
  }
}, 120_000);
