/** One line for each change: who, from what to what, and why. */
import { expect, it } from 'vitest';
import { collect } from '#src/main/status/collect.ts';
import { OFF, standingOf } from '#src/main/status/standing.ts';
import { judgeStatus } from '#src/main/status/verdict.ts';
import { changesOf, changeText, type Stands, standsOf } from '#src/main/watch/changes.ts';
import type { DownstreamSnapshot, StateSnapshot } from '#src/shared/model/snapshot.ts';
import {
  downstream,
  fromNow,
  GONE,
  instance,
  LIVING,
  project,
  SESSION,
  snapshot,
} from '../status/project.ts';

/** How everything stands in a directory, again and again. */
function directory() {
  const { cwd, write } = project();
  const seen = () => {
    const facts = collect(cwd, Date.now(), { XDG_STATE_HOME: cwd });
    return { facts, verdict: judgeStatus(facts.evidence) };
  };
  const look = (asked: (lane: string | null) => boolean = () => true): Stands => {
    const { facts, verdict } = seen();
    return standsOf(facts, verdict, asked);
  };
  const state = (changes: Partial<StateSnapshot>) => {
    write(`run/${SESSION}.json`, instance());
    write('serve.state.json', snapshot(changes));
  };
  return { look, seen, state, write };
}

const texts = (before: Stands, now: Stands) =>
  changesOf(before, now).map(({ change }) => changeText(change, false));
const GATEWAY = `gateway ${LIVING.pid}`;

it('tells how everything is, then what has changed, and nothing else', () => {
  const { look, state } = directory();
  const none = look();
  expect(texts(new Map(), none)).toEqual(['gateway: not running']);
  state({
    downstreams: [downstream(), downstream({ name: 'web', phase: 'starting' })],
    disabled: ['old'],
  });
  const first = look();
  expect(texts(none, first)).toEqual([
    `${GATEWAY}: running`,
    'files: ready',
    'web: starting',
    'old: off',
  ]);
  // Figures, times and process ids are no change.
  const other = downstream({ calls: 99, rss_mb: 4, pid: 4, since: fromNow(0), in_flight: 3 });
  state({
    downstreams: [other, downstream({ name: 'web', phase: 'starting' })],
    disabled: ['old'],
  });
  expect(texts(first, look())).toEqual([]);
  const last_error = 'no licence: exited with code 3';
  const broken = downstream({ name: 'web', phase: 'backoff', restarts: 2, last_error });
  const detail = 'killed by SIGKILL';
  const last_exit = {
    code: null,
    signal: 'SIGKILL',
    at: fromNow(0),
    reason: 'exit',
    detail,
    stderr_tail: '',
  } as const;
  state({ downstreams: [downstream({ restarts: 1, last_exit }), broken], disabled: [] });
  expect(texts(first, look())).toEqual([
    `files: ready, 1 restart: ${detail}`,
    `web: starting → backoff, 2 restarts: ${last_error}`,
    'old: off → gone',
  ]);
});

it('tells a cause once, and another cause of the same state', () => {
  const { look, state } = directory();
  const failed = (last_error: string | null) =>
    state({ downstreams: [downstream({ phase: 'failed', last_error })] });
  failed('one');
  const before = look();
  failed('one');
  expect(texts(before, look())).toEqual([]);
  failed('two');
  expect(texts(before, look())).toEqual(['files: failed: two']);
  state({ downstreams: [downstream()] });
  expect(texts(before, look())).toEqual(['files: failed → ready']);
});

it('tells what becomes of the gateway, of its configuration and of HALT', () => {
  const { look, state, write } = directory();
  state({});
  const well = look();
  state({ main: { state: 'stalled', stalled_since: fromNow(-3000), loop_lag_ms: 3000 } });
  expect(texts(well, look())).toEqual([`${GATEWAY}: running → stalled`]);
  state({ updated_at: fromNow(-60_000) });
  expect(texts(well, look())).toEqual([`${GATEWAY}: running → stale`, 'files: ready → was ready']);
  const problems = { refused: true, lines: ['line 3: no'], more: 0, since: fromNow(0) };
  state({ reload: { problems, waiting: [], more: 0 } });
  expect(texts(well, look())).toEqual(['configuration: refused: line 3: no']);
  state({});
  write('HALT', 'evening\n');
  const halted = look();
  expect(texts(well, halted)).toEqual(['HALT: set: evening']);
  expect(texts(halted, well)).toEqual(['HALT: set → gone']);
  write(`run/${SESSION}.json`, instance(GONE));
  write('serve.state.json', snapshot({ owner: GONE }));
  expect(texts(halted, look())).toEqual([`${GATEWAY}: running → dead`, 'files: ready → was ready']);
});

it('tells of one server and its instances only where only that is asked for', () => {
  const { look, state } = directory();
  state({ downstreams: [downstream(), downstream({ name: 'web' })], disabled: ['old'] });
  const only = look((lane) => lane === 'web');
  expect(texts(new Map(), only)).toEqual([`${GATEWAY}: running`, 'web: ready']);
});

it('names the gateway where there are several, and prints nothing that a terminal obeys', () => {
  const { look, state } = directory();
  const last_error = `\u001b[2J${'x'.repeat(5000)}\n`;
  state({ downstreams: [downstream({ name: 'a\u202eb', phase: 'failed', last_error })] });
  const lines = changesOf(new Map(), look()).map(({ change }) => changeText(change, true));
  expect(lines[0]).toBe(`${GATEWAY}: running`);
  expect(lines[1]).toMatch(/^pid \d+: a\u{fffd}b: failed: \u{fffd}\[2Jx+…/u);
  expect(lines[1]?.length).toBeLessThan(1000);
});

it('tells a server in the tone that the page has for it', () => {
  const { look, seen, state } = directory();
  const thread = { ...downstream().thread, state: 'stalled' } as const;
  const kinds: readonly Partial<DownstreamSnapshot>[] = [
    {},
    { phase: 'idle' },
    { phase: 'starting' },
    { phase: 'backoff' },
    { phase: 'draining' },
    { phase: 'failed' },
    { phase: 'blocked' },
    { circuit_state: 'open' },
    { circuit_state: 'half-open' },
    { thread },
  ];
  const downstreams = kinds.map((kind, at) => downstream({ ...kind, name: `s${at}` }));
  state({ downstreams, disabled: ['old'] });
  const [gateway] = seen().verdict.gateways;
  const standings = (gateway?.view?.downstreams ?? []).map((one) => standingOf(one, false));
  expect(new Set(standings.map(({ tone }) => tone))).toEqual(new Set(['good', 'warn', 'bad']));
  const told = changesOf(new Map(), look()).filter(({ change }) => change.server !== null);
  expect(told.map(({ change, tone }) => [change.to, tone])).toEqual(
    [...standings, OFF].map(({ word, tone }) => [word, tone]),
  );
  // As they were: nobody knows how they are.
  const running = look();
  state({ downstreams, disabled: ['old'], updated_at: fromNow(-60_000) });
  const past = changesOf(running, look()).filter(({ change }) => change.server !== null);
  expect(past).toHaveLength(kinds.length);
  for (const { change, tone } of past)
    expect([change.to?.slice(0, 4), tone]).toEqual(['was ', 'dim']);
});

it('tells a configuration that waits in the tone of a warning', () => {
  const { look, state } = directory();
  const waiting = [{ name: 'x', change: 'new', what: '/bin/x', since: fromNow(0) }] as const;
  state({ reload: { problems: null, waiting, more: 0 } });
  const tones = changesOf(new Map(), look()).map(({ change, tone }) => [change.what, tone]);
  expect(tones).toContainEqual(['configuration', 'warn']);
});
