/** Patterns over names: what they mean, what is refused, and what they cost whatever a server sends. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import { compileGlobs } from '#src/main/globs/match.ts';
import { MAX_PATTERN, parseGlob } from '#src/main/globs/parse.ts';
import type { GlobUse } from '#src/main/globs/plain-form.ts';

function match(pattern: string, text: string): boolean {
  return compileGlobs([pattern], 'allow')(text);
}

function fixOf(pattern: string, use: GlobUse = 'allow'): string {
  const parsed = parseGlob(pattern, use);
  if (parsed.ok) throw new Error(`accepted: ${pattern}`);
  return parsed.fix;
}

describe('a pattern', () => {
  test.each<[string, string[], string[]]>([
    ['read', ['read'], ['Read', 'reads', 'rea', '']],
    ['*', ['', 'a', 'a/b', '..', 'a\nb', '🙂'], []],
    ['read_*', ['read_', 'read_file', 'read_a/b', 'read_/../x'], ['read', 'xread_a']],
    ['*_file', ['read_file', '_file', '_file_file'], ['file', 'read_files']],
    ['a*b*c', ['abc', 'aXbYc', 'abcbc', 'a/b/c'], ['ab', 'acb', 'abcd']],
    ['**x**', ['x', 'axb'], ['', 'ab']],
    ['a?c', ['abc', 'a/c', 'a🙂c', 'a\ud800c'], ['ac', 'abbc']],
    ['[abc]x', ['ax', 'cx'], ['dx', 'x', '[abc]']],
    ['[a-c1-3]', ['b', '2'], ['d', '4', '-']],
    ['[!a-c]', ['d', '!', '/'], ['a', 'b', '']],
    ['[^a]', ['b', '^'], ['a']],
    ['[]a]', [']', 'a'], ['b', '[']],
    ['[a-]', ['a', '-'], ['b']],
    ['[*?{,}(]', ['*', '?', '{', ',', '}', '('], ['a']],
    ['[\\]\\-a]', [']', '-', 'a'], ['\\', 'b']],
    ['[🙂-🙄]', ['🙃'], ['a', '🙅']],
    ['{read,write}_file', ['read_file', 'write_file'], ['_file', 'read', '{read,write}_files']],
    ['{a,}b', ['ab', 'b'], ['a']],
    ['a{b,{c,d*}}e', ['abe', 'ace', 'ade', 'adxe'], ['ae', 'abce']],
    ['{a,b}{c,d}', ['ac', 'ad', 'bc', 'bd'], ['a', 'ab', 'cd']],
    ['{a,[},]}x', ['ax', '}x', ',x'], ['bx']],
    ['{a\\,b,c}', ['a,b', 'c'], ['a', 'b']],
    ['\\*', ['*'], ['a']],
    ['\\!a', ['!a'], ['a', 'b']],
    ['a\\(b', ['a(b'], ['ab']],
    ['{a}', ['{a}'], ['a']],
    ['{a,b', ['{a,b'], ['a', 'b']],
    ['a[', ['a['], ['a']],
    ['a]}', ['a]}'], ['a']],
    ['{{a,b}', ['{a', '{b'], ['a']],
    ['a+b|c^$.@!', ['a+b|c^$.@!'], ['aab', 'a']],
    ['tool[1]', ['tool1', 'tool[1]'], ['tool2']],
    ['a\\', ['a\\'], ['a']],
  ])('%s', (pattern, yes, no) => {
    for (const text of yes) expect([text, match(pattern, text)]).toEqual([text, true]);
    for (const text of no) expect([text, match(pattern, text)]).toEqual([text, false]);
  });

  test('is one of several', () => {
    const either = compileGlobs(['a*', 'b', '{c,d}?'], 'deny');
    const texts = ['a', 'ax', 'b', 'cx', 'bx', 'c', ''];
    expect(texts.filter((text) => either(text))).toEqual(['a', 'ax', 'b', 'cx']);
  });

  // What was matched by picomatch before is matched alike, as far as that is right.
  test('means what picomatch takes it for', () => {
    const part = fc.constantFrom(
      'a',
      'b',
      '_',
      'a_b',
      '*',
      '?',
      '[ab]',
      '[a-b]',
      '{a,b_}',
      '{b*,a}',
    );
    const pattern = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
    const text = fc.stringMatching(/^[abc_]{1,10}$/);
    fc.assert(
      fc.property(pattern, text, (one, name) => {
        assert.equal(match(one, name), picomatch(one, { dot: true, bash: true })(name));
      }),
      { numRuns: 5000 },
    );
  });

  test('matches like a matcher that tries everything', () => {
    const part = fc.constantFrom('a', 'b', '*', '?', '[!a]', '{a,*b}');
    const pattern = fc.array(part, { maxLength: 7 }).map((parts) => `a${parts.join('')}`);
    fc.assert(
      fc.property(pattern, fc.stringMatching(/^[ab]{0,9}$/), (one, name) => {
        const parsed = parseGlob(one, 'allow');
        assert.ok(parsed.ok);
        const expected = parsed.alternatives.some((tokens) => tryAll(tokens, Array.from(name)));
        assert.equal(match(one, name), expected || one === name);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('what is refused, and with which advice', () => {
  test.each<[string, GlobUse, string]>([
    ['get_@(a|b)', 'allow', 'write "get_{a,b}"'],
    ['get_@(a)', 'deny', 'write "get_a"'],
    ['get_?(all_)x', 'allow', 'write "get_{,all_}x"'],
    ['+(ab)c', 'deny', 'write "*c"'],
    ['*(a|b)', 'deny', 'write "*"'],
    ['x@(a|@(b|c))', 'allow', 'write "x{a,{b,c}}"'],
    ['!(a|b)', 'allow', 'write "*" in allow and "{a,b}" in deny'],
    ['!(a|b)', 'deny', 'write "{a,b}" in allow instead'],
    ['get_!(x)', 'allow', 'write "get_*" in allow and "get_x" in deny'],
    ['!delete_*', 'allow', 'write "*" in allow and "delete_*" in deny'],
    ['!read_*', 'deny', 'write "read_*" in allow instead'],
    ['res://!(a)', 'owner', 'write what is meant itself, without "res://a"'],
    ['(a|b)', 'allow', 'write {a,b} for alternatives, and [(] for the character itself'],
    ['+(a', 'allow', 'write each name that is meant, or a pattern of *, ?, [a-z] and {a,b}'],
    ['v{1..3}', 'allow', 'write a class like [1-3], or list what is meant like {1,2,3}'],
    ['[z-a]', 'allow', 'write the smaller end of a range first, like [a-z]'],
    ['[[:alpha:]]', 'allow', 'write the characters themselves, like [a-zA-Z]'],
  ])('%s in %s', (pattern, use, fix) => {
    expect(fixOf(pattern, use)).toBe(fix);
  });

  test('braces that multiply, before they have', () => {
    expect(parseGlob('{a,b}'.repeat(6), 'allow').ok).toBe(true);
    expect(fixOf('{a,b}'.repeat(90))).toContain('at most 100 alternatives');
    expect(fixOf(`{${'a,'.repeat(200)}b}`)).toContain('at most 100 alternatives');
    expect(fixOf('{{a,b},{c,d}}'.repeat(35))).toContain('at most 100 alternatives');
  });

  test('one that is too long', () => {
    expect(parseGlob('a'.repeat(MAX_PATTERN), 'allow').ok).toBe(true);
    expect(fixOf('a'.repeat(MAX_PATTERN + 1))).toContain('at most 512 characters');
  });

  test('no text makes the parser throw or takes it long', () => {
    const character = fc.constantFrom(...'{},[]!^-\\()*?+@|a.'.split(''));
    fc.assert(
      fc.property(fc.array(character, { maxLength: 600 }), (characters) => {
        const pattern = characters.join('');
        const parsed = parseGlob(pattern, 'deny');
        if (parsed.ok) assert.ok(compileGlobs([pattern], 'deny')(pattern));
        else assert.ok(parsed.fix.length < 3 * 600);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the work of a match', () => {
  const hostile = ['_', 'a', '_a', 'a_'];

  test.each([
    '*_*_*_*x',
    '*a*a*a*a*a*a*b',
    'a*b*c*d',
    '{*_*,*a*}*_x',
    '[_a]*[_a]*[_a]*b',
    '?*?*?*b',
  ])('grows with the text and no faster: %s', (pattern) => {
    for (const unit of hostile) {
      const costs = [1000, 2000, 4000].map((length) => {
        const steps = { count: 0 };
        expect(compileGlobs([pattern], 'deny', steps)(unit.repeat(length))).toBe(false);
        return steps.count;
      });
      const [small = 0, middle = 0, large = 0] = costs;
      // Linear: twice the text, twice the steps.
      expect(middle).toBeLessThanOrEqual(2 * small + 100);
      expect(large).toBeLessThanOrEqual(2 * middle + 100);
    }
  });

  test('is bounded by text times pattern', () => {
    const part = fc.constantFrom('a', 'b', '*', '?', '[ab]', '{a,b*}');
    const pattern = fc.array(part, { minLength: 1, maxLength: 20 }).map((parts) => parts.join(''));
    const text = fc.stringMatching(/^[ab]{0,128}$/);
    fc.assert(
      fc.property(pattern, text, (one, name) => {
        const parsed = parseGlob(one, 'allow');
        if (!parsed.ok) return;
        const steps = { count: 0 };
        compileGlobs([one], 'allow', steps)(name);
        const tokens = parsed.alternatives.reduce((sum, { length }) => sum + length + 1, 0);
        assert.ok(steps.count <= tokens * (name.length + 1));
      }),
      { numRuns: 1000 },
    );
  });
});

type Tokens = Extract<ReturnType<typeof parseGlob>, { ok: true }>['alternatives'][number];

function tryAll(tokens: Tokens, text: readonly string[]): boolean {
  const [token, ...rest] = tokens;
  if (token === undefined) return text.length === 0;
  if (token === 'star')
    return text.some((_, at) => tryAll(rest, text.slice(at))) || tryAll(rest, []);
  const [first, ...others] = text;
  if (first === undefined) return false;
  const code = first.codePointAt(0) ?? 0;
  const fits =
    token === 'any' ||
    (typeof token === 'number'
      ? token === code
      : token.ranges.some(([from, to]) => code >= from && code <= to) !== token.negated);
  return fits && tryAll(rest, others);
}
