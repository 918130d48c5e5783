/** Which URIs a listed template can stand for. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { literalsOf, matchesTemplate } from '#src/main/catalog/uri-template.ts';

test.each([
  ['a://b/{id}', 'a://b/7', true],
  ['a://b/{id}', 'a://b/', true],
  ['a://b/{id}', 'a://c/7', false],
  ['a://b/{id}/data', 'a://b/7/data', true],
  ['a://b/{id}/data', 'a://b/7/other', false],
  ['a://{x}/mid/{y}/end', 'a://1/mid/2/end', true],
  ['a://{x}/mid/{y}/end', 'a://1/2/end', false],
  ['a://fixed', 'a://fixed', true],
  ['a://fixed', 'a://fixed/more', false],
  ['{+any}', 'whatever', true],
  ['aa{x}aa', 'aaa', false],
])('%s and %s: %s', (template, uri, matches) => {
  expect(matchesTemplate(literalsOf(template), uri)).toBe(matches);
});

test('finds what a plain search finds', () => {
  const template = fc.array(fc.stringMatching(/^[ab]{0,4}$/), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(template, fc.stringMatching(/^[ab]{0,12}$/), (literals, uri) => {
      const text = literals.join('{x}');
      const pattern = new RegExp(`^${literals.join('.*')}$`);
      assert.equal(matchesTemplate(literalsOf(text), uri), pattern.test(uri));
    }),
    { numRuns: 3000 },
  );
});

test.each([
  ['one expression after the other', (length: number) => '{x}'.repeat(length)],
  ['short literals', (length: number) => `a${'{x}b'.repeat(length / 4)}{y}`],
  [
    'a literal that nearly matches everywhere',
    (length: number) => `{x}${'a'.repeat(length / 2)}b{y}`,
  ],
  ['several of them', (length: number) => `{x}${'a'.repeat(length / 8)}b`.repeat(4).concat('{y}')],
  ['braces that never close', (length: number) => `{x}${'{'.repeat(length)}`],
])('a hostile template costs no more than its length: %s', (_, template) => {
  for (const unit of ['a', 'b', 'ab', `${'a'.repeat(100)}b`, '{']) {
    for (const length of [800, 8000]) {
      const compared = { count: 0 };
      const uri = `a${unit.repeat(length / unit.length)}a`;
      const text = template(length);
      matchesTemplate(literalsOf(text), uri, compared);
      expect(compared.count).toBeLessThanOrEqual(2 * (text.length + uri.length));
    }
  }
});
