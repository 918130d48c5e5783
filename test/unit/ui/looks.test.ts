/** What whoever looks is told: only what is new, and only what is asked for. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import type { EndedCall } from '#src/main/calls/seen-calls.ts';
import type { GivenRules } from '#src/main/operator/operable.ts';
import { Looks } from '#src/main/ui/looks.ts';
import { OPERABLE } from '../../support/operable.ts';

/** A call that has ended, and was given this. */
function ended(text: string): EndedCall {
  const line = new TextEncoder().encode(`{"params":{"arguments":{"text":"${text}"}}}`);
  const said = { at: 0, client: null, server: 'one', method: 'tools/call', name: 'echo' };
  return { ...said, ms: 1, outcome: 'ok', code: null, bytes: 1, line };
}

const dir = mkdtempSync(join(tmpdir(), 'rea-looks-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('only what is new and what is named comes', async () => {
  const looks = new Looks({ operable: OPERABLE, cwd: dir, env: {} });
  onTestFinished(() => looks.close());
  const look = async (query: string) => JSON.parse(await looks.look(new URLSearchParams(query)));
  const first = await look('');
  expect(Object.keys(first)).toEqual(['rev', 'state']);
  expect(Object.keys(await look(`state=${first.rev}`))).toEqual(['rev']);
  const { usage } = await look('usage=-1');
  expect(usage).toEqual({ rev: 1, lines: {} });
  expect(await look(`state=${first.rev}&usage=1`)).toEqual({ rev: first.rev });
  const all = await look('usage=0&calls=0&log=0');
  expect(Object.keys(all)).toEqual(['rev', 'state', 'usage', 'calls', 'log']);
});

test('however many look, they see what there was 0.2 s ago at most, and the gateway is looked at once for all', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  let count = 0;
  const operable = {
    ...OPERABLE,
    servers: () => {
      count += 1;
      return [];
    },
  };
  const looks = new Looks({ operable, cwd: dir, env: {} });
  onTestFinished(() => looks.close());
  const look = async () => JSON.parse(await looks.look(new URLSearchParams()));
  const [{ rev }] = await Promise.all([look(), look(), look()]);
  vi.advanceTimersByTime(199);
  await look();
  expect(count).toBe(1);
  vi.advanceTimersByTime(1);
  // It is as it was.
  expect((await look()).rev).toBe(rev);
  expect(count).toBe(2);
  // Whoever has just done something is to see it.
  looks.expire();
  await look();
  expect(count).toBe(3);
});

test('what calls were given is kept only while it is to be shown', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  let rules: GivenRules | null = null;
  let tell: (call: EndedCall) => void = () => undefined;
  const operable = {
    ...OPERABLE,
    get givenRules() {
      return rules;
    },
    watchCalls: (take: typeof tell) => {
      tell = take;
      return () => undefined;
    },
  };
  const looks = new Looks({ operable, cwd: dir, env: {} });
  onTestFinished(() => looks.close());
  const calls = async () => JSON.parse(await looks.look(new URLSearchParams('calls=0'))).calls;
  const given = async () => (await calls()).list.map((one: { given: string }) => one.given);
  tell(ended('a'));
  rules = { hide: (text) => text, patterns: [] };
  tell(ended('b'));
  expect((await calls()).given).toBe(true);
  expect(await given()).toEqual(['', '{"text":"b"}']);
  // Nobody looks meanwhile.
  rules = null;
  vi.advanceTimersByTime(5000);
  rules = { hide: (text) => text, patterns: [] };
  expect(await given()).toEqual(['', '']);
});
