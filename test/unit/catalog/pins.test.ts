/** What is listed while definitions are being judged, and when nobody judges them in time. */
import { expect, test } from 'vitest';
import { heldWhy } from '#src/main/catalog/held-definitions.ts';
import { DefinitionPins, type Settled } from '#src/main/catalog/pins.ts';
import { DefinitionStore } from '#src/main/pins/definition-store.ts';
import type { Verdicts } from '#src/main/pins/judge.ts';
import type { Finding } from '#src/shared/model/findings.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';
import { until } from '../../support/wait-for.ts';

interface Asked {
  readonly names: readonly string[];
  readonly answer: (verdicts: Verdicts) => void;
}

const HARD: Finding = { rule: 'bidi', hard: true, field: 'description', excerpt: '' };

/** Pins with a judge that answers when the test says so. */
function house({ waitMs = 60_000 } = {}) {
  const asked: Asked[] = [];
  const settled: Settled[] = [];
  const shown: string[][] = [];
  const store = new DefinitionStore({ stateDir: null, warn: () => {} });
  const server = { config: { ...serverConfig('s'), name: 's' } };
  const pins: DefinitionPins = new DefinitionPins({
    mode: 'review',
    store,
    texts: null,
    judge: {
      judge: (items) =>
        new Promise((answer) => asked.push({ names: items.map(({ name }) => name), answer })),
    },
    waitMs,
    catalog: () => ({ names: [], toolsOf: () => [], exposedTools: () => [] }),
    onSettled: (one) => settled.push(one),
    onHeld: () => {},
    onLate: () => pins.reconsider(server),
  });
  const tell = (...tools: readonly string[]) => {
    const entries = tools.map((tool) => {
      const [key = '', version = ''] = tool.split(' ');
      const json = Buffer.from(JSON.stringify({ name: key, description: version }));
      return { key, json, keyAt: [8, 10 + key.length] as const };
    });
    const hashes = tools.map((hash) => ({ hash, remembered: null }));
    pins.list(server, 'tools', entries, hashes, () => {
      shown.push(tools.filter((_, at) => heldWhy(entries[at] ?? { key: '' }) === undefined));
    });
  };
  const answer = async (...verdicts: Verdicts) => {
    const one = await until(() => asked.shift(), { what: 'a question' });
    one.answer(verdicts);
    return one.names;
  };
  return { pins, store, server, settled, shown, asked, tell, answer };
}

const count = (list: readonly unknown[], many: number) =>
  until(() => list.length >= many, { what: `${many} lists shown` });

test('a list is shown when it is judged, one that is known at once', async () => {
  const { tell, answer, shown, asked } = house();
  tell('a 1', 'b 1');
  expect(shown).toEqual([]);
  expect(await answer([], [HARD])).toEqual(['a', 'b']);
  await count(shown, 1);
  expect(shown).toEqual([['a 1']]);
  tell('b 1', 'a 1');
  expect(shown).toEqual([['a 1'], ['a 1']]);
  expect(asked).toEqual([]);
});

test('only the newest list is shown, whatever is judged first', async () => {
  const { tell, asked, shown, settled } = house();
  tell('a 1');
  tell('a 2');
  const [first, second] = asked;
  second?.answer([[]]);
  await count(shown, 1);
  first?.answer([[]]);
  await count(settled, 2);
  expect(shown).toEqual([['a 2']]);
});

test('the first list is shown after a while though nobody has judged it', async () => {
  const { tell, shown, settled } = house({ waitMs: 1 });
  tell('a 1');
  await count(shown, 1);
  expect(shown).toEqual([['a 1']]);
  expect(settled[0]?.news[0]?.form).not.toHaveProperty('verdict');
});

test('what came first and was judged late is withheld where an attack is found, also in a newer list', async () => {
  const { tell, shown, settled, asked } = house({ waitMs: 1 });
  tell('a 1', 'b 1');
  await count(shown, 1);
  expect(shown[0]).toEqual(['a 1', 'b 1']);
  tell('b 1', 'a 1');
  expect(shown[1]).toEqual(['b 1', 'a 1']);
  asked.shift()?.answer([[HARD], []]);
  await count(shown, 3);
  expect(shown[2]).toEqual(['b 1']);
  expect(settled.at(-1)).toMatchObject({
    isFirst: true,
    news: [{ name: 'a', form: { held: 'findings', verdict: ['bidi'] } }],
  });
});

test('what a person has accepted is not withheld by a late verdict', async () => {
  const { pins, store, server, tell, shown, asked } = house({ waitMs: 20 });
  tell('a 1');
  await count(shown, 1);
  const key = 'tool/a';
  store.add('s', [{ server: 's', kind: 'tool', key, form: { hash: 'a 1', at: '2026-01-01' } }]);
  const forms = store.formsOf('s').get(key) ?? [];
  expect(forms).toEqual([{ hash: 'a 1', at: '2026-01-01' }]);
  asked.shift()?.answer([[HARD]]);
  await count(shown, 2);
  expect(shown[1]).toEqual(['a 1']);
  expect(pins.held([server])).toEqual([]);
});

test('what was pinned unjudged in an earlier run is listed at once, and judged', async () => {
  const { store, tell, answer, shown } = house();
  const form = (hash: string) => ({ hash, at: '2026-01-01', unjudged: true as const });
  const pin = (name: string) => ({ server: 's', kind: 'tool' as const, key: `tool/${name}` });
  store.add('s', [
    { ...pin('a'), form: form('a 1') },
    { ...pin('b'), form: form('b 1') },
  ]);
  tell('a 1', 'b 1');
  expect(shown).toEqual([['a 1', 'b 1']]);
  expect(await answer([HARD], [])).toEqual(['a', 'b']);
  await count(shown, 2);
  expect(shown[1]).toEqual(['b 1']);
  expect(store.formsOf('s').get('tool/b')).toEqual([
    expect.not.objectContaining({ unjudged: true }),
  ]);
});

test('a change that nobody judges in time is withheld, and served when it is judged after all', async () => {
  const { tell, answer, shown, asked } = house({ waitMs: 20 });
  tell('a 1', 'b 1');
  await answer([], []);
  await count(shown, 1);
  tell('a 2', 'b 1', 'c 1');
  await count(shown, 2);
  expect(shown[1]).toEqual(['b 1']);
  asked.shift()?.answer([[], [HARD]]);
  await count(shown, 3);
  expect(shown[2]).toEqual(['a 2', 'b 1']);
});

test('a definition at which the judge fails is withheld as a change, and costs no other', async () => {
  const { tell, answer, shown, settled } = house();
  tell('a 1', 'b 1');
  await answer(null, []);
  await count(shown, 1);
  expect(shown[0]).toEqual(['a 1', 'b 1']);
  tell('a 2', 'b 2');
  await answer(null, []);
  await count(shown, 2);
  expect(shown[1]).toEqual(['b 2']);
  expect(settled.at(-1)?.news.map(({ form }) => form.held ?? null)).toEqual(['unjudged', null]);
});

test('what is judged after the end is not kept', async () => {
  const { pins, tell, answer, shown, settled } = house();
  tell('a 1');
  pins.close();
  await answer([]);
  // Whatever follows from the answer has happened by then.
  await new Promise((resolve) => setImmediate(resolve));
  expect([shown, settled]).toEqual([[], []]);
});

test('instructions are told when they are judged; all else of a profile at once', async () => {
  const { pins, server, answer } = house();
  const profile = { capabilities: '{}', instructions: 'Be kind.', name: 'n', version: '1' };
  const told: string[] = [];
  const hashes = { hash: 'x', remembered: null };
  pins.introduced(server, profile, hashes, ({ instructions }) => told.push(instructions));
  expect(told).toEqual(['']);
  await answer([]);
  await count(told, 2);
  expect(told).toEqual(['', 'Be kind.']);
  pins.introduced(
    server,
    { ...profile, instructions: 'Be cruel.' },
    { ...hashes, hash: 'y' },
    (one) => told.push(one.instructions),
  );
  await answer([HARD]);
  await count(told, 4);
  expect(told).toEqual(['', 'Be kind.', '', '']);
  expect(pins.held([server])).toMatchObject([{ server: 's', kind: 'instructions', name: '' }]);
});
