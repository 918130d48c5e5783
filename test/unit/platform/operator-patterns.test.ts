/** The operator's own patterns: what they find, which are refused, and that no accepted one takes long. */
import { describe, expect, test } from 'vitest';
import { OperatorPatterns } from '#src/shared/platform/operator-patterns.ts';
import { faultTogether, patternFault } from '#src/shared/platform/pattern-fault.ts';

const clock = () => performance.now();
const pattern = (regex: string, flags = '', name = 'mine') => ({ name, regex, flags });

describe('matches', () => {
  test('are told in UTF-16 units, also behind characters of all lengths', () => {
    const text = 'é€😀 K-12, 😀k-3 é';
    const found = new OperatorPatterns([pattern('k-[0-9]+', 'i')]).find(text);
    expect(found.map(({ from, to }) => text.slice(from, to))).toEqual(['K-12', 'k-3']);
  });

  test('are found for each pattern by its name; empty ones are none', () => {
    const patterns = [
      pattern('x*', '', 'some'),
      pattern('b+', 'g', 'bees'),
      pattern('q', '', 'none'),
    ];
    expect(new OperatorPatterns(patterns).find('axxb')).toEqual([
      { from: 1, to: 3, kind: 'some' },
      { from: 3, to: 4, kind: 'bees' },
    ]);
  });

  test('of flags i, m and s have a meaning', () => {
    const found = (flags: string) =>
      new OperatorPatterns([pattern('^a.b', flags)]).find('x\nA\nB').length;
    expect([found(''), found('i'), found('im'), found('ims'), found('gimsuy')]).toEqual([
      0, 0, 0, 1, 1,
    ]);
  });
});

describe('a pattern is refused with the reason of the engine', () => {
  test.each([
    ['(?=a)', 'look-around'],
    ['(?<!a)b', 'look-around'],
    ['(a)\\1', 'backreferences are not supported'],
    ['[', 'unclosed character class'],
    ['a{1000}{1000}', 'size limit'],
  ])('%s', (regex, reason) => {
    expect(patternFault(pattern(regex), clock)).toContain(reason);
  });

  test('when a text of 16 KiB takes it too long, twice', () => {
    let at = 0;
    const slow = () => (at += 101);
    expect(patternFault(pattern('a+b'), slow)).toContain(
      '101 ms on a text of 1 KiB, 100 are allowed for 16',
    );
    let calls = 0;
    const slowOnce = () => {
      calls += 1;
      return calls === 2 ? 500 : calls * 0.01;
    };
    expect(patternFault(pattern('a+b'), slowOnce)).toBeNull();
  });

  test('and so are too many large ones together', () => {
    const large = Array.from({ length: 8 }, (_, at) => pattern(`${at}\\w{60}`));
    expect(large.every((one) => faultTogether([one]) === null)).toBe(true);
    expect(faultTogether(large)).toContain('cannot be used together');
    expect(faultTogether([pattern('a'), pattern('b')])).toBeNull();
  });
});

/** Patterns that ruin engines which backtrack. A thousand others are measured by bench/masking.ts. */
test.each(['(a+)+b', '(a|aa)+$', '(?:a*)*b', '^(\\w+\\s?)*$', '(x+x+)+y', '(?:a{2,20}){3,}b'])(
  'a pattern that backtracking makes slow ends: %s',
  (regex) => {
    const patterns = new OperatorPatterns([pattern(regex)]);
    for (const text of ['a'.repeat(5000), 'x'.repeat(5000), `${'aaaa '.repeat(1000)}!`]) {
      expect(patterns.find(text).every(({ from, to }) => to > from)).toBe(true);
    }
    patterns.close();
  },
);
