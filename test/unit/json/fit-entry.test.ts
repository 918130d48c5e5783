/**
 * What of a list clients read: what is passed on the SDK's own schemas accept, what is withheld they refuse, and what
 * they accept as it is stays as it is, byte for byte.
 */
import {
  ListPromptsResultSchema,
  ListResourcesResultSchema,
  ListResourceTemplatesResultSchema,
  ListToolsResultSchema,
} from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitEntry } from '#src/shared/json/fit-entry.ts';
import { LIST_KINDS, LISTS, type ListKind } from '#src/shared/model/lists.ts';
import { CHANGE, ODD, written } from '../../support/odd-json.ts';

const SCHEMAS = {
  tools: ListToolsResultSchema,
  prompts: ListPromptsResultSchema,
  resources: ListResourcesResultSchema,
  templates: ListResourceTemplatesResultSchema,
};

/** Whether the client of the SDK reads a list with this entry. */
function isRead(kind: ListKind, json: string): boolean {
  const list = { [LISTS[kind].member]: [JSON.parse(json)] };
  return SCHEMAS[kind].safeParse(list).success;
}

/** The entry as clients are shown it, or why they are not. */
function fit(kind: ListKind, json: string): { text: string } | { wrong: string } {
  const bytes = new TextEncoder().encode(json);
  const fitting = fitEntry(kind, bytes);
  if ('wrong' in fitting) return fitting;
  if (isRead(kind, json)) expect(fitting.json).toBe(bytes);
  return { text: Buffer.from(fitting.json).toString() };
}

const object = { type: 'object' };

/** One of everything that the schemas know. */
const WHOLE: Readonly<Record<ListKind, Record<string, unknown>>> = {
  tools: {
    name: 'n',
    title: 't',
    description: 'd',
    icons: [{ src: 's', mimeType: 'm', sizes: ['1x1'], theme: 'dark' }],
    inputSchema: { type: 'object', properties: { a: { type: 'string' }, b: {} }, required: ['a'] },
    outputSchema: { type: 'object', properties: { a: {} }, required: [] },
    annotations: {
      title: 't',
      readOnlyHint: true,
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: true,
    },
    execution: { taskSupport: 'optional' },
    _meta: { a: null },
  },
  prompts: {
    name: 'n',
    title: 't',
    description: 'd',
    icons: [{ src: 's' }],
    arguments: [{ name: 'a', title: 't', description: 'd', required: true }, { name: 'b' }],
    _meta: {},
  },
  resources: {
    uri: 'a://b',
    name: 'n',
    title: 't',
    description: 'd',
    mimeType: 'm',
    size: 3,
    icons: [{ src: 's', theme: 'light' }],
    annotations: {
      audience: ['user', 'assistant'],
      priority: 0.5,
      lastModified: '2026-02-28T12:00:00.5+01:00',
    },
    _meta: {},
  },
  templates: {
    uriTemplate: 'a://{b}',
    name: 'n',
    title: 't',
    description: 'd',
    mimeType: 'm',
    icons: [{ src: 's' }],
    annotations: { audience: [], priority: 1, lastModified: '2024-02-29T00:00:00Z' },
    _meta: {},
  },
};

/** What is left when every null is taken out that a client would refuse, and `true` and `false` are schemas. */
function isMendable(kind: ListKind, json: string): boolean {
  const entry: unknown = JSON.parse(json);
  if (kind === 'tools' && isRecord(entry)) entry['inputSchema'] ??= { type: 'object' };
  return isRead(kind, JSON.stringify(withoutNulls(entry)));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => (one === null ? null : withoutNulls(one)));
  if (!isRecord(value)) return value;
  const kept: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(value)) {
    if (one === null) continue;
    kept[name] = name === 'properties' && isRecord(one) ? schemas(one) : withoutNulls(one);
  }
  return kept;
}

function schemas(properties: Record<string, unknown>): unknown {
  const kept = Object.entries(properties).filter(([, one]) => one !== null);
  return Object.fromEntries(kept.map(([name, one]) => [name, typeof one === 'boolean' ? {} : one]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The SDK's client agrees with what is done with an entry. */
function judge(kind: ListKind, json: string): 'as it is' | 'mended' | 'withheld' {
  const fitting = fit(kind, json);
  const before = isRead(kind, json);
  if ('wrong' in fitting) {
    expect([json, fitting.wrong, before, isMendable(kind, json)]).toEqual([
      json,
      fitting.wrong,
      false,
      false,
    ]);
    return 'withheld';
  }
  const { text } = fitting;
  expect([json, text, isRead(kind, text)]).toEqual([json, text, true]);
  if (before) {
    expect(text).toBe(json);
    return 'as it is';
  }
  // Once mended, there is nothing more to mend.
  expect(fit(kind, text)).toEqual({ text });
  return 'mended';
}

describe.each(LIST_KINDS)('of %s', (kind) => {
  test('one with everything in it is passed on as it is', () => {
    expect(judge(kind, JSON.stringify(WHOLE[kind]))).toBe('as it is');
  });

  test('what the SDK’s client reads is passed on as it is, and what it refuses is mended or withheld', () => {
    const seen = { 'as it is': 0, mended: 0, withheld: 0 };
    fc.assert(
      fc.property(CHANGE, fc.option(CHANGE), (one, other) => {
        const once = written(WHOLE[kind], one);
        const json = other === null ? once : written(JSON.parse(once), other);
        seen[judge(kind, json)] += 1;
      }),
      { numRuns: 3000 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(20);
  });

  test('so are objects that have nothing to do with it', () => {
    const seen = new Set<string>();
    const name = fc.constantFrom(...Object.keys(WHOLE[kind]), 'toString', '__proto__', 'x');
    fc.assert(
      fc.property(fc.array(fc.tuple(name, ODD), { maxLength: 6 }), (members) => {
        const all = members.map(([key, json]) => `${JSON.stringify(key)}:${json}`);
        seen.add(judge(kind, `{${[`"${LISTS[kind].key}":"k"`, ...all].join()}}`));
      }),
      { numRuns: 1500 },
    );
    expect(seen).toContain('withheld');
  });
});

test.each([
  ['a tool without parameters', { name: 'a' }, { name: 'a', inputSchema: object }],
  ['one with null for them', { inputSchema: null, name: 'a' }, { inputSchema: object, name: 'a' }],
  [
    'nulls at the beginning, in the middle and at the end',
    { title: null, description: null, name: 'a', icons: null, inputSchema: object, _meta: null },
    { name: 'a', inputSchema: object },
  ],
  [
    'nulls further inside',
    {
      name: 'a',
      annotations: { title: null },
      inputSchema: { type: 'object', properties: { x: null, y: { a: null } }, required: null },
    },
    {
      name: 'a',
      annotations: {},
      inputSchema: { type: 'object', properties: { y: { a: null } } },
    },
  ],
  [
    'schemas that are true or false',
    { name: 'a', inputSchema: { type: 'object', properties: { x: true, y: false, z: { a: 1 } } } },
    {
      name: 'a',
      inputSchema: { type: 'object', properties: { x: {}, y: { not: {} }, z: { a: 1 } } },
    },
  ],
])('mended is: %s', (_, tool, mended) => {
  expect(fit('tools', JSON.stringify(tool))).toEqual({ text: JSON.stringify(mended) });
});

test('the last of several members of a name counts, as in JSON.parse, and a null takes them all along', () => {
  const doubled = '{"name":"a","title":"x","inputSchema":{"type":"object"},"title":null}';
  expect(fit('tools', doubled)).toEqual({ text: '{"name":"a","inputSchema":{"type":"object"}}' });
  const kept = '{"name":"a","title":null,"inputSchema":{"type":"object"},"title":"x"}';
  expect(fit('tools', kept)).toEqual({ text: kept });
});

test.each([
  [
    'tools',
    { name: 'a', inputSchema: { type: 'string' } },
    'whose inputSchema.type is not "object"',
  ],
  ['tools', { name: 'a', inputSchema: { anyOf: [object] } }, 'without inputSchema.type'],
  ['tools', { name: 'a', inputSchema: [] }, 'whose inputSchema is no object'],
  ['tools', { name: 'a', description: 5 }, 'whose description is no string'],
  ['tools', { name: 'a', icons: [{ src: 's' }, {}] }, 'without icons[].src'],
  [
    'tools',
    { name: 'a', execution: { taskSupport: 'always' } },
    'whose execution.taskSupport is not "required", "optional", "forbidden"',
  ],
  ['resources', { uri: 'a://b' }, 'without name'],
  ['templates', { uriTemplate: 'a://{b}', name: null }, 'without name'],
  [
    'resources',
    { uri: 'a://b', name: 'n', annotations: { priority: 2 } },
    'whose annotations.priority is no number from 0 to 1',
  ],
  [
    'resources',
    { uri: 'a://b', name: 'n', annotations: { lastModified: '2026-01-01' } },
    'whose annotations.lastModified is no time such as 2026-01-31T12:00:00Z',
  ],
  ['prompts', { name: 'n', arguments: [{}] }, 'without arguments[].name'],
] as const)('withheld is of %s: %j', (kind, entry, wrong) => {
  expect(fit(kind, JSON.stringify(entry))).toEqual({ wrong });
});

test('an entry with very many faults is withheld, and takes no time that grows faster than it', () => {
  const nulls = Array.from({ length: 20_000 }, (_, at) => `"p${at}":null`).join();
  const tool = (properties: string) =>
    `{"name":"a","inputSchema":{"type":"object","properties":{${properties}}}}`;
  expect(fit('tools', tool(nulls))).toEqual({
    wrong: 'whose inputSchema.properties is no object of schemas',
  });
  const titles = ',"title":null'.repeat(20_000);
  expect(fit('prompts', `{"name":"a"${titles}}`)).toEqual({ wrong: 'with more than 10000 faults' });
  const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
  const bytes = Buffer.from(tool(`"x":${deep}`));
  expect(fitEntry('tools', bytes)).toEqual({ json: bytes });
});
