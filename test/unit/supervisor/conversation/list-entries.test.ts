/** What of a list is kept, and what is said of the rest. */
import { expect, test } from 'vitest';
import { elements } from '#src/shared/json/json-slice.ts';
import type { ListKind } from '#src/shared/model/lists.ts';
import { ListEntries } from '#src/workers/supervisor/conversation/list-entries.ts';

function read(kind: ListKind, ...pages: readonly (readonly unknown[])[]): ListEntries {
  const entries = new ListEntries(kind);
  for (const page of pages) {
    const bytes = Buffer.from(JSON.stringify(page));
    for (const at of elements(bytes, [0, bytes.length])) entries.add(bytes, at);
  }
  return entries;
}

const inputSchema = { type: 'object' };
const named = (...names: unknown[]) =>
  names.map((name) => ({ description: 'd', name, inputSchema }));

test('keeps each entry as it came, with its key', () => {
  const entries = read('tools', named('a', 'b'), named('c')).all();
  expect(entries.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  for (const { key, json, keyAt } of entries) {
    expect(JSON.parse(Buffer.from(json).toString())).toEqual({
      description: 'd',
      name: key,
      inputSchema,
    });
    expect(Buffer.from(json.subarray(...keyAt)).toString()).toBe(JSON.stringify(key));
  }
});

test('counts what it leaves out over all pages, by reason', () => {
  const entries = read('prompts', named('a', 'a', 7, null, 'x'.repeat(129)), [
    ...named('a', 'y'.repeat(1_000_000)),
    {},
    'text',
    5,
  ]);
  expect(entries.all().map(({ key }) => key)).toEqual(['a']);
  const counts =
    '2 whose name is longer than 128 characters, 5 without name, 2 whose name came before';
  expect(entries.withheld(null).why).toBe(`prompts/list: entries were left out: ${counts}`);
  expect(entries.withheld('a cursor came twice').why).toBe(
    `prompts/list: was cut short: a cursor came twice; entries were left out: ${counts}`,
  );
  expect(read('prompts', named('a')).withheld(null).why).toBe('');
});

test('a name is measured in characters and a URI in bytes, however they are written', () => {
  const escaped = (text: string) =>
    Array.from(text, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  const entries = new ListEntries('tools');
  const line = Buffer.from(`{"name":"${escaped('n'.repeat(128))}"}`);
  entries.add(line, [0, line.length]);
  const pairs = Buffer.from(`{"name":"${'\\ud83d\\ude42'.repeat(128)}"}`);
  entries.add(pairs, [0, pairs.length]);
  expect(entries.all().map(({ key }) => key)).toEqual(['n'.repeat(128), '🙂'.repeat(128)]);
  const uris = ['u'.repeat(8192), 'ü'.repeat(4096), 'u'.repeat(8193), 'ü'.repeat(4097)];
  const resources = read(
    'resources',
    uris.map((uri) => ({ uri, name: 'r' })),
  );
  expect(resources.all().map(({ key }) => key)).toEqual(uris.slice(0, 2));
});

test('takes no more than the limit, also of one page', () => {
  const templates = Array.from({ length: 1003 }, (_, at) => ({
    uriTemplate: `u://${at}/{x}`,
    name: 't',
  }));
  const entries = read('templates', templates);
  expect(entries.isFull).toBe(true);
  expect(entries.all()).toHaveLength(1000);
  expect(entries.withheld(null).why).toBe(
    'resources/templates/list: entries were left out: 3 beyond 1000',
  );
});

test('what clients would refuse is left out, by what is wrong with it, with the first of each', () => {
  const entries = read('tools', [
    ...named('a'),
    { name: 'b', inputSchema: [] },
    { name: 'c', inputSchema: null, title: null },
    { name: `d\u202e"${'d'.repeat(100)}`, inputSchema },
    { name: `e\u202e"${'e'.repeat(100)}`, inputSchema: 'text' },
    { name: 'f', inputSchema, title: 5 },
    { name: 'f', inputSchema, title: 'of the same name' },
  ]);
  expect(entries.all().map(({ key }) => key.slice(0, 1))).toEqual(['a', 'c', 'd', 'f']);
  const { count, why } = entries.withheld(null);
  expect(count).toBe(3);
  expect(why).toBe(
    'tools/list: entries were left out: 2 whose inputSchema is no object (first "b"), 1 whose title is no string ("f"); ' +
      'clients refuse a whole list with an entry that is no valid MCP: mend it in the server',
  );
  const odd = read('tools', [{ name: `e\u202e"${'e'.repeat(100)}`, inputSchema: 'text' }]);
  expect(odd.withheld(null).why).toMatch(/ \(".{60,70}"\); clients/);
  expect(odd.withheld(null).why).not.toContain('\u202e');
});

test('those that were changed share one buffer, which is theirs alone', () => {
  const bare = Array.from({ length: 500 }, (_, at) => ({ name: `n${at}` }));
  const all = read('tools', [...bare, ...named('as-it-came')]).all();
  const buffers = new Set(all.slice(0, 500).map(({ json }) => json.buffer));
  expect(buffers.size).toBe(1);
  expect(buffers.has(all[500]!.json.buffer)).toBe(false);
  for (const { key, json, keyAt } of all) {
    expect(JSON.parse(Buffer.from(json).toString())).toMatchObject({ name: key, inputSchema });
    expect(Buffer.from(json.subarray(...keyAt)).toString()).toBe(JSON.stringify(key));
  }
});

test('a page that comes again is not counted again', () => {
  const line = Buffer.from(JSON.stringify([...named('a'), { name: 'b', inputSchema: 5 }, 7]));
  const entries = new ListEntries('tools');
  for (const again of [false, true]) {
    for (const at of elements(line, [0, line.length])) entries.add(line, at, again);
  }
  expect(entries.all()).toHaveLength(1);
  expect(entries.withheld(null).count).toBe(2);
});
