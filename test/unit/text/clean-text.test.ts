import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  asciiJson,
  asciiJsonLine,
  cleanForTerminal,
  clip,
  escapeForTerminal,
  oneLine,
  PLACEHOLDER,
} from '#src/shared/text/clean-text.ts';

/** What must never reach a terminal, written down apart from the implementation. */
const FORBIDDEN: readonly (readonly [first: number, last: number])[] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x034f, 0x034f],
  [0x0600, 0x0605],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff9, 0xfffb],
  [0xfffe, 0xffff],
  [0xe0000, 0xe0fff],
];

describe('text for a terminal', () => {
  test('every forbidden code point is replaced, and text stays text', () => {
    for (const [first, last] of FORBIDDEN) {
      for (let code = first; code <= last; code++) {
        const clean = cleanForTerminal(`a${String.fromCodePoint(code)}b`);
        if (clean !== `a${PLACEHOLDER}b`) expect.fail(`U+${code.toString(16)} came through`);
      }
    }
    const text = 'Añ 漢字 😀 ½ → "quoted" \\ ~ \u00a0 \u0301 العربية';
    expect(cleanForTerminal(text)).toBe(text);
  });

  test('no code point below U+110000 comes out as a control, a format character or half a pair', () => {
    const dangerous = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
    for (let code = 0; code < 0x110000; code++) {
      const clean = cleanForTerminal(String.fromCodePoint(code));
      if (dangerous.test(clean) || Array.from(clean).length !== 1) {
        expect.fail(`U+${code.toString(16)} became ${JSON.stringify(clean)}`);
      }
    }
  });

  test('no sequence that a terminal would obey survives', () => {
    const attack = '\x1b[2J\x1b]0;title\x07\r\nok\x9b31m\u202egnp.exe';
    expect(cleanForTerminal(attack)).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
    expect(cleanForTerminal(attack)).toContain('ok');
  });

  test('whole pairs are kept, halves are replaced', () => {
    expect(cleanForTerminal('😀\ud83d😀\ude00')).toBe(`😀${PLACEHOLDER}😀${PLACEHOLDER}`);
  });
});

describe('text that shows what stands there', () => {
  test('every forbidden code point is escaped, but for line ends and tabs', () => {
    for (const [first, last] of FORBIDDEN) {
      for (let code = first; code <= last; code++) {
        const hex = code.toString(16);
        const escaped = code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
        const character = String.fromCodePoint(code);
        const expected = code === 9 || code === 10 ? character : escaped;
        const text = escapeForTerminal(`a${character}b`);
        if (text !== `a${expected}b`) expect.fail(`U+${hex} became ${JSON.stringify(text)}`);
        const endsLine = /[\t\n\v\f\r\u0085\u2028\u2029]/.test(character);
        const line = oneLine(`a${character}b`);
        if (line !== `a${endsLine ? ' ' : escaped}b`) {
          expect.fail(`U+${hex} became ${JSON.stringify(line)} in a line`);
        }
      }
    }
    const text = 'Añ 漢字 😀 ½ → "quoted" \\ ~ \u00a0 \u0301 العربية';
    expect(escapeForTerminal(text)).toBe(text);
    expect(oneLine('a\r\n\n\tb')).toBe('a b');
  });
});

describe('JSON for machines', () => {
  test('is ASCII and says the same', () => {
    const unit = fc.constantFrom('a', '"', '\\', '\0', '\n', '\x7f', 'é', '\u2028', '😀', '\ud800');
    const text = fc.string({ unit, maxLength: 8 });
    const value = fc.dictionary(text, fc.array(text, { maxLength: 3 }), { maxKeys: 4 });
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (object, indent) => {
        const json = asciiJson(object, indent);
        expect(json).toMatch(/^[\n\x20-\x7e]*$/);
        expect(JSON.stringify(JSON.parse(json))).toBe(JSON.stringify(object));
      }),
    );
  });

  test('escapes DEL, separators, pairs and halves of pairs', () => {
    expect(asciiJson('\x7f\u2028é😀')).toBe('"\\u007f\\u2028\\u00e9\\ud83d\\ude00"');
    expect(asciiJson('\ud800')).toBe('"\\ud800"');
    expect(asciiJson({ a: [1] }, 2)).toBe('{\n  "a": [\n    1\n  ]\n}');
    expect(asciiJson(undefined)).toBe('null');
  });
});

test('a line of JSON is ASCII and says the same, also where it is none', () => {
  const unit = fc.constantFrom(
    'a',
    '"',
    '\\',
    '\x1b',
    '\x7f',
    '\x9b',
    'é',
    '\u202e',
    '😀',
    '\ud800',
  );
  fc.assert(
    fc.property(fc.array(fc.string({ unit, maxLength: 8 })), (texts) => {
      const line = asciiJsonLine(JSON.stringify(texts));
      expect(line).toMatch(/^[ -~]*$/);
      expect(JSON.parse(line)).toEqual(texts);
    }),
  );
  expect(asciiJsonLine('{"\x1b[2J":"\n"}')).toBe('{"\\u001b[2J":"\\u000a"}');
});

describe('clipping', () => {
  test('never cuts a pair, never exceeds the limit, never loses more than one unit', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'é', '😀') }),
        fc.nat(40),
        (text, limit) => {
          const clipped = clip(text, limit);
          expect(text.startsWith(clipped)).toBe(true);
          expect(clipped.length).toBeLessThanOrEqual(limit);
          expect(Buffer.from(clipped).toString()).toBe(clipped);
          expect(clipped.length).toBeGreaterThanOrEqual(Math.min(limit, text.length) - 1);
        },
      ),
    );
  });

  test('leaves short text as it is', () => {
    expect(clip('abc', 3)).toBe('abc');
    expect(clip('a😀', 2)).toBe('a');
    expect(clip('abc', 0)).toBe('');
  });
});
