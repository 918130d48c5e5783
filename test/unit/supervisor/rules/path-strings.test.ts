/** The strings that are judged: all of a message that could be paths, each as JSON.parse has it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Strings } from '#src/workers/supervisor/rules/strings.ts';

function stringsOf(json: string): string[] {
  const strings = new Strings(Buffer.from(json), 0);
  const found: string[] = [];
  for (let text = strings.next(); text !== null; text = strings.next()) found.push(text);
  return found;
}

/** Every string of a document, names of members too. */
function all(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(all);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...all(inner)]);
}

const hasInnerLineEnd = (text: string) => /[^\s][^]*[\r\n][^]*[^\s]/.test(text);

test('are found wherever they are, in the order of the message', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const expected = all(value).filter((text) => text !== '' && !hasInnerLineEnd(text));
      expect(stringsOf(JSON.stringify(value))).toEqual(expected);
    }),
  );
});

test.each([
  ['escapes', String.raw`["\u002erea\/x", "a\\", "b\"", "\\\"c"]`, ['.rea/x', 'a\\', 'b"', '\\"c']],
  ['several lines', String.raw`["a\nb", "after"]`, ['after']],
  ['several lines with quotes and backslashes', String.raw`["a\nb\\\"c\\", "after"]`, ['after']],
  ['line ends around it', String.raw`["\n.rea/x\r\n"]`, ['\n.rea/x\r\n']],
  ['a URI over several lines', String.raw`["file:///.r\nea/\nx"]`, ['file:///.r\nea/\nx']],
  ['the same, disguised', String.raw`["\u0066ile\u003a///.r\nea"]`, ['file:///.r\nea']],
  ['prose that begins with a word and a colon', String.raw`["Note: one\ntwo"]`, []],
  ['an address over several lines', String.raw`["https://x.y/.rea\nz"]`, []],
  [
    'one name that is too long for any',
    `["${'x'.repeat(256)}", "${'x'.repeat(255)}"]`,
    ['x'.repeat(255)],
  ],
  ['a long path', `["${'x/'.repeat(200)}"]`, ['x/'.repeat(200)]],
  ['too much for any path', `["${'./'.repeat(10_000)}", "after"]`, ['after']],
])('%s', (_, json, expected) => {
  expect(stringsOf(json)).toEqual(expected);
});

test('the worst that strings may hold is read in time', () => {
  const worst = [
    '\\n'.repeat(8000),
    `a${'\\n'.repeat(8000)}b`,
    `file:/${'\\n'.repeat(8000)}`,
    ' '.repeat(16_000),
  ];
  // Some 13 MB: with anything quadratic in it this would take minutes.
  const row = `["${worst.join('","')}"]`;
  expect(stringsOf(`[${Array(200).fill(row).join(',')}]`)).toHaveLength(600);
});
