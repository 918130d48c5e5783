/** Servers that list the same resources or templates, or those of another one. */
import { beforeEach, describe, expect, test } from 'vitest';
import {
  catalog,
  entries,
  held,
  listed,
  offer,
  recall,
  reload,
  setUp,
  start,
  told,
  whose,
} from './offers.ts';

beforeEach(() => {
  setUp({ a: '', b: '' });
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
    setUp({ evil: '', bank: '' }, { bank: ['res://bank/*'] });
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
    setUp({ a: '', b: '' }, { b: ['u://*'], a: ['u://x/*', 'u://y'] });
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
      setUp(Object.fromEntries(order.map((name) => [name, ''])));
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
    setUp({ evil: '', bank: '' }, { bank: ['res://bank/*'] });
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
