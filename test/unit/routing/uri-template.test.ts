/** Which URIs a listed template can stand for. */
import { expect, test } from 'vitest';
import { matchesTemplate } from '#src/main/routing/uri-template.ts';

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
  expect(matchesTemplate(template, uri)).toBe(matches);
});

test('takes no longer for a hostile template', () => {
  const template = `a${'{x}b'.repeat(2000)}c`;
  expect(matchesTemplate(template, `a${'b'.repeat(100_000)}`)).toBe(false);
});
