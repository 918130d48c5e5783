/** No line of `rea status` is wider than the terminal, whatever the names and scripts, and nothing is lost by folding. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { collect, type Facts } from '#src/main/status/collect.ts';
import {
  columnsOf,
  cutEnd,
  cutMiddle,
  cutStart,
  fold,
  foldCommand,
} from '#src/main/status/layout.ts';
import { paintFor } from '#src/main/status/paint.ts';
import { prettyStatus } from '#src/main/status/pretty.ts';
import { judgeStatus } from '#src/main/status/verdict.ts';
import { cleanForTerminal } from '#src/shared/text/clean-text.ts';
import { downstream, fromNow, GONE, instance, project, SESSION, snapshot } from './project.ts';

const OTHER = '3b0c5a4e-0000-4000-8000-000000000002';

/** Scripts that differ in width, and what joins, marks or hides characters. */
const pieces = fc.constantFrom(
  ...Array.from('abcz09-_ .,/"\'\\'),
  '漢',
  '字',
  'ｶ',
  'ﾞ',
  'Ａ',
  '한',
  '\u1112\u1161\u11ab',
  '\u1100',
  'é',
  'e\u0301',
  'o\u0323\u0307\u0302',
  '\u0301',
  'क्षि',
  'நி',
  'ำ',
  'שׁ',
  'مُ',
  '🙂',
  '👍🏽',
  '👨‍👩‍👧‍👦',
  '🇯🇵',
  '🇯',
  '1️⃣',
  '☺️',
  '⚠',
  '…',
  '\u200b',
  '\u202e',
  '\u001b[31m',
  '\n',
  '\ud800',
  '\u{1f1e6}',
  '\u{e0041}',
);
const text = (max: number) =>
  fc.oneof(
    fc.array(pieces, { maxLength: max, size: 'max' }).map((all) => all.join('')),
    fc.string({ unit: 'grapheme', maxLength: max, size: '+1' }),
    fc.string({ unit: 'binary', maxLength: max, size: '+1' }),
  );
const names = fc.oneof(
  fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/),
  text(32).filter((name) => name !== ''),
);
const columns = fc.oneof(fc.integer({ min: 40, max: 60 }), fc.integer({ min: 40, max: 200 }));
const phase = fc.constantFrom('ready', 'idle', 'starting', 'backoff', 'failed', 'draining');

const servers = fc.array(
  fc.record({
    name: names,
    phase,
    circuit_state: fc.constantFrom('closed', 'open', 'half-open'),
    last_error: fc.option(text(300)),
    withheld_why: fc.option(text(100)),
    restarts: fc.constantFrom(0, 7, 1_000_000),
    tools_count: fc.option(fc.nat(5000)),
    in_flight: fc.nat(3),
    rss_mb: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
    next_restart_at: fc.constantFrom(null, fromNow(13_000)),
  }),
  { maxLength: 8, size: 'max' },
);

/** What a directory holds, read as the command reads it. */
function factsOf(one: {
  servers: readonly object[];
  said: string;
  http: boolean;
  dead: boolean;
}): Facts {
  const { cwd, write } = project();
  const { said } = one;
  const reload = {
    problems: { refused: true, lines: [said, 'x'.repeat(90)], more: 2, since: fromNow(-5000) },
    waiting: [{ name: said, change: 'new' as const, what: said, since: fromNow(-5000) }],
    more: 1,
  };
  const downstreams = one.servers.map((server) => downstream(server));
  const clients = [{ name: said, version: said }];
  const shared = { clients, disabled: [said], reload, sessions: 3, downstreams };
  write('serve.state.json', snapshot({ ...shared, ...(one.dead ? { owner: GONE } : {}) }));
  const http = one.http ? 'http://127.0.0.1:7332/mcp' : null;
  const token_file = `/home/somebody/.local/state/rea/${'x'.repeat(40)}/token`;
  const endpoint = { stdio: true, http, auth: one.http ? 'token' : null, token_file } as const;
  write(`run/${SESSION}.json`, instance({ endpoint, state_dir: said }));
  write(`run/${OTHER}.json`, instance({ ...GONE, session_id: OTHER }));
  write('HALT', said);
  write('policy.yaml', JSON.stringify({ profile: said, autonomy_level: 'L1' }));
  write('audit.jsonl', 'x\n');
  const facts = collect(cwd, Date.now(), { XDG_STATE_HOME: cwd });
  return { ...facts, baseDir: `/home/somebody/${said}/project` };
}

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
        expect(folded.join('').replaceAll(' ', '')).toBe(whole.replaceAll(' ', ''));
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
