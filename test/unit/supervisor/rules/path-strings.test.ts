/** The strings that are judged: all of a message that could be paths, each as JSON.parse has it. */
import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Strings } from '#src/workers/supervisor/rules/strings.ts';

function stringsOf(json: string): string[] {
  const strings = new Strings(Buffer.from(json), 0);
  const found: string[] = [];
  for (let text = strings.next(); text !== null; text = strings.next()) {
    if (text !== '') found.push(text);
  }
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
  ['nothing in many names', `["${'./'.repeat(10_000)}", "after"]`, ['after']],
  ['too much for any path', `["${'ab/'.repeat(10_000)}", "after"]`, ['after']],
  ['base64', `["${'QUJD/0+x'.repeat(5000)}", "after"]`, ['after']],
  ['much text', `["${'It is not far / and not near. '.repeat(1000)}", "after"]`, ['after']],
  ['many lines', `["${'./'.repeat(9000)}x\\ny", "after"]`, ['after']],
])('%s', (_, json, expected) => {
  expect(stringsOf(json)).toEqual(expected);
});

describe('a string far longer than a path is what a program makes of it', () => {
  const N = 20_000;

  test.each([
    ['here and here', `${'./'.repeat(N)}.rea/x`, '.rea/x'],
    ['slashes', `/a${'/'.repeat(N)}.rea/x`, '/a/.rea/x'],
    ['up and down', `a${'/b/..'.repeat(N)}/.rea/x`, 'a/.rea/x'],
    ['a long name that is taken back', `${'b'.repeat(N)}/../.rea/x`, '.rea/x'],
    ['many that are', `${'b/'.repeat(N)}${'../'.repeat(N)}.rea`, '.rea'],
    ['more that are', `${'b/'.repeat(N)}${'../'.repeat(N + 2)}.rea`, '../../.rea'],
    ['from the root', `/b${'/..'.repeat(N)}/.rea`, '/.rea'],
    ['blanks before', `${' '.repeat(N)}.rea/x`, '.rea/x'],
    ['blanks and quotes behind', `.rea/x${' '.repeat(N)}"`, '.rea/x'],
    ['a query', `.rea/x?${'y'.repeat(N)}`, '.rea/x'],
    ['what C does not see', `.rea/x\0${'y'.repeat(N)}`, '.rea/x'],
    ['escapes', `${'%2e%2F'.repeat(N)}%2erea/x`, '.rea/x'],
    ['escapes of escapes', `${'%25252e/'.repeat(N)}.rea/x`, '.rea/x'],
    ['overlong escapes', `${'%c0%ae/'.repeat(N)}.rea/x`, '.rea/x'],
    ['what only one reading takes back', `${'a%2fb/../'.repeat(N)}.rea/x`, '.rea/x'],
    ['backslashes', `${'.\\'.repeat(N)}.rea\\x`, '.rea/x'],
    ['a URI', `file:///a/${'./'.repeat(N)}.rea/x`, 'file:/a/.rea/x'],
    ['a URI with a machine', `file://localhost/a/${'./'.repeat(N)}.rea`, 'file://localhost/a/.rea'],
    ['tabs in a URI', `file:///a/${'\t'.repeat(N)}.rea/x`, 'file:/a/.rea/x'],
    ['line ends in a URI', `file:///a/\n${'./\n'.repeat(N)}.rea/x`, 'file:/a/.rea/x'],
    ['letters as JSON escapes', `${'./'.repeat(N)}\u00e4`, '\u00e4'],
  ])('%s', (_, text, expected) => {
    const json = JSON.stringify({ path: text });
    expect(stringsOf(json)).toContain(expected);
    // The same with every character escaped.
    const escaped = Array.from(text, (char) => {
      return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
    });
    expect(stringsOf(`["${escaped.join('')}"]`)).toContain(expected);
  });

  test.each([0, 1])('a character is never cut (%i)', (shift) => {
    const name = '\u00fc'.repeat(100);
    const text = `${'./'.repeat(8150)}${'s'.repeat(shift)}${name}/.rea`;
    expect(stringsOf(JSON.stringify([text]))).toContain(`${'s'.repeat(shift)}${name}/.rea`);
  });

  test('wherever the pieces are cut that it is read in', () => {
    const noise = fc.constantFrom(
      './',
      '/',
      '//',
      'x/../',
      'y/z/../../',
      '%2e/',
      '.%2F',
      '\u00fc/../',
    );
    fc.assert(
      fc.property(fc.array(noise, { minLength: 1, maxLength: 7 }), fc.nat(40), (pieces, shift) => {
        const text = `${'s'.repeat(shift)}/${pieces.join('').repeat(17_000)}.rea/end`;
        const names = decodeURIComponent(text).split('/');
        const expected = posix.normalize(names.join('/'));
        expect(stringsOf(JSON.stringify([text]))).toContain(expected);
      }),
      { numRuns: 30 },
    );
  });
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
