/** No line of `rea status` is wider than the terminal, whatever the names and scripts, and nothing is lost by folding. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { paintFor } from '#src/main/status/colours.ts';
import {
  columnsOf,
  cutEnd,
  cutMiddle,
  cutStart,
  fold,
  foldCommand,
} from '#src/main/status/layout.ts';
import { prettyStatus } from '#src/main/status/pretty.ts';
import { judgeStatus } from '#src/main/status/verdict.ts';
import { cleanForTerminal } from '#src/shared/text/clean-text.ts';
import { columns, factsOf, servers, text } from './any-facts.ts';

describe('the page', () => {
  it('has no line wider than the terminal', () => {
    fc.assert(
      fc.property(
        columns,
        fc.record({ servers, said: text(120), http: fc.boolean(), dead: fc.boolean() }),
        fc.boolean(),
        fc.boolean(),
        (width, inside, verbose, coloured) => {
          const facts = factsOf(inside);
          const paint = paintFor(coloured, {});
          const tokenOf = () => '0123456789abcdef'.repeat(4);
          const options = { verbose, width, paint, tokenOf, askedIn: '/' };
          const page = prettyStatus(facts, judgeStatus(facts.evidence), options);
          for (const line of page.split('\n')) {
            expect([line, stringWidth(line) <= width]).toEqual([line, true]);
          }
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);
});

describe('folding and cutting', () => {
  const clean = text(200).map(cleanForTerminal);

  it('counts no fewer columns than a text takes', () => {
    fc.assert(
      fc.property(clean, (one) => {
        expect(columnsOf(one)).toBeGreaterThanOrEqual(stringWidth(one));
      }),
    );
  });

  it('counts joined characters as wide as they are where they are shown apart', () => {
    expect(columnsOf('👍🏽')).toBe(4);
    expect(columnsOf('e\u0301')).toBe(1);
    expect(columnsOf('漢')).toBe(2);
    expect(columnsOf('\u1112\u1161\u11ab')).toBeGreaterThanOrEqual(2);
  });

  it('folds into lines that fit, and loses nothing but spaces', () => {
    fc.assert(
      fc.property(clean, columns, fc.nat(8), (one, width, indent) => {
        const whole = `${' '.repeat(indent)}${one}`;
        const folded = fold(whole, width);
        for (const line of folded) expect(columnsOf(line)).toBeLessThanOrEqual(width);
        expect(folded.join('').replace(/\s/gu, '')).toBe(whole.replace(/\s/gu, ''));
      }),
    );
  });

  it('cuts to what fits, at the end, the beginning or in the middle', () => {
    fc.assert(
      fc.property(clean, fc.integer({ min: 1, max: 60 }), (one, width) => {
        for (const cut of [cutEnd, cutStart, cutMiddle]) {
          const short = cut(one, width);
          expect(columnsOf(short)).toBeLessThanOrEqual(width);
          if (columnsOf(one) <= width) expect(short).toBe(one);
        }
      }),
    );
    expect(cutEnd('abcdefgh', 5)).toBe('abcd…');
    expect(cutStart('/home/me/shop', 6)).toBe('…/shop');
    expect(cutMiddle('browser-staging', 9)).toBe('brow…ging');
    expect(cutMiddle('漢字漢字', 6)).toBe('漢…字');
  });
});

describe('a command to paste', () => {
  it('is the same one after a shell has joined its lines', () => {
    const token = '0123456789abcdef'.repeat(4);
    const command = `claude mcp add --transport http rea http://127.0.0.1:7332/mcp --header "Authorization: Bearer ${token}"`;
    const words = wordsOf(command);
    expect(words).toHaveLength(9);
    for (let width = 40; width <= 200; width += 8) {
      const folded = foldCommand(command, width);
      for (const line of folded) expect(line.length).toBeLessThanOrEqual(width);
      expect(wordsOf(folded.join('\n'))).toEqual(words);
    }
  });
});

/** As a shell takes them. */
function wordsOf(command: string): string[] {
  const print = `set -- ${command}\nprintf '%s\\n' "$@"`;
  return execFileSync('sh', ['-c', print], { encoding: 'utf8' }).trimEnd().split('\n');
}
