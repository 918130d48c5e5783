/** What the catalogue keeps of what servers told, now and in earlier runs. */
import { beforeEach, expect, test } from 'vitest';
import { Catalog } from '#src/main/catalog/catalog.ts';
import { MergedList } from '#src/main/catalog/merged-list.ts';
import type { ListKind } from '#src/shared/model/lists.ts';
import type { CatalogEntry } from '#src/shared/model/mcp.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

const config = { ...serverConfig('a'), prefix: 'a' };
let changes: ListKind[];
let catalog: Catalog;
beforeEach(() => {
  changes = [];
  catalog = new Catalog({
    servers: [config],
    listWaitMs: 0,
    onChange: (kind) => changes.push(kind),
    onCollision: () => {},
  });
});

function entries(...names: string[]): CatalogEntry[] {
  return names.map((key) => {
    const json = Buffer.from(JSON.stringify({ name: key }));
    return { key, json, keyAt: [8, json.length - 1] };
  });
}

const isListed = (name: string) => catalog.byName('tools', name)?.kind === 'target';

test('a list of an earlier run is listed until its server has told, and not any more after that', () => {
  catalog.restore('a', config.fingerprint, 'tools', entries('then'));
  expect(isListed('a__then')).toBe(true);
  catalog.update('a', 'tools', entries('now'));
  catalog.restore('a', config.fingerprint, 'tools', entries('then'));
  expect([isListed('a__now'), isListed('a__then')]).toEqual([true, false]);
});

test('a list of another program of that name is not listed', () => {
  catalog.restore('a', 'another', 'tools', entries('then'));
  expect(isListed('a__then')).toBe(false);
});

test('a list that is told again unchanged is neither announced nor built again', () => {
  catalog.update('a', 'tools', entries('x', 'y'));
  expect(changes).toEqual(['tools']);
  catalog.update('a', 'tools', entries('x', 'y'));
  expect(changes).toEqual(['tools']);
  catalog.update('a', 'tools', entries('x'));
  expect(changes).toEqual(['tools', 'tools']);

  const list = new MergedList({ servers: [config], keys: 'names', own: [] });
  list.set('a', entries('x', 'y'));
  const built = list.json;
  expect(list.set('a', entries('x', 'y'))).toBe(false);
  expect(list.json).toBe(built);
  expect(list.set('a', entries('y', 'x'))).toBe(true);
  expect(list.json).not.toBe(built);
});
