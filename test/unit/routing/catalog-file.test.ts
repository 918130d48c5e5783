import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readCatalogFile } from '#src/main/routing/catalog-file.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rea-catalog-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const small = '{"name":"small","inputSchema":{"type":"object"}}';
const large = `{"description":"${'é'.repeat(100_000)}","name":"large","inputSchema":{}}`;

/** What is restored of servers with these tools, as raw JSON. */
function restored(servers: Readonly<Record<string, readonly unknown[]>>): Record<string, string[]> {
  const entries = Object.entries(servers).map(([name, tools]) => [
    name,
    { fingerprint: '0123456789abcdef', tools },
  ]);
  const file = { schema: 1, servers: Object.fromEntries(entries) };
  writeFileSync(join(dir, 'catalog.json'), JSON.stringify(file), { mode: 0o600 });
  return Object.fromEntries(
    readCatalogFile(dir).map(({ server, tools }) => [
      server,
      tools.map(({ json }) => Buffer.from(json).toString()),
    ]),
  );
}

test('restores every tool byte for byte, however large', () => {
  const tools = [
    { name: 'small', json: small },
    { name: 'large', json: large },
  ];
  expect(restored({ a: tools })).toEqual({ a: [small, large] });
  expect(readCatalogFile(dir)[0]?.tools.map(({ key }) => key)).toEqual(['small', 'large']);
});

test.each([
  ['cut off', { name: 'x', json: large.slice(0, 4096) }],
  ['without a name', { name: 'x', json: '{}' }],
  ['not text', { name: 'x', json: 5 }],
  ['no object', null],
])('restores nothing of a server with a tool that is %s, and all of the others', (_what, bad) => {
  const good = { name: 'small', json: small };
  expect(restored({ a: [good, bad], b: [good] })).toEqual({ b: [small] });
});
