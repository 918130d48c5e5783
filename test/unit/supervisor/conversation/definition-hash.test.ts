/** The hash of a definition: what a client can read of it counts, and nothing else. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isPinned,
  placeOf,
  type ServerForms,
  settle,
  type Told,
  withForms,
} from '#src/shared/machines/drift.ts';
import { definitionHash, hashesOf } from '#src/workers/supervisor/conversation/definition-hash.ts';

const hashOf = (text: string) => definitionHash(Buffer.from(text));

/** A value with the members of each object in another order. */
function shuffled(value: unknown, seed: number): string {
  if (Array.isArray(value)) return `[ ${value.map((one) => shuffled(one, seed)).join(' ,\n')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value);
  const turned = members.map((_, at) => members[(at + seed) % members.length] ?? ['', null]);
  return `{${turned.map(([key, one]) => `${JSON.stringify(key)} : ${shuffled(one, seed)}`).join()}}`;
}

describe('the hash of a definition', () => {
  test('is the same for another order of members, white space and escapes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(5), (value, seed) => {
        expect(hashOf(shuffled(value, seed))).toBe(hashOf(JSON.stringify(value)));
      }),
    );
    expect(hashOf('{"a":"\\u0061\\/","b":1.0}')).toBe(hashOf('{"b":1,"a":"a/"}'));
  });

  test('is another one for every two values that differ', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const isSame = shuffledForm(one) === shuffledForm(other);
        expect(hashOf(JSON.stringify(one)) === hashOf(JSON.stringify(other))).toBe(isSame);
      }),
    );
  });

  test.each([
    ['a member that comes twice', '{"a":"good","a":"good"}', '{"a":"evil","a":"good"}'],
    [
      'the same, written with an escape',
      '{"a":"good","\\u0061":"x"}',
      '{"a":"evil","\\u0061":"x"}',
    ],
    ['one deep inside', '{"b":[{"a":1,"a":2}]}', '{"b":[{"a":3,"a":2}]}'],
    ['half of a surrogate pair', '{"a":"\\ud800"}', '{"a":"\\ud801"}'],
    ['a number beyond all numbers', '{"a":1e400}', '{"a":1e401}'],
    ['invisible characters', '{"a":"x"}', '{"a":"x\u200b"}'],
    ['another normal form', '{"a":"\u00e9"}', '{"a":"e\u0301"}'],
    ['a type', '{"a":"1"}', '{"a":1}'],
    ['a member called __proto__', '{"__proto__":{"a":1}}', '{"__proto__":{"a":2}}'],
    ['a member toJSON', '{"toJSON":1}', '{"toJSON":2}'],
    ['colons in texts', '{"a:b":":"}', '{"a":"b::"}'],
  ])('sees %s', (_, one, other) => {
    expect(hashOf(one)).not.toBe(hashOf(other));
  });

  test('is there for nesting beyond the stack', () => {
    const deep = (leaf: string) => `${'['.repeat(200_000)}${leaf}${']'.repeat(200_000)}`;
    expect(hashOf(deep('1'))).not.toBe(hashOf(deep('2')));
  });
});

/** Canonical enough for values of JSON.parse. */
function shuffledForm(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shuffledForm).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, one]) => `${JSON.stringify(key)}:${shuffledForm(one)}`).join()}}`;
}

const TOOL = {
  name: 'search_issues',
  title: 'Search the issues',
  description:
    'Finds issues. Dates are like 2026-01-31; \u00e9\u{1f600}, "quoted" and \\ are texts.',
  icons: [{ src: 'https://example.com/i.png', mimeType: 'image/png', sizes: ['48x48'] }],
  inputSchema: {
    type: 'object',
    properties: {
      query: { type: 'string', description: 'What to look for', default: '', minLength: 0 },
      state: { enum: ['open', 'closed'], description: 'Which ones' },
      limit: { type: 'integer', minimum: 1, maximum: 100.5, default: 1e2 },
      labels: { type: 'array', items: { type: 'string' }, uniqueItems: true },
    },
    required: ['query'],
    additionalProperties: false,
    $schema: 'https://json-schema.org/draft/2020-12/schema',
  },
  outputSchema: { type: 'object', properties: { count: { type: 'number' } } },
  annotations: {
    title: 'Search',
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: true,
  },
  execution: { taskSupport: 'optional' },
  _meta: { 'example.com/extra': [1, null, { deep: ['x'] }] },
};
const OTHER = { name: 'other', inputSchema: { type: 'object' } };

test('every byte of every field, changed one at a time, withholds the tool and no other', () => {
  const text = JSON.stringify(TOOL);
  const original = Buffer.from(text);
  const first = tell(new Map(), [original, Buffer.from(JSON.stringify(OTHER))]);
  expect(first.served).toEqual(['search_issues', 'other']);
  let changed = 0;
  let same = 0;
  for (let at = 0; at < original.length; at++) {
    for (const mutant of mutantsAt(original, at)) {
      const parsed = parse(mutant);
      if (typeof parsed?.name !== 'string') continue;
      const isSame = shuffledForm(parsed) === shuffledForm(TOOL);
      const { served } = tell(first.forms, [mutant, Buffer.from(JSON.stringify(OTHER))]);
      expect([mutant.toString(), served]).toEqual([
        mutant.toString(),
        isSame ? ['search_issues', 'other'] : ['other'],
      ]);
      if (isSame) same += 1;
      else changed += 1;
    }
  }
  expect(changed).toBeGreaterThanOrEqual(5000);
  expect(same).toBeGreaterThan(0);
});

/** Another byte, one more, one less. */
function* mutantsAt(bytes: Buffer, at: number): Generator<Buffer> {
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + 1)];
  yield Buffer.concat([before, after]);
  for (const one of ['a', 'Z', ' ', '9', '.', '\u200b', '\u{e0041}', '\u202e']) {
    yield Buffer.concat([before, Buffer.from(one), after]);
    yield Buffer.concat([before, Buffer.from(one), bytes.subarray(at)]);
  }
}

function parse(bytes: Buffer): { readonly name?: unknown } | null {
  try {
    return JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}

/** What the supervisor and main do with a list; the names of what is served. */
function tell(
  forms: ServerForms,
  list: readonly Buffer[],
): { readonly forms: ServerForms; readonly served: string[] } {
  const isFirst = !isPinned(forms, 'tool');
  const hashes = hashesOf(
    list.map((json) => ({ json })),
    null,
  );
  const told = list.map((json, at): Told & { readonly name: string } => {
    const { name } = JSON.parse(json.toString());
    return {
      name,
      key: `tool/${name}`,
      hash: hashes[at]?.hash ?? '',
      remembered: null,
      tier: null,
    };
  });
  const unknown = told.filter((one) => placeOf('withhold', forms, one).kind === 'unknown');
  const facts = { rules: [], hard: false, namesOthers: false };
  const news = unknown.map((one) => ({
    key: one.key,
    form: settle('withhold', forms, one, facts, { at: '2026-01-01', isFirst }),
  }));
  const after = withForms(forms, 'tool', news, '2026-01-01');
  const served = told.filter(
    ({ key, hash }) => after.get(key)?.find((one) => one.hash === hash)?.held === undefined,
  );
  return { forms: after, served: served.map(({ name }) => name) };
}
