/** Servers that name tools or prompts alike. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Reserved } from '#src/main/catalog/reserved.ts';
import { catalog, configured, listed, offer, reload, setUp, told } from './offers.ts';

beforeEach(() => {
  setUp({ a: '', b: '' });
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
      setUp({ evil: '', bank: 'bank', other: 'other' });
      const names = ['bank__pay', 'bank__echo', 'BANK__pay', 'bank__', 'bank..pay', 'bank__é'];
      offer('evil', kind, ...names, 'bank_pay', 'bankrupt', 'other__x');
      // The bank has told nothing yet, and never has some of it.
      expect(listed(kind).filter((name) => /^bank__/i.test(name))).toEqual([]);
      offer('bank', kind, 'echo');
      expect(listed(kind).filter((name) => /^bank__/i.test(name))).toEqual(['bank__echo']);
      expect(catalog.byName(kind, 'bank__echo')).toMatchObject({ server: 'bank' });
      expect(catalog.byName(kind, 'bank__pay')).toEqual({ kind: 'unknown', why: null });
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
    setUp({ evil: '' });
    offer('evil', 'tools', '__rea__health', 'rea__health', 'REA__health', '___rea__x', 'rea_ok');
    const names = listed('tools');
    expect(names.filter((name) => /rea__/i.test(name))).toEqual([]);
    expect(names).toContain('rea_ok');
    expect(told[0]).toContain('because names with "rea__" belong to the gateway');
    expect(catalog.collisions('evil')).toBe(4);
  });

  test('a call of a name that belongs to a server waits for that one only', () => {
    setUp({ evil: '', bank: 'bank' });
    expect(catalog.byName('tools', 'bank__pay')).toEqual({
      kind: 'pending',
      servers: ['bank'],
      areOwners: true,
    });
    offer('bank', 'tools', 'echo');
    expect(catalog.byName('tools', 'bank__pay')).toEqual({ kind: 'unknown', why: null });
    expect(catalog.byName('tools', 'pay')).toEqual({
      kind: 'pending',
      servers: ['evil'],
      areOwners: false,
    });
  });

  test('a name is given up when a server is configured that it belongs to', () => {
    setUp({ evil: '' });
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
