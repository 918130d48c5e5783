/** What the filter asks costs no more than the search that it saves. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DEFAULT_REDACT } from '#src/shared/model/policy.ts';
import { SecretFinder } from '#src/shared/secrets/find.ts';
import { NONE, SecretFilter, TOKENS, VALUES } from '#src/workers/supervisor/results/filter.ts';
import { SecretsInText } from '#src/workers/supervisor/results/secrets-in-text.ts';
import { ArgumentRule } from '#src/workers/supervisor/rules/argument-rule.ts';
import { LETTERS, of } from '../../../support/token-samples.ts';

/** Each line begins three tokens, and none of them goes on as one. */
const LOG_LINE = 'INFO task-1234 of key-store done, ret_code=0\n';
const ALMOST: readonly (readonly [string, string])[] = [
  ['lines of a log', LOG_LINE.repeat(1500)],
  ['one line of a log', LOG_LINE],
  ['prefixes of tokens', 'hf_'.repeat(22_000)],
  ['dots like those in tokens', `${of(30)}.${of(6)}.`.repeat(1700)],
];

afterEach(() => {
  vi.restoreAllMocks();
});

/** Characters that are searched for tokens while it runs; the real search is made. */
function searched(run: () => void): number {
  const search = vi.spyOn(String.prototype, 'matchAll');
  run();
  return search.mock.contexts.reduce<number>((sum, text) => sum + String(text).length, 0);
}

describe('text with many beginnings of tokens, and no token', () => {
  test.each(ALMOST)('is searched about once, not at each beginning: %s', (_, text) => {
    const secrets = new SecretsInText([]);
    const line = Buffer.from(JSON.stringify(text));
    const found: string[] = [];
    const units = searched(() =>
      secrets.find(line, [0, line.length], (_start, _end, kind) => found.push(kind), null),
    );
    expect(found).toEqual([]);
    expect(units).toBeLessThan(1.4 * text.length);
  });

  test.each(ALMOST)('is searched so in the arguments of a call, too: %s', (_, text) => {
    const secrets = new SecretsInText([]);
    const rule = new ArgumentRule({
      rules: () => DEFAULT_REDACT,
      secrets: () => secrets,
      onSecret: () => expect.unreachable(),
      onUnsearched: () => expect.unreachable(),
    });
    // Without a line end: what is plain is looked at unsplit.
    const message = { params: { arguments: { text: text.replaceAll('\n', ' ').repeat(20) } } };
    const line = Buffer.from(JSON.stringify(message));
    const units = searched(() => expect(rule.judge(line, false)).toBeNull());
    expect(units).toBeLessThan(1.4 * line.length);
  });

  test('few of them in a long text cost no search of all of it', () => {
    const text = `${LOG_LINE}${'plain text, '.repeat(5000)}${LOG_LINE}`;
    expect(new SecretFilter([]).mayHold(Buffer.from(text))).toBe(NONE);
  });

  test('a token behind them is found', () => {
    const text = Buffer.from(`${LOG_LINE.repeat(1000)}ghp_${of(36)}`);
    expect(new SecretFilter([]).mayHold(text)).toBe(TOKENS);
  });
});

describe('a configured value with characters outside of the basic plane', () => {
  // Each place of the last one begins or ends within a character.
  const short = ['hunterzwei77😀', '😀hunter77', '😀😀😀😀', 'a😀bcd😀e', '😀abc😀'];
  /** Always the same, and no part of it comes twice. */
  let state = 14;
  const letter = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return LETTERS[(state >>> 8) % LETTERS.length];
  };
  const plain = Array.from({ length: 120 }, letter).join('');
  const long = Array.from({ length: 80 }, (_, at) => `${plain.slice(0, at)}😀${plain.slice(at)}`);
  const emojis = Array.from({ length: 60 }, (_, at) => String.fromCodePoint(0x1f300 + at)).join('');

  test.each([...short, emojis, `x${emojis}`])('is found: %s', (value) => {
    const filter = new SecretFilter([value]);
    for (const text of [value, `it is ${value}!`, JSON.stringify({ a: JSON.stringify(value) })]) {
      expect(filter.mayHold(Buffer.from(text)) & VALUES, text).toBe(VALUES);
    }
  });

  test('is found by every fragment that the search would find', () => {
    for (const value of [...long, emojis, `x${emojis}`]) {
      const filter = new SecretFilter([value]);
      const finder = new SecretFinder([value]);
      for (let at = 0; at + 40 <= value.length; at++) {
        // As it comes out of UTF-8: half of a pair is an unknown character.
        const bytes = Buffer.from(value.slice(at, at + 40));
        if (finder.find(bytes.toString()).length === 0) continue;
        expect(filter.mayHold(bytes) & VALUES, `${at} of ${value}`).toBe(VALUES);
      }
    }
  });

  test('is found by a fragment that begins with half of another character', () => {
    const [value = ''] = long.slice(51);
    const other = '\u{1fa00}';
    expect(other.charCodeAt(1)).toBe('😀'.charCodeAt(1));
    const text = other + value.slice(53, 92);
    expect(new SecretFinder([value]).find(text)).toEqual([{ from: 1, to: 41 }]);
    expect(new SecretFilter([value]).mayHold(Buffer.from(text)) & VALUES).toBe(VALUES);
  });
});
