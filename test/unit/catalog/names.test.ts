import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { exposedName, NameTable } from '#src/main/catalog/names.ts';
import { Reserved } from '#src/main/catalog/reserved.ts';

// A safety net for a busy machine: the properties take well under a second each.
vi.setConfig({ testTimeout: 60_000 });

const LEGAL = /^[A-Za-z0-9_-]{1,64}$/;
const HASHED = /_[0-9a-f]{12}$/;

describe('exposedName', () => {
  test.each([
    ['files', 'read_file', 'files__read_file'],
    ['a', 'b__c', 'a__b__c'],
    ['', 'read_file', 'read_file'],
    ['p', '__proto__', 'p____proto__'],
    ['p', 'x'.repeat(61), `p__${'x'.repeat(61)}`],
  ])('joins %j and %j unchanged', (prefix, tool, expected) => {
    expect(exposedName(prefix, tool)).toBe(expected);
  });

  test.each([
    ['files', 'read.file', 'files__read_file_'],
    ['files', 'читать', 'files_________'],
    ['p', 'x'.repeat(62), `p__${'x'.repeat(48)}_`],
    ['a__b', 'c', 'a__b__c_'],
    ['', '', '_'],
    ['', '__rea__health', 'rea__health_'],
    ['', '__rea.x', 'rea_x_'],
  ])('hashes %j and %j', (prefix, tool, start) => {
    const name = exposedName(prefix, tool);
    expect(name.slice(0, -12)).toBe(start);
    expect(name).toMatch(HASHED);
  });

  // Clients keep these names in their own permission lists: a change here breaks their users.
  test('gives these names in every version', () => {
    expect(exposedName('files', 'read.file')).toBe('files__read_file_420697414848');
    expect(exposedName('a__b', 'c')).toBe('a__b__c_ca321cd26880');
  });

  test('tells apart what cleaning and cutting make equal', () => {
    const tools = [
      'a.b',
      'a/b',
      'a b',
      `${'x'.repeat(70)}1`,
      `${'x'.repeat(70)}2`,
      '\ud800',
      '\ud801',
    ];
    expect(new Set(tools.map((tool) => exposedName('p', tool))).size).toBe(tools.length);
  });

  test('tells a hashed name apart from a tool that is literally called so', () => {
    const hashed = exposedName('p', 'read.file');
    expect(exposedName('p', hashed.slice('p__'.length))).not.toBe(hashed);
  });

  const prefix = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/),
    fc.constantFrom('a', 'a_', 'a__b', '_', '__rea', 'a__'),
  );
  const tool = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9_.-]{0,80}$/),
    fc.string({ unit: 'binary', maxLength: 70 }),
    fc.constantFrom('b', '_b', 'b__c', '__c', '', 'x'.repeat(63), 'x'.repeat(64), '__rea__x'),
  );

  test('is legal, stable and never reserved', () => {
    fc.assert(
      fc.property(fc.oneof(prefix, fc.constant('')), tool, (somePrefix, someTool) => {
        const name = exposedName(somePrefix, someTool);
        assert.match(name, LEGAL);
        assert.ok(!name.startsWith('__rea__'));
        assert.equal(exposedName(somePrefix, someTool), name);
      }),
      { numRuns: 2000 },
    );
  });

  test('never gives two pairs of prefix and tool one name', () => {
    const pairs = fc.array(fc.tuple(prefix, tool), { minLength: 2, maxLength: 60, size: 'max' });
    fc.assert(
      fc.property(pairs, (some) => {
        // Half of the pairs are made to look like another's name, split at another place.
        const tricky = some.flatMap(([onePrefix, oneTool]): [string, string][] => {
          const name = exposedName(onePrefix, oneTool);
          const cut = name.indexOf('__', 1);
          return cut > 0 ? [[name.slice(0, cut), name.slice(cut + 2)]] : [];
        });
        const distinct = new Map([...some, ...tricky].map((pair) => [JSON.stringify(pair), pair]));
        const names = [...distinct.values()].map((pair) => exposedName(...pair));
        expect(new Set(names).size).toBe(names.length);
      }),
      { numRuns: 300 },
    );
  });
});

describe('NameTable', () => {
  test('shows no name of one server that begins with the prefix of another, and routes each', () => {
    const prefixes = ['', 'a', 'a_b', '_x', 'A', ''];
    const servers = prefixes.map((_, at) => `s${at}`);
    const reserved = new Reserved(
      prefixes.map((one, at) => ({ server: `s${at}`, prefix: one, resources: [] })),
    );
    const word = fc.constantFrom('a', 'A', 'b', '_', '__', '_x', '.', 'é', 'rea', 'x'.repeat(30));
    const tool = fc.array(word, { maxLength: 6 }).map((words) => words.join(''));
    const lists = fc.array(fc.array(tool, { maxLength: 6 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(lists, (all) => {
        const table = new NameTable(servers, reserved);
        for (const [at, server] of servers.entries()) {
          table.add(server, prefixes[at] ?? '', all[at] ?? []);
        }
        for (const [at, server] of servers.entries()) {
          for (const one of all[at] ?? []) {
            const name = table.exposed(server, one);
            assert.match(name, LEGAL);
            assert.deepEqual(table.resolve(name), { server, tool: one });
            const own = `${prefixes[at]}__`;
            if (own !== '__' && name.startsWith(own)) continue;
            for (const prefix of [...prefixes, 'rea', '__rea']) {
              const foreign =
                prefix !== '' && name.toLowerCase().startsWith(`${prefix.toLowerCase()}__`);
              assert.ok(!foreign, `${server} has ${name}`);
            }
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('routes tools whose names mean something to JavaScript like any other', () => {
    const table = new NameTable();
    const tools = ['__proto__', 'toString', 'hasOwnProperty', 'constructor'];
    table.add('s', '', tools);
    for (const tool of tools) {
      expect(table.resolve(tool)).toEqual({ server: 's', tool });
      expect(table.exposed('s', tool)).toBe(tool);
    }
    table.add('s', '', []);
    for (const tool of tools) expect(table.resolve(tool)).toBeUndefined();
  });

  test('makes no name of another server out of one that two servers have', () => {
    const reserved = new Reserved([{ server: 'bank', prefix: 'bank', resources: [] }]);
    const table = new NameTable(['one', 'two'], reserved);
    for (const server of ['one', 'two']) table.add(server, '', ['bank_', 'bank__x']);
    const names = ['one', 'two'].flatMap((server) =>
      ['bank_', 'bank__x'].map((tool) => table.exposed(server, tool)),
    );
    expect(new Set(names).size).toBe(4);
    expect(names.filter((name) => name.startsWith('bank__'))).toEqual([]);
  });

  test('gives a contested name to the earlier server, whichever was added first', () => {
    const first = new NameTable(['a', 'bare']);
    first.add('a', 'a', ['x']);
    first.add('bare', '', ['a__x', 'y']);
    const second = new NameTable(['a', 'bare']);
    second.add('bare', '', ['y', 'a__x']);
    second.add('a', 'a', ['x']);
    for (const table of [first, second]) {
      expect(table.resolve('a__x')).toEqual({ server: 'a', tool: 'x' });
      const other = table.exposed('bare', 'a__x');
      expect(other).toMatch(/^a__x_[0-9a-f]{12}$/);
      expect(table.resolve(other)).toEqual({ server: 'bare', tool: 'a__x' });
    }
    expect(first.exposed('bare', 'a__x')).toBe(second.exposed('bare', 'a__x'));
  });

  test('keeps two servers with the same prefix and tool apart', () => {
    const table = new NameTable(['one', 'two', 'three']);
    for (const server of ['three', 'two', 'one']) table.add(server, 'p', ['x']);
    expect(table.exposed('one', 'x')).toBe('p__x');
    const names = ['one', 'two', 'three'].map((server) => table.exposed(server, 'x'));
    expect(new Set(names).size).toBe(3);
    expect(names.map((name) => table.resolve(name)?.server)).toEqual(['one', 'two', 'three']);
  });

  test('has no name of a tool that is gone', () => {
    const table = new NameTable();
    table.add('s', 'p', ['old', 'kept']);
    table.add('s', 'p', ['kept', 'new']);
    expect(table.resolve('p__old')).toBeUndefined();
    expect(table.resolve('p__new')).toEqual({ server: 's', tool: 'new' });
    expect(() => table.exposed('s', 'old')).toThrow('not in the table');
  });

  test('takes a tool listed twice for one', () => {
    const table = new NameTable();
    table.add('s', 'p', ['x', 'x']);
    expect(table.exposed('s', 'x')).toBe('p__x');
  });

  test('is a bijection that no order of arrival changes', () => {
    const servers = ['a', 'b', 'c', 'd'];
    const tools = fc.array(
      fc.oneof(fc.constantFrom('x', 'a__x', 'b__x', 'x.y', 'a__b__x'), fc.string({ maxLength: 8 })),
      { maxLength: 8 },
    );
    const setup = fc.record({
      prefixes: fc.array(fc.constantFrom('', 'a', 'a__b', 'b'), { minLength: 4, maxLength: 4 }),
      tools: fc.array(tools, { minLength: 4, maxLength: 4 }),
      arrival: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
    });
    fc.assert(
      fc.property(setup, ({ prefixes, tools: lists, arrival }) => {
        const build = (order: readonly number[], list: (index: number) => readonly string[]) => {
          const table = new NameTable(servers);
          for (const index of order) {
            table.add(servers[index] ?? '', prefixes[index] ?? '', list(index));
          }
          return table;
        };
        const inOrder = build([0, 1, 2, 3], (index) => lists[index] ?? []);
        const shuffled = build(arrival, (index) => (lists[index] ?? []).toReversed());
        for (const [index, server] of servers.entries()) {
          for (const tool of lists[index] ?? []) {
            const name = inOrder.exposed(server, tool);
            assert.match(name, LEGAL);
            assert.deepEqual(inOrder.resolve(name), { server, tool });
            assert.equal(shuffled.exposed(server, tool), name);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
