/** What the page may show of the arguments of a call. */
import { expect, onTestFinished, test } from 'vitest';
import type { GivenRules } from '#src/main/operator/operable.ts';
import { Given } from '#src/main/ui/given.ts';
import { Redactor } from '#src/shared/text/redact.ts';

const redactor = new Redactor({ values: ['a "quoted" value', 'abcDEF123456'] });
const NONE: GivenRules = { hide: (text) => redactor.redact(text), patterns: [] };

function shown(params: string, rules = NONE): string {
  const given = new Given();
  onTestFinished(() => given.close());
  const line = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
  return given.shown(new TextEncoder().encode(line), rules);
}

test.each([
  ['{"name":"say","arguments":{"text":"hello"}}', '{"text":"hello"}'],
  ['{"uri":"file:///x"}', '"file:///x"'],
  ['{"name":"say"}', ''],
  // Secrets as they are, and behind escapes.
  [
    '{"arguments":{"a":"a \\"quoted\\" value","b":"\\u0061bcDEF123456"}}',
    '{"a":"[REDACTED:secret]","b":"[REDACTED:secret]"}',
  ],
  [
    '{"arguments":{"token":"ghp_0123456789abcdefghijklmnopqrstuvwxyz"}}',
    '{"token":"[REDACTED:github-token]"}',
  ],
  // Nothing that hides or reorders, and one line.
  ['{"arguments":{"a":"\u202eb",\n"c":1}}', '{"a":"\\u202eb", "c":1}'],
])('of %s it shows %s', (params, expected) => {
  expect(shown(params)).toBe(expected);
});

test('a long one is cut, and shows no part of a secret that the cut goes through', () => {
  const text = `${'x'.repeat(180)} abcDEF123456 ${'y'.repeat(100)}`;
  const line = shown(`{"arguments":{"text":"${text}"}}`);
  expect(line).toBe(`{"text":"${'x'.repeat(180)} [REDACTED:… (305 bytes)`);
  const all = `{"text":"${'z'.repeat(1_000_000)}"}`;
  expect(shown(`{"arguments":${all}}`)).toBe(`${all.slice(0, 200)}… (1000011 bytes)`);
});

test('what a pattern of the policy matches is not shown, and neither is what cannot be searched', () => {
  const patterns = [{ name: 'house', regex: '^k-[0-9]+$|DEF', flags: '', at: '' }];
  const rules = { ...NONE, patterns };
  expect(shown('{"arguments":{"id":"k-12"}}', rules)).toBe('[REDACTED:house]');
  expect(shown('{"arguments":{"k-12":{"x":[1,true,null]}}}', rules)).toBe('[REDACTED:house]');
  // A part of another secret: the rest of it would stay.
  expect(shown('{"arguments":{"id":"abcDEF123456"}}', rules)).toBe('[REDACTED:house]');
  expect(shown('{"arguments":{"id":"k-12x"}}', rules)).toBe('{"id":"k-12x"}');
  const many = JSON.stringify(Array.from({ length: 1001 }, () => 'a'));
  const long = JSON.stringify('b'.repeat(70_000));
  for (const value of [many, long]) {
    expect(shown(`{"arguments":{"list":${value}}}`, rules)).toBe(
      '[not shown: too long to be searched for redact.patterns]',
    );
  }
  const broken = { ...NONE, patterns: [{ name: 'x', regex: '(', flags: '', at: '' }] };
  expect(shown('{"arguments":{}}', broken)).toMatch(/^\[not shown: redact\.patterns: .{1,170}/);
});
