/** Facts of directories with anything in them, for the tests of widths. */
import fc from 'fast-check';
import { collect, type Facts } from '#src/main/status/collect.ts';
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
export const text = (max: number) =>
  fc.oneof(
    fc.array(pieces, { maxLength: max, size: 'max' }).map((all) => all.join('')),
    fc.string({ unit: 'grapheme', maxLength: max, size: '+1' }),
    fc.string({ unit: 'binary', maxLength: max, size: '+1' }),
  );
const names = fc.oneof(
  fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/),
  text(32).filter((name) => name !== ''),
);
export const columns = fc.oneof(
  fc.integer({ min: 40, max: 60 }),
  fc.integer({ min: 40, max: 200 }),
);
const phase = fc.constantFrom('ready', 'idle', 'starting', 'backoff', 'failed', 'draining');

export const servers = fc.array(
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
export function factsOf(one: {
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
