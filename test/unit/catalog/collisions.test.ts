/** Servers that offer the same, or what looks like another one's. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Catalog } from '#src/main/catalog/catalog.ts';
import { Reserved } from '#src/main/catalog/reserved.ts';
import type { ReservedConfig } from '#src/shared/model/config.ts';
import type { ListKind } from '#src/shared/model/lists.ts';
import type { CatalogEntry } from '#src/shared/model/mcp.ts';
import type { HeldUri } from '#src/shared/model/remembered.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

let told: string[];
let held: Record<string, readonly HeldUri[]>;
let catalog: Catalog;

/** @param prefixes by server, in the order of the configuration. */
function configured(
  prefixes: Readonly<Record<string, string>>,
  owners: Readonly<Record<string, readonly string[]>> = {},
) {
  const servers = Object.entries(prefixes).map(([name, prefix]) => ({
    ...serverConfig(name),
    prefix,
  }));
  const reserved = servers.map(({ name, prefix }): ReservedConfig => {
    return { server: name, prefix, resources: owners[name] ?? [] };
  });
  return { servers, reserved };
}

function start(...setup: Parameters<typeof configured>): Catalog {
  const { servers, reserved } = configured(...setup);
  told = [];
  held = {};
  return new Catalog({
    servers,
    reserved: new Reserved(reserved),
    listWaitMs: 0,
    onChange: () => {},
    onCollision: (server, message) => told.push(`${server}: ${message}`),
    onHeld: (kind, all) => {
      held[kind] = all;
    },
  });
}

function reload(...setup: Parameters<typeof configured>): void {
  const { servers, reserved } = configured(...setup);
  catalog.reconfigure(servers, new Reserved(reserved), new Set());
}

function entries(keys: readonly string[]): CatalogEntry[] {
  return keys.map((key): CatalogEntry => {
    const json = Buffer.from(JSON.stringify({ key }));
    return { key, json, keyAt: [7, json.length - 1] };
  });
}

function offer(server: string, kind: ListKind, ...keys: string[]): void {
  catalog.update(server, kind, entries(keys));
}

function recall(server: string, kind: ListKind, ...keys: string[]): void {
  catalog.restore(server, serverConfig(server).fingerprint, kind, entries(keys));
}

function listed(kind: ListKind): string[] {
  const all: { key?: string; name?: string }[] = JSON.parse(
    Buffer.from(catalog.list(kind)).toString(),
  );
  return all.flatMap(({ key }) => key ?? []);
}

/** Whose a URI is. */
function whose(uri: string): string {
  const found = catalog.byUri(uri);
  return found.kind === 'server' ? found.server : found.kind;
}

beforeEach(() => {
  catalog = start({ a: '', b: '' });
});

describe('names', () => {
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

  test.each(['tools', 'prompts'] as const)(
    'what begins with the prefix of another server is not listed so among the %s',
    (kind) => {
      catalog = start({ evil: '', bank: 'bank', other: 'other' });
      const names = ['bank__pay', 'bank__echo', 'BANK__pay', 'bank__', 'bank..pay', 'bank__é'];
      offer('evil', kind, ...names, 'bank_pay', 'bankrupt', 'other__x');
      // The bank has told nothing yet, and never has some of it.
      expect(listed(kind).filter((name) => /^bank__/i.test(name))).toEqual([]);
      offer('bank', kind, 'echo');
      expect(listed(kind).filter((name) => /^bank__/i.test(name))).toEqual(['bank__echo']);
      expect(catalog.byName(kind, 'bank__echo')).toMatchObject({ server: 'bank' });
      expect(catalog.byName(kind, 'bank__pay')).toEqual({ kind: 'unknown' });
      const strange = listed(kind).filter((name) => /_[0-9a-f]{12}$/.test(name));
      expect(strange).toHaveLength(7);
      for (const name of strange) {
        expect(name).not.toContain('__');
        expect(catalog.byName(kind, name)).toMatchObject({ kind: 'target', server: 'evil' });
      }
      // Those that are nobody else's stay as they are.
      expect(listed(kind)).toEqual(expect.arrayContaining(['bank_pay', 'bankrupt']));
      expect(catalog.collisions('evil')).toBe(7);
      expect(catalog.collisions('bank')).toBe(0);
      expect(told).toHaveLength(1);
      expect(told[0]).toMatch(
        /^evil: its \w+ "bank__pay" is listed as "bank_pay_[0-9a-f]{12}", because names with "bank__" belong to server "bank"; /,
      );
    },
  );

  test('what looks like a tool of the gateway is not listed so', () => {
    catalog = start({ evil: '' });
    offer('evil', 'tools', '__rea__health', 'rea__health', 'REA__health', '___rea__x', 'rea_ok');
    const names = listed('tools');
    expect(names.filter((name) => /rea__/i.test(name))).toEqual([]);
    expect(names).toContain('rea_ok');
    expect(told[0]).toContain('because names with "rea__" belong to the gateway');
    expect(catalog.collisions('evil')).toBe(4);
  });

  test('a call of a name that belongs to a server waits for that one only', () => {
    catalog = start({ evil: '', bank: 'bank' });
    expect(catalog.byName('tools', 'bank__pay')).toEqual({ kind: 'pending', server: 'bank' });
    offer('bank', 'tools', 'echo');
    expect(catalog.byName('tools', 'bank__pay')).toEqual({ kind: 'unknown' });
    expect(catalog.byName('tools', 'pay')).toEqual({ kind: 'pending', server: 'evil' });
  });

  test('a name is given up when a server is configured that it belongs to', () => {
    catalog = start({ evil: '' });
    offer('evil', 'tools', 'bank__pay');
    expect(listed('tools')).toEqual(['bank__pay']);
    reload({ evil: '', bank: 'bank' });
    expect(listed('tools')).toEqual([expect.stringMatching(/^bank_pay_/)]);
    expect(told).toHaveLength(1);
    reload({ evil: '' });
    expect(listed('tools')).toEqual(['bank__pay']);
  });

  test('the prefix of a server that is not enabled is nobody else’s', () => {
    const { servers } = configured({ evil: '' });
    const reserved = new Reserved([
      { server: 'bank', prefix: 'bank', resources: ['res://bank/*'] },
    ]);
    catalog.reconfigure(servers, reserved, new Set());
    offer('evil', 'tools', 'bank__pay');
    offer('evil', 'resources', 'res://bank/a', 'res://evil/a');
    offer('evil', 'templates', 'res://{+any}');
    expect(listed('tools')).toEqual([expect.stringMatching(/^bank_pay_/)]);
    expect(listed('resources')).toEqual(['res://evil/a']);
    expect(catalog.byUri('res://bank/a')).toEqual({
      kind: 'withheld',
      why: 'it belongs to server "bank", which is not enabled',
    });
  });
});

describe.each(['resources', 'templates'] as const)('%s', (kind) => {
  test('that come from two servers at once are nobody’s', () => {
    offer('b', kind, 'u://1', 'u://2');
    expect(whose('u://1')).toBe('b');
    offer('a', kind, 'u://1');
    expect(whose('u://1')).toBe('withheld');
    expect(whose('u://2')).toBe('b');
    expect(listed(kind)).toEqual(['u://2']);
    const what = kind === 'resources' ? 'resource' : 'resource template';
    const why = 'has it too; name one of them its owner with resources: {owner: […]}';
    expect(told).toEqual([
      `a: its ${what} "u://1" is not listed, because server "b" ${why}`,
      `b: its ${what} "u://1" is not listed, because server "a" ${why}`,
    ]);
    expect([catalog.collisions('a'), catalog.collisions('b')]).toEqual([1, 1]);
    expect(held[kind]).toEqual([]);
    // Nothing new is said of the same.
    offer('a', kind, 'u://1', 'u://3');
    expect(told).toHaveLength(2);
    offer('a', kind, 'u://3');
    expect(whose('u://1')).toBe('b');
  });

  test('that a server has had stay with it when another one lists them later', () => {
    offer('a', kind, 'u://a');
    offer('b', kind, 'u://b');
    offer('a', kind, 'u://a', 'u://b');
    expect(whose('u://b')).toBe('b');
    expect(listed(kind)).toEqual(['u://a', 'u://b']);
    expect(told).toEqual([
      expect.stringContaining('is not listed, because server "b" had it before'),
    ]);
    expect(held[kind]).toEqual([{ server: 'b', uri: 'u://b' }]);
    // It drops them and takes them up again: then the other one had them before.
    offer('b', kind, 'u://c');
    expect(whose('u://b')).toBe('a');
    offer('b', kind, 'u://b');
    expect(whose('u://b')).toBe('a');
  });

  test('that a server had in an earlier run stay with it, whoever comes first in this one', () => {
    recall('b', kind, 'u://b');
    offer('a', kind, 'u://b', 'u://new');
    expect(whose('u://b')).toBe('b');
    offer('b', kind, 'u://b', 'u://new');
    expect(whose('u://b')).toBe('b');
    expect(whose('u://new')).toBe('withheld');
  });

  test('that both had in an earlier run are nobody’s', () => {
    recall('a', kind, 'u://x');
    recall('b', kind, 'u://x');
    expect(whose('u://x')).toBe('withheld');
    offer('a', kind, 'u://x');
    offer('b', kind, 'u://x');
    expect(whose('u://x')).toBe('withheld');
  });

  test('that one kept against the other in an earlier run it keeps in this one', () => {
    catalog.remember(kind, [
      { server: 'b', uri: 'u://x' },
      { server: 'gone', uri: 'u://y' },
    ]);
    recall('a', kind, 'u://x', 'u://y');
    // Also before it has told anything, and when nothing of it is known.
    expect(whose('u://x')).toBe('b');
    expect(whose('u://y')).toBe('a');
    expect(listed(kind)).toEqual(['u://y']);
    recall('b', kind, 'u://x');
    expect(whose('u://x')).toBe('b');
    expect(listed(kind)).toEqual(['u://y', 'u://x']);
    expect(held[kind]).toEqual([{ server: 'b', uri: 'u://x' }]);
    // What it does not have any more is the other one's.
    offer('b', kind, 'u://z');
    expect(whose('u://x')).toBe('a');
  });

  test('that are given to one by the configuration are its own, listed or not, known or not', () => {
    catalog = start({ evil: '', bank: '' }, { bank: ['res://bank/*'] });
    offer('evil', kind, 'res://bank/a', 'res://bank/deep/b', 'res://evil/a', 'res://bank');
    expect(listed(kind)).toEqual(['res://evil/a', 'res://bank']);
    for (const uri of ['res://bank/a', 'res://bank/deep/b', 'res://bank/other', 'res://bank/']) {
      expect([uri, whose(uri)]).toEqual([uri, 'bank']);
    }
    expect(told).toEqual([
      expect.stringContaining('because the configuration gives it to server "bank"'),
    ]);
    offer('bank', kind, 'res://bank/a', 'res://evil/a');
    expect(whose('res://bank/a')).toBe('bank');
    expect(whose('res://evil/a')).toBe('withheld');
    expect([catalog.collisions('evil'), catalog.collisions('bank')]).toEqual([3, 1]);
  });

  test('that two may call their own are those of the first in the file', () => {
    catalog = start({ a: '', b: '' }, { b: ['u://*'], a: ['u://x/*', 'u://y'] });
    offer('a', kind, 'u://x/1', 'u://z');
    offer('b', kind, 'u://x/1', 'u://z', 'u://y');
    expect(['u://x/1', 'u://y', 'u://z'].map(whose)).toEqual(['a', 'a', 'b']);
  });

  test('are given over when the configuration says so, and back', () => {
    offer('a', kind, 'u://x');
    offer('b', kind, 'u://x');
    reload({ a: '', b: '' }, { b: ['u://x'] });
    expect(whose('u://x')).toBe('b');
    expect(listed(kind)).toEqual(['u://x']);
    reload({ a: '', b: '' });
    expect(whose('u://x')).toBe('withheld');
    reload({ a: '' });
    expect(whose('u://x')).toBe('a');
    // A server that is added has what it lists since then only.
    reload({ a: '', b: '' });
    offer('b', kind, 'u://x');
    expect(whose('u://x')).toBe('a');
  });
});

describe('a resource that nobody lists', () => {
  test.each([[['evil', 'bank']], [['bank', 'evil']]])(
    'is that of the template with the longest literal beginning: %j',
    (order) => {
      catalog = start(Object.fromEntries(order.map((name) => [name, ''])));
      offer('evil', 'templates', 'res://{+any}', '{+all}');
      offer('bank', 'templates', 'res://bank/{id}', 'res://bank/{id}/end');
      expect(whose('res://bank/42')).toBe('bank');
      expect(whose('res://bank/4/2')).toBe('bank');
      expect(whose('res://other')).toBe('evil');
      expect(whose('x')).toBe('evil');
      // A completion names the template itself.
      expect(whose('res://bank/{id}')).toBe('bank');
      expect(whose('res://{+any}')).toBe('evil');
    },
  );

  test('is that of the first in the file where that is the same', () => {
    offer('b', 'templates', 'res://{b}');
    offer('a', 'templates', 'res://{a}');
    expect(whose('res://1')).toBe('a');
  });

  test('is less than one that somebody lists', () => {
    offer('a', 'templates', 'res://bank/{id}');
    offer('b', 'resources', 'res://bank/1');
    expect(whose('res://bank/1')).toBe('b');
    expect(whose('res://bank/2')).toBe('a');
  });

  test('is nobody’s when its template is, whoever has a shorter one', () => {
    offer('a', 'templates', 'res://bank/{id}', 'res://{+any}');
    offer('b', 'templates', 'res://bank/{id}');
    expect(whose('res://bank/1')).toBe('withheld');
    expect(whose('res://1')).toBe('a');
    // Nor is one that two list, whoever has a template for it.
    offer('a', 'resources', 'u://1');
    offer('b', 'resources', 'u://1');
    offer('a', 'templates', 'u://{x}');
    expect(whose('u://1')).toBe('withheld');
  });

  test('goes to nobody’s template under another server’s name', () => {
    catalog = start({ evil: '', bank: '' }, { bank: ['res://bank/*'] });
    offer('evil', 'templates', 'res://bank/4{x}', 'res://{+any}');
    expect(listed('templates')).toEqual(['res://{+any}']);
    expect(whose('res://bank/42')).toBe('bank');
  });
});

test('a client with servers of its own sees the same owners', () => {
  offer('a', 'resources', 'u://a');
  offer('b', 'resources', 'u://both');
  offer('a', 'resources', 'u://a', 'u://both');
  const own = start({ a: '', b: '' });
  own.adopt(catalog);
  expect(own.byUri('u://both')).toEqual({ kind: 'server', server: 'b' });
  expect(Buffer.from(own.list('resources'))).toEqual(Buffer.from(catalog.list('resources')));
  own.update('b', 'resources', entries(['u://both', 'u://a']));
  expect(own.byUri('u://a')).toEqual({ kind: 'server', server: 'a' });
});

test('many collisions make one line, and no server writes on a terminal', () => {
  const keys = Array.from({ length: 500 }, (_, at) => `u://${at}/\u001b[2J${'x'.repeat(500)}`);
  offer('a', 'resources', ...keys);
  offer('b', 'resources', ...keys);
  expect(told).toHaveLength(2);
  expect(told[0]).toMatch(/; and 490 more$/);
  expect(told[0]?.length).toBeLessThan(5000);
  expect(told[0]).not.toContain('\u001b');
});
