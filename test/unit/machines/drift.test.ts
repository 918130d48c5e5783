/** What becomes of definitions that are told: served, pinned, or withheld until a person accepts them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  accept,
  bounded,
  type DefinitionMode,
  type Facts,
  type Form,
  isPinned,
  pinned,
  placeOf,
  type ServerForms,
  settle,
  type Told,
  withForms,
} from '#src/shared/machines/drift.ts';
import { MOST_DEFINITIONS, MOST_FORMS } from '#src/shared/model/pins.ts';
import { TIERS, type Tier } from '#src/shared/model/tier.ts';

const AT = '2026-01-01T00:00:00.000Z';
const HARMLESS: Facts = { rules: [], hard: false, namesOthers: false };

function told(name: string, hash: string, tier: Tier | null = 'write'): Told {
  return { key: `tool/${name}`, hash, remembered: null, tier };
}

/** Tells a list, with all that a gateway does then; what is served of it, by name. */
function tell(
  mode: DefinitionMode,
  forms: ServerForms,
  list: readonly Told[],
  facts: (one: Told) => Facts = () => HARMLESS,
): { readonly forms: ServerForms; readonly served: string[] } {
  const isFirst = !isPinned(forms, 'tool');
  const unknown = list.filter((one) => placeOf(mode, forms, one).kind === 'unknown');
  const news = unknown.map((one) => ({
    key: one.key,
    form: settle(mode, forms, one, facts(one), { at: AT, isFirst }),
  }));
  const after = withForms(forms, 'tool', news, AT);
  const isServed = ({ key, hash }: Told) =>
    after.get(key)?.find((one) => one.hash === hash)?.held === undefined;
  return { forms: after, served: list.filter(isServed).map(({ key }) => key) };
}

const NOTHING: ServerForms = new Map();
const names = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'constructor');
const hashes = fc.constantFrom('1', '2', '3');
const tiers = fc.constantFrom(...TIERS);
const tools = fc
  .uniqueArray(fc.record({ name: names, hash: hashes, tier: tiers }), {
    selector: ({ name }) => name,
  })
  .map((list) => list.map(({ name, hash, tier }) => told(name, hash, tier)));

describe('withhold', () => {
  test('serves what was told first, and of all that is told later only that', () => {
    fc.assert(
      fc.property(tools, fc.array(tools, { maxLength: 6 }), (first, later) => {
        let { forms } = tell('withhold', NOTHING, first);
        const known = new Set(first.map(({ key, hash }) => `${key} ${hash}`));
        for (const list of later) {
          const now = tell('withhold', forms, list);
          const expected = list.filter(({ key, hash }) => known.has(`${key} ${hash}`));
          expect(now.served).toEqual(expected.map(({ key }) => key));
          ({ forms } = now);
        }
      }),
    );
  });

  test('serves what a person has accepted, and no other form', () => {
    const { forms } = tell('withhold', NOTHING, [told('a', '1')]);
    const changed = tell('withhold', forms, [told('a', '2')]);
    expect(changed.served).toEqual([]);
    const seen = tell('withhold', changed.forms, [told('a', '3')]).forms;
    const accepted = new Map(seen);
    accepted.set('tool/a', accept(seen.get('tool/a') ?? [], AT, '2'));
    expect(tell('withhold', accepted, [told('a', '2')]).served).toEqual(['tool/a']);
    expect(tell('withhold', accepted, [told('a', '3')]).served).toEqual([]);
    expect(tell('withhold', accepted, [told('a', '1')]).served).toEqual(['tool/a']);
  });
});

describe('review', () => {
  test('serves every change without a finding and without a lower tier, and pins it', () => {
    fc.assert(
      fc.property(fc.array(tools, { maxLength: 6 }), (lists) => {
        let forms = NOTHING;
        for (const list of lists) {
          const even = list.map((one) => ({ ...one, tier: 'write' as const }));
          const now = tell('review', forms, even);
          expect(now.served).toEqual(even.map(({ key }) => key));
          ({ forms } = now);
        }
        for (const [key, all] of forms) if (key.includes('/')) expect(pinned(all)).toEqual(all);
      }),
    );
  });

  test.each([
    ['hard findings', { ...HARMLESS, rules: ['bidi'], hard: true }, 'findings'],
    ['nobody to judge it', { ...HARMLESS, rules: null }, 'unjudged'],
    ["names of another server's tools", { ...HARMLESS, namesOthers: true }, 'names'],
  ])('withholds a change with %s, and serves the rest', (_, facts, held) => {
    const { forms } = tell('review', NOTHING, [told('a', '1'), told('b', '1')]);
    const now = tell('review', forms, [told('a', '2'), told('b', '2')], ({ key }) =>
      key === 'tool/a' ? facts : HARMLESS,
    );
    expect(now.served).toEqual(['tool/b']);
    expect(now.forms.get('tool/a')?.at(-1)).toMatchObject({ hash: '2', held, after: '1' });
    // A new one, too.
    const more = tell('review', now.forms, [told('c', '1')], () => facts);
    expect(more.served).toEqual([]);
    expect(more.forms.get('tool/c')).toMatchObject([{ held, after: 'new' }]);
  });

  test('withholds exactly what needs less caution than every form that is pinned', () => {
    fc.assert(
      fc.property(fc.array(tiers, { minLength: 1, maxLength: 4 }), tiers, (before, after) => {
        const pins = before.map((tier, at): Form => ({ hash: `h${at}`, at: AT, tier }));
        const forms: ServerForms = new Map([
          ['tool', [{ hash: '-', at: AT }]],
          ['tool/a', pins],
        ]);
        const lowest = Math.min(...before.map((tier) => TIERS.indexOf(tier)));
        const isLower = TIERS.indexOf(after) < lowest;
        const now = tell('review', forms, [told('a', 'new', after)]);
        expect(now.served.length === 0).toBe(isLower);
      }),
    );
  });

  test('judges what was withheld as a mere change, or by nobody, once more', () => {
    const { forms } = tell('withhold', NOTHING, [told('a', '1')]);
    const held = tell('withhold', forms, [told('a', '2')]).forms;
    expect(placeOf('withhold', held, told('a', '2')).kind).toBe('held');
    expect(tell('review', held, [told('a', '2')]).served).toEqual(['tool/a']);
    const unjudged = tell('review', forms, [told('a', '3')], () => ({ ...HARMLESS, rules: null }));
    expect(unjudged.served).toEqual([]);
    expect(tell('review', unjudged.forms, [told('a', '3')]).served).toEqual(['tool/a']);
  });
});

describe('the first set', () => {
  test('is pinned as it comes, also without a judge, but for hard findings', () => {
    const facts = ({ key }: Told): Facts => {
      if (key === 'tool/bad') return { ...HARMLESS, rules: ['tags'], hard: true };
      return { rules: null, hard: false, namesOthers: true };
    };
    const list = [told('bad', '1'), told('good', '1')];
    for (const mode of ['review', 'withhold'] as const) {
      const first = tell(mode, NOTHING, list, facts);
      expect(first.served).toEqual(['tool/good']);
      expect(first.forms.get('tool/good')?.[0]).not.toHaveProperty('after');
    }
  });

  test('may be empty: what comes then is new', () => {
    const { forms } = tell('withhold', NOTHING, []);
    expect(tell('withhold', forms, [told('a', '1')]).served).toEqual([]);
  });
});

test('a thousand harmless changes: order, removal and return withhold nothing', () => {
  const all = Array.from({ length: 20 }, (_, at) => told(`tool${at}`, `hash${at}`));
  const subsets = fc.shuffledSubarray(all);
  let count = 0;
  fc.assert(
    fc.property(fc.array(subsets, { minLength: 10, maxLength: 10 }), (lists) => {
      let { forms } = tell('withhold', NOTHING, all);
      for (const list of lists) {
        const now = tell('withhold', forms, list);
        expect(now.served).toEqual(list.map(({ key }) => key));
        ({ forms } = now);
        count += 1;
      }
    }),
    { numRuns: 100 },
  );
  expect(count).toBeGreaterThanOrEqual(1000);
});

describe('bounds', () => {
  test('forms of one definition: the newest are kept, and those that wait push out no more than four', () => {
    const form = fc.record(
      {
        hash: fc.integer({ min: 0, max: 30 }).map(String),
        at: fc.constant(AT),
        held: fc.constant('changed' as const),
      },
      { requiredKeys: ['hash', 'at'] },
    );
    fc.assert(
      fc.property(fc.array(form, { maxLength: 60 }), (forms) => {
        const kept = bounded(forms);
        expect(kept.length).toBeLessThanOrEqual(MOST_FORMS);
        expect(kept.filter(({ held }) => held !== undefined).length).toBeLessThanOrEqual(4);
        expect(kept).toEqual(forms.filter((one) => kept.includes(one)));
        const pins = pinned(forms);
        expect(pinned(kept)).toEqual(pins.slice(pins.length - pinned(kept).length));
        expect(pinned(kept).length).toBeGreaterThanOrEqual(Math.min(pins.length, MOST_FORMS - 4));
      }),
    );
  });

  test('where there are very many definitions each has fewer forms, and a pinned one at least', () => {
    const names = Array.from({ length: 10_000 }, (_, at) => `tool/${at}`);
    const told = (hash: string, held: boolean) =>
      names.map((key) => ({
        key,
        form: { hash, at: AT, ...(held ? { held: 'changed' as const } : {}) },
      }));
    let forms = withForms(NOTHING, 'tool', told('first', false), AT);
    for (const hash of ['2', '3', '4']) forms = withForms(forms, 'tool', told(hash, true), AT);
    const [, one = []] = [...forms].find(([key]) => key === 'tool/7') ?? [];
    expect(one.map(({ hash }) => hash)).toEqual(['first', '4']);
  });

  test('definitions of one server: those that were touched longest ago go, never the mark of a kind', () => {
    const many = (from: number, count: number) =>
      Array.from({ length: count }, (_, at) => ({
        key: `tool/${from + at}`,
        form: { hash: 'x', at: AT },
      }));
    const full = withForms(NOTHING, 'tool', many(0, MOST_DEFINITIONS), AT);
    const more = withForms(full, 'tool', many(MOST_DEFINITIONS, 10), AT);
    expect(more.size).toBe(MOST_DEFINITIONS);
    expect(more.has('tool')).toBe(true);
    expect(more.has('tool/0')).toBe(false);
    expect(more.has(`tool/${MOST_DEFINITIONS + 9}`)).toBe(true);
  });
});
