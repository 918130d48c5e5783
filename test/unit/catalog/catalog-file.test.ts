import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readCatalogFile } from '#src/main/catalog/catalog-file.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rea-catalog-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const small = '{"name":"small","inputSchema":{"type":"object"}}';
const large = `{"description":"${'é'.repeat(100_000)}","name":"large","inputSchema":{"type":"object"}}`;
const page = '{"uri":"a://\\u0070age","name":"page"}';
const fingerprint = '0123456789abcdef';

/** What is restored of servers with these entries, as raw JSON by server and kind. */
function restored(servers: Readonly<Record<string, object>>, schema = 2): unknown {
  const entries = Object.entries(servers).map(([name, rest]) => [name, { fingerprint, ...rest }]);
  const file = { schema, servers: Object.fromEntries(entries) };
  writeFileSync(join(dir, 'catalog.json'), JSON.stringify(file), { mode: 0o600 });
  return Object.fromEntries(
    readCatalogFile(dir).map(({ server, lists }) => [
      server,
      Object.fromEntries(
        [...lists].map(([kind, list]) => [
          kind,
          list.map(({ json }) => Buffer.from(json).toString()),
        ]),
      ),
    ]),
  );
}

test('restores every entry of every list byte for byte, however large', () => {
  const lists = {
    tools: [small, large],
    prompts: [small],
    resources: [page],
    templates: ['{"uriTemplate":"a://{x}","name":"t"}'],
  };
  expect(restored({ a: { lists } })).toEqual({ a: lists });
  const [stored] = readCatalogFile(dir);
  expect(stored?.lists.get('tools')?.map(({ key }) => key)).toEqual(['small', 'large']);
  expect(stored?.lists.get('resources')?.map(({ key }) => key)).toEqual(['a://page']);
  expect(stored).toMatchObject({ fingerprint, profile: null });
});

test('restores the tools of a file of the first format', () => {
  const tools = [{ name: 'small', json: small }];
  expect(restored({ a: { tools }, b: { tools: 5 } }, 1)).toEqual({ a: { tools: [small] }, b: {} });
});

test('what clients would refuse is mended or left out, as earlier releases kept it', () => {
  const lists = {
    tools: [small, '{"name":"a","title":null,"inputSchema":null}', '{"name":"b","inputSchema":5}'],
    resources: ['{"uri":"a://b"}'],
  };
  expect(restored({ a: { lists } })).toEqual({
    a: { tools: [small, '{"name":"a","inputSchema":{"type":"object"}}'], resources: [] },
  });
  const mended = readCatalogFile(dir)[0]?.lists.get('tools')?.[1];
  expect(Buffer.from(mended!.json.subarray(...mended!.keyAt)).toString()).toBe('"a"');
});

test.each([
  ['cut off', large.slice(0, 4096)],
  ['without a name', '{}'],
  ['with a name that is too long', `{"name":"${'n'.repeat(129)}"}`],
  ['not text', 5],
  ['no object', null],
])('restores nothing of a list with an entry that is %s, and all of the others', (_what, bad) => {
  const lists = { tools: [small, bad], prompts: [small] };
  expect(restored({ a: { lists }, b: { lists: { tools: [small] } } })).toEqual({
    a: { prompts: [small] },
    b: { tools: [small] },
  });
});

test.each([
  ['whole', { capabilities: '{"x":{}}', instructions: 'i', name: 'n', version: '1' }, true],
  ['of another type', 5, false],
  [
    'far too long',
    { capabilities: '{}', instructions: 'i'.repeat(9000), name: 'n', version: '1' },
    false,
  ],
  ['incomplete', { capabilities: '{}', instructions: 'i', name: 'n' }, false],
  ['not JSON', { capabilities: '{', instructions: 'i', name: 'n', version: '1' }, false],
])('restores what a server said of itself only when it is whole: %s', (_what, profile, whole) => {
  restored({ a: { profile, lists: { tools: [small] } } });
  expect(readCatalogFile(dir)[0]?.profile).toEqual(whole ? profile : null);
  expect(readCatalogFile(dir)[0]?.lists.get('tools')).toHaveLength(1);
});

test('why a server has a thread of its own is kept, if it is a short text', () => {
  const why = ['w'.repeat(200), 'w'.repeat(201), 5, null].map((held_up, at) => [
    `s${at}`,
    { held_up },
  ]);
  restored(Object.fromEntries(why));
  expect(readCatalogFile(dir).map(({ heldUp }) => heldUp)).toEqual([
    'w'.repeat(200),
    null,
    null,
    null,
  ]);
});
