/** The whole screen of the watch: it fits whatever stands there, and shows what is chosen. */
import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { collect } from '#src/main/status/collect.ts';
import { paintFor } from '#src/main/status/colours.ts';
import { judgeStatus } from '#src/main/status/verdict.ts';
import { type Composed, compose } from '#src/main/watch/compose.ts';
import type { Message } from '#src/main/watch/footer.ts';
import { sectionsOf, targetsOf } from '#src/main/watch/list.ts';
import type { Seen } from '#src/main/watch/seen.ts';
import { press, START, type WatchState } from '#src/main/watch/state.ts';
import { columns, factsOf, servers, text } from '../status/any-facts.ts';
import { downstream, instance, project, SESSION, snapshot } from '../status/project.ts';

const plain = paintFor(false, {});
const TOKEN = '0123456789abcdef'.repeat(4);

function seenOf(facts: Seen['facts'], more: Partial<Seen> = {}): Seen {
  const verdict = judgeStatus(facts.evidence);
  return { facts, verdict, askedIn: '/', tokenOf: () => TOKEN, log: [], calls: null, ...more };
}

/** A gateway with these servers. */
function seenWith(downstreams: Parameters<typeof downstream>[0][], disabled: string[] = []): Seen {
  const { cwd, write } = project();
  write('serve.state.json', snapshot({ downstreams: downstreams.map(downstream), disabled }));
  const endpoint = {
    stdio: false,
    http: 'http://127.0.0.1:7332/mcp',
    auth: 'token',
    token_file: '/state/token',
  } as const;
  write(`run/${SESSION}.json`, instance({ endpoint }));
  return { ...seenOf(collect(cwd, Date.now(), { XDG_STATE_HOME: cwd })), askedIn: cwd };
}

const room = (rows: number, width = 80) => ({ columns: width, rows, paint: plain });
const named = (...names: string[]) => names.map((name) => ({ name }));

describe('the screen', () => {
  const pages = fc.constantFrom<WatchState['page']>('list', 'server', 'connect', 'keys');
  const askings = fc.oneof(
    fc.constant(null),
    text(60).map((typed) => ({ kind: 'filter' as const, text: typed, before: '' })),
    text(60).map((typed) => ({ kind: 'freeze' as const, text: typed })),
    fc.constant({ kind: 'unfreeze' as const }),
  );

  it('has no line that reaches the last column, and no more lines than rows', () => {
    fc.assert(
      fc.property(
        fc.record({ columns, rows: fc.integer({ min: 4, max: 60 }), coloured: fc.boolean() }),
        fc.record({ servers, said: text(120), http: fc.boolean(), dead: fc.boolean() }),
        fc.record({ page: pages, asking: askings, filter: text(4), top: fc.nat(50) }),
        fc.option(text(300)),
        ({ columns: width, rows, coloured }, inside, looked, said) => {
          const facts = factsOf(inside);
          const record = { level: 'info', server: inside.said, msg: inside.said };
          const log = [{ sessionId: 'a', time: 0, record, text: '' }];
          const call = { method: inside.said, name: null, client: said, waits: false, ms: 5 };
          const seen = seenOf(facts, { log, calls: [call] });
          // As state.ts lets text through: without controls.
          const clean = (one: string) =>
            Array.from(one)
              .filter((c) => /[ -~\u4e00-\u9fff]/.test(c))
              .join('');
          const { asking, filter } = looked;
          const asks =
            asking === null || asking.kind === 'unfreeze'
              ? asking
              : { ...asking, text: clean(asking.text) };
          const chosen = targetsOf(sectionsOf(seen, START, width), '')[0]?.id ?? null;
          const state: WatchState = {
            ...START,
            ...looked,
            chosen,
            filter: clean(filter),
            asking: asks,
          };
          const message: Message | null =
            said === null ? null : { lines: [clean(said)], tone: 'bad' };
          const paint = paintFor(coloured, {});
          const { lines } = compose(seen, state, message, { columns: width, rows, paint });
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const line of lines) {
            expect([line, stringWidth(line) < width]).toEqual([line, true]);
            expect(line).not.toMatch(/[\n\r\t]/);
          }
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);

  it('shows the summary first, and the chosen server wherever it stands', () => {
    const seen = seenWith(Array.from({ length: 40 }, (_, at) => ({ name: `server-${at}` })));
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('up', 'down', 'end', 'home'), { maxLength: 60 }),
        fc.integer({ min: 8, max: 30 }),
        (typed, rows) => {
          let shown: Composed = compose(seen, START, null, room(rows));
          for (const name of typed) {
            const { targets, height, canAsk, state } = shown;
            const [next] = press(state, { name }, { targets, height, canAsk, halted: false });
            shown = compose(seen, next, null, room(rows));
            expect(shown.lines[0]).toBe('rea: all 40 servers serve');
            if (name === 'home') expect(shown.state.top).toBe(0);
            else expect(shown.lines.filter((line) => line.startsWith('> server-'))).toHaveLength(1);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it('shows a question and what is typed before all else, or says that there is no room', () => {
    const seen = seenWith(named('one', 'two'));
    const asking = { kind: 'freeze', text: 'because of that' } as const;
    const message: Message = { lines: ['one', 'two', 'three', 'four', 'five', 'six'] };
    for (let rows = 1; rows <= 12; rows += 1) {
      for (const width of [30, 41, 60, 80, 200]) {
        const { lines, canAsk } = compose(seen, { ...START, asking }, message, room(rows, width));
        expect(lines.length).toBeLessThanOrEqual(rows);
        const all = lines.map((line) => line.trim()).join(' ');
        const isSeen = /Refuse every call .* Why\? .*reason: because of that_$/.test(all);
        if (canAsk) expect([rows, width, isSeen]).toEqual([rows, width, true]);
        else expect(rows < 4 || width < 60).toBe(true);
      }
    }
  });

  it('keeps the chosen server when another one fails and moves up', () => {
    const before = compose(seenWith(named('one', 'two', 'three')), START, null, room(20));
    const { targets, height, canAsk } = before;
    const [state] = press(
      before.state,
      { name: 'down' },
      { targets, height, canAsk, halted: false },
    );
    const failing = seenWith([...named('one', 'two'), { name: 'three', phase: 'failed' }]);
    const { lines } = compose(failing, state, null, room(20));
    const servers = lines.filter((line) => /^(?:> | {2})(?:one|two|three) /.test(line));
    expect(servers.map((line) => line.slice(0, 5))).toEqual(['  thr', '  one', '> two']);
  });

  it('has one line for why a server fails, and all of it on the page of the server', () => {
    const last_error = `it said ${'word '.repeat(60)}END`;
    const seen = seenWith([{ name: 'one', phase: 'failed', last_error }, { name: 'two' }]);
    const list = compose(seen, START, null, room(20));
    const at = list.lines.findIndex((line) => line.startsWith('> one '));
    expect(list.lines[at + 1]).toMatch(/^ {4}it said (?:word )+.*…$/);
    expect(list.lines[at + 2]).toMatch(/^ {2}two /);
    const page = compose(seen, { ...list.state, page: 'server' }, null, room(40)).lines;
    expect(page.join(' ')).toContain('word END');
  });

  it('scrolls by pages, and stays there while the same is drawn again', () => {
    const seen = seenWith(Array.from({ length: 40 }, (_, at) => ({ name: `server-${at}` })));
    const first = compose(seen, START, null, room(12));
    const { targets, height, canAsk } = first;
    const [state] = press(
      first.state,
      { name: 'pagedown' },
      { targets, height, canAsk, halted: false },
    );
    const second = compose(seen, state, null, room(12));
    expect(second.state.top).toBe(height);
    expect(compose(seen, second.state, null, room(12)).lines).toEqual(second.lines);
    expect(second.lines.join('\n')).toMatch(/\d+ lines above, \d+ lines below/);
  });

  it('shows the address, and how to connect only when it is asked for', () => {
    const seen = seenWith(named('one'));
    const list = compose(seen, START, null, room(30)).lines.join('\n');
    expect(list).toContain('endpoint: http://127.0.0.1:7332/mcp');
    expect(list).not.toContain(TOKEN.slice(0, 8));
    const connect = compose(seen, { ...START, page: 'connect' }, null, room(30, 300)).lines;
    expect(connect.join('\n')).toContain(`Bearer ${TOKEN}`);
  });

  it('filters by name and by state, and says how many there are', () => {
    const seen = seenWith([...named('one', 'two'), { name: 'three', phase: 'failed' }], ['four']);
    const shown = (filter: string) => {
      const { lines } = compose(seen, { ...START, filter }, null, room(20));
      return [
        lines.flatMap((line) => /^(?:> | {2})(one|two|three|four) /.exec(line)?.[1] ?? []),
        /\d of 4 servers/.exec(lines.join('\n'))?.[0],
      ];
    };
    expect(shown('T')).toEqual([['three', 'two'], '2 of 4 servers']);
    expect(shown('fail')).toEqual([['three'], '1 of 4 servers']);
    expect(shown('off')).toEqual([['four'], '1 of 4 servers']);
    expect(shown('nobody')).toEqual([[], '0 of 4 servers']);
  });
});
