/** Servers that offer the same under the same name. */
import { beforeEach, expect, test } from 'vitest';
import { Catalog } from '#src/main/routing/catalog.ts';
import type { ListKind } from '#src/shared/model/lists.ts';
import type { CatalogEntry } from '#src/shared/wire/protocol.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

let told: string[];
let catalog: Catalog;
beforeEach(() => {
  told = [];
  catalog = new Catalog({
    servers: ['a', 'b'].map((name) => ({ ...serverConfig(name), prefix: '' })),
    listWaitMs: 0,
    onChange: () => {},
    onCollision: (server, message) => told.push(`${server}: ${message}`),
  });
});

function offer(server: string, kind: ListKind, ...keys: string[]): void {
  const entries = keys.map((key): CatalogEntry => {
    const json = Buffer.from(JSON.stringify({ key }));
    return { key, json, keyAt: [7, json.length - 1] };
  });
  catalog.update(server, kind, entries);
}

test('of tools that two servers name alike the later one is renamed, which is told once', () => {
  offer('a', 'tools', 'x', 'own');
  offer('b', 'tools', 'x', 'other');
  expect(told).toEqual([
    expect.stringMatching(
      /^b: its tool "x" is listed as "x_[0-9a-f]{12}", because server "a" has one$/,
    ),
  ]);
  expect(catalog.byName('tools', 'x')).toMatchObject({ kind: 'target', server: 'a' });
  const renamed = /x_[0-9a-f]{12}/.exec(told[0] ?? '')?.[0] ?? '';
  expect(catalog.byName('tools', renamed)).toMatchObject({ kind: 'target', server: 'b' });
  expect([catalog.collisions('a'), catalog.collisions('b')]).toEqual([0, 1]);

  offer('b', 'tools', 'x', 'another');
  expect(told).toHaveLength(1);
  offer('b', 'tools', 'another');
  expect(catalog.collisions('b')).toBe(0);
  expect(told).toHaveLength(1);
  offer('b', 'tools', 'x');
  expect(told).toHaveLength(2);
});

test('a name that is only rewritten because of its characters is no collision', () => {
  offer('a', 'tools', 'größe');
  offer('b', 'tools', 'grö ße', 'x'.repeat(80));
  expect(told).toEqual([]);
});

test('a resource belongs to the first server in the configuration, also when it comes later', () => {
  offer('b', 'resources', 'u://1', 'u://2');
  expect(catalog.byUri('u://1')).toBe('b');
  expect(told).toEqual([]);
  offer('a', 'resources', 'u://1');
  expect(catalog.byUri('u://1')).toBe('a');
  expect(told).toEqual(['b: its resource "u://1" is not listed, because server "a" has one']);
  offer('b', 'templates', 'u://{x}');
  offer('a', 'templates', 'u://{x}');
  expect(told.at(-1)).toContain('its resource template "u://{x}" is not listed');
  expect(catalog.collisions('b')).toBe(2);
});

test('many collisions make one line, and no server writes on a terminal', () => {
  const keys = Array.from({ length: 500 }, (_, at) => `u://${at}/\u001b[2J${'x'.repeat(500)}`);
  offer('a', 'resources', ...keys);
  offer('b', 'resources', ...keys);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/; and 490 more$/);
  expect(told[0]?.length).toBeLessThan(4000);
  expect(told[0]).not.toContain('\u001b');
});
