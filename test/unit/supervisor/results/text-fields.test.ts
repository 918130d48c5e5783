/** The texts of an answer, and their pieces: all of them, none of what is no text, and every character once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeString, type Frame, scanFrame } from '#src/shared/json/frame.ts';
import { eachPiece, placeOf } from '#src/workers/supervisor/results/pieces.ts';
import { eachText } from '#src/workers/supervisor/results/text-fields.ts';

function frameOf(text: string): Frame {
  const frame = scanFrame(Buffer.from(text));
  if ('error' in frame) throw new Error(`refused (${frame.error}): ${text}`);
  return frame;
}

function textsOf(outcome: string): string[] {
  const frame = frameOf(`{"jsonrpc":"2.0","id":1,${outcome},"x":{"text":"no"}}`);
  const found: string[] = [];
  eachText(frame, 'all', (start, end) => found.push(decodeString(frame.line, [start, end]) ?? ''));
  return found;
}

describe('the texts of an answer', () => {
  test.each<[string, string[]]>([
    [
      '"result":{"content":[{"type":"text","text":"a"},{"text":"b\\n"}],"isError":true}',
      ['a', 'b\n'],
    ],
    ['"result":{"content":[{"type":"image","data":"no","mimeType":"no"},{"text":"a"}]}', ['a']],
    ['"result":{"content":[{"resource":{"uri":"no","text":"a","blob":"no"}}]}', ['a']],
    ['"result":{"contents":[{"uri":"no","text":"a"},{"blob":"no"},{"text":"b"}]}', ['a', 'b']],
    [
      '"result":{"description":"no","messages":[{"role":"no","content":{"type":"text","text":"a"}},{"content":[{"text":"b"}]},{"content":{"resource":{"text":"c"}}}]}',
      ['a', 'b', 'c'],
    ],
    [
      '"result":{"structuredContent":{"no":"a","b":[1,"b",{"no":{"no":"c"}},null],"n":-1.5e3 , "no" : "d"}}',
      ['a', 'b', 'c', 'd'],
    ],
    ['"result":{"structuredContent":"a"}', ['a']],
    ['"result":{"structuredContent":null,"content":[{"text":"a"}]}', ['a']],
    ['"result":{"structuredContent":true,"_meta":{"text":"no"}}', []],
    [
      '"result":{"tools":[{"name":"no","description":"no"}],"_meta":{"content":[{"text":"no"}]}}',
      [],
    ],
    ['"result":{"te\\u0078t":"no","content":[{"te\\u0078t":"a"}]}', ['a']],
    ['"result":{"content":[{"text":"a","text":"b"}]}', ['a', 'b']],
    ['"result":{"content":[{"text":5},{"text":{"text":"no"}},{"text":["no"]},"no",7,[]]}', []],
    ['"result":{"content":"no","contents":{"text":"no"},"messages":3}', []],
    ['"result":{ "content" : [ ] , "messages" : [ { } ] }', []],
    [
      '"result":{"taskId":"no","statusMessage":"a","result":{"content":[{"text":"b"}],"result":{"content":[{"text":"no"}]}}}',
      ['a', 'b'],
    ],
    ['"result":{"error":{"message":"a","data":{"message":"no"}},"result":"no"}', ['a']],
    ['"result":[{"text":"no"}]', []],
    ['"result":7', []],
    ['"error":{"code":-1,"message":"a","data":{"message":"no"}}', ['a']],
    ['"error":"no"', []],
    [
      '"result":{"content":[{"text":"quote \\" and \\\\"},{"text":"\\\\\\""}]}',
      ['quote " and \\', '\\"'],
    ],
  ])('%s', (outcome, texts) => {
    expect(textsOf(outcome)).toEqual(texts);
  });

  test('the strings of any structured content, and no names', () => {
    const strings = (value: unknown): string[] => {
      if (typeof value === 'string') return [value];
      if (typeof value !== 'object' || value === null) return [];
      return Object.values(value).flatMap(strings);
    };
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (json, spaced) => {
        const value: unknown = JSON.parse(json);
        const text = JSON.stringify(value, null, spaced ? 1 : 0).replaceAll('\n', ' ');
        expect(textsOf(`"result":{"structuredContent":${text}}`)).toEqual(strings(value));
      }),
      { numRuns: 300 },
    );
  });
});

test('what may be cut is everything but structured content', () => {
  const { line, ...frame } = frameOf(
    '{"id":1,"result":{"structuredContent":["no"],"content":[{"text":"a"}],"contents":[{"text":"b"}]}}',
  );
  const found: string[] = [];
  eachText({ line, ...frame }, 'cut', (start, end) => {
    found.push(decodeString(line, [start, end]) ?? '');
  });
  expect(found).toEqual(['a', 'b']);
});

describe('pieces of a text', () => {
  const LONG = 'a"b\\é€\n\u0001😀/ é'.repeat(12_000);

  test.each([
    ['without escapes', 'é€😀 abc'.repeat(30_000), (text: string) => JSON.stringify(text)],
    ['with escapes', LONG, (text: string) => JSON.stringify(text)],
    [
      'with nothing but escapes',
      LONG.slice(0, 60_000),
      (text: string) =>
        `"${text.replaceAll(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`,
    ],
    ['that is empty', '', (text: string) => JSON.stringify(text)],
    ['with half of a pair', `a${'\ud83d'}b`, (text: string) => JSON.stringify(text)],
  ])('a text %s: every character is in one, and what surrounds it is seen', (_, text, write) => {
    const line = Buffer.from(`[${write(text)}]`);
    const seen: { before: string; own: string; behind: string }[] = [];
    const decode = (from: number, to: number): string =>
      JSON.parse(`"${line.subarray(from, to).toString()}"`);
    eachPiece(line, 1, line.length - 1, ({ from, start, next, to, bytes }) => {
      expect(Buffer.from(bytes).toString()).toBe(Buffer.from(decode(from, to)).toString());
      seen.push({
        before: decode(from, start),
        own: decode(start, next),
        behind: decode(next, to),
      });
      return 0;
    });
    expect(seen.map(({ own }) => own).join('')).toBe(text);
    for (const [at, { before, behind }] of seen.entries()) {
      if (at > 0) expect(before.length).toBeGreaterThan(10);
      if (at < seen.length - 1) expect(Buffer.from(behind).length).toBeGreaterThan(8000);
      const end = seen
        .slice(0, at)
        .map(({ own }) => own)
        .join('').length;
      expect(text.slice(0, end).endsWith(before)).toBe(true);
    }
  });

  test('the visitor may go on behind the next piece', () => {
    const line = Buffer.from(JSON.stringify('x'.repeat(200_000)));
    const starts: number[] = [];
    eachPiece(line, 0, line.length, ({ start, from, next }) => {
      starts.push(start);
      if (starts.length === 2) expect(from).toBe(start);
      return starts.length === 1 ? next + 5000 : 0;
    });
    expect(starts.slice(0, 2)).toEqual([1, 1 + 56 * 1024 + 5000]);
  });

  test('a place in UTF-16 units is found among escapes and characters of all lengths', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.boolean(), (text, all) => {
        const json = all
          ? `"${text.replaceAll(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
          : JSON.stringify(text);
        const line = Buffer.from(json);
        for (let units = 0; units <= text.length; units += 1) {
          const unit = text.charCodeAt(units);
          if (unit >= 0xdc00 && unit < 0xe000 && !all) continue;
          const at = placeOf(line, 1, units);
          expect(JSON.parse(`"${line.subarray(1, at).toString()}"`)).toBe(text.slice(0, units));
        }
      }),
      { numRuns: 200 },
    );
  });
});
