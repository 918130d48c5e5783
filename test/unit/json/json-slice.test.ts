import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elements, firstMember, kindAt, member, members } from '#src/shared/json/json-slice.ts';
import type { ByteRange } from '#src/shared/model/byte-range.ts';

function whole(json: string): [Buffer, ByteRange] {
  const bytes = Buffer.from(json);
  return [bytes, [0, bytes.length]];
}

function textOf(bytes: Buffer, range: ByteRange): string {
  return bytes.toString('utf8', range[0], range[1]);
}

/** Rebuilds the value from slices alone. */
function rebuild(bytes: Buffer, range: ByteRange): unknown {
  const kind = kindAt(bytes, range[0]);
  if (kind === 'array') return elements(bytes, range).map((element) => rebuild(bytes, element));
  if (kind !== 'object') return JSON.parse(textOf(bytes, range));
  const object = Object.create(null) as Record<string, unknown>;
  for (const { key, value } of members(bytes, range)) object[key] = rebuild(bytes, value);
  return object;
}

describe('slices', () => {
  test('give the same value as JSON.parse, with any white space', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t\t'), (json, indent) => {
        const text = JSON.stringify(JSON.parse(json), null, indent);
        const [bytes, range] = whole(text);
        expect(JSON.stringify(rebuild(bytes, range))).toBe(JSON.stringify(JSON.parse(text)));
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  test('of an array are its elements without the white space around', () => {
    const [bytes, range] = whole('[ 1 , "a]\\"," ,[2,[3]] , {"k":"}"} ,null,-1.5e3 ]');
    expect(elements(bytes, range).map((element) => textOf(bytes, element))).toEqual([
      '1',
      '"a]\\","',
      '[2,[3]]',
      '{"k":"}"}',
      'null',
      '-1.5e3',
    ]);
  });

  test('of an object decode the names and keep the order and doubles', () => {
    const [bytes, range] = whole('{"b" : 1,"\\u0061":[2], "b":"x" , "é\\"":{}}');
    expect(members(bytes, range).map(({ key, value }) => [key, textOf(bytes, value)])).toEqual([
      ['b', '1'],
      ['a', '[2]'],
      ['b', '"x"'],
      ['é"', '{}'],
    ]);
  });

  test('find the last member of a name, as JSON.parse does', () => {
    const [bytes, range] = whole('{"a":1,"toString":2,"a":3}');
    expect(textOf(bytes, member(bytes, range, 'a')!)).toBe('3');
    expect(textOf(bytes, member(bytes, range, 'toString')!)).toBe('2');
    expect(member(bytes, range, 'valueOf')).toBeNull();
  });

  test('find a member by its name alone, however the name is written', () => {
    const name = fc.oneof(
      fc.constantFrom('level', 'é', '\u{1f600}', '', 'a"b', 'a\\'),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    const written = (key: string, escape: boolean) =>
      escape
        ? `"${[...Array(key.length).keys()].map((at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
        : JSON.stringify(key);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.boolean())), name, (names, wanted) => {
        const entries = names.map(([key, escape], at) => `${written(key, escape)} : ${at}`);
        const [bytes, range] = whole(`{${entries.join(' ,')}}`);
        const value = (found: ByteRange | null) => (found === null ? -1 : +textOf(bytes, found));
        const keys = names.map(([key]) => key);
        expect(value(firstMember(bytes, range, wanted))).toBe(keys.indexOf(wanted));
        expect(value(member(bytes, range, wanted))).toBe(keys.lastIndexOf(wanted));
      }),
      { numRuns: 1000 },
    );
  });

  test('find the first member of a name without a look at what follows', () => {
    const [bytes, range] = whole('{"level":"info","level":"debug"}');
    expect(textOf(bytes, firstMember(bytes, range, 'level')!)).toBe('"info"');
    bytes.fill('?', 16);
    expect(textOf(bytes, firstMember(bytes, range, 'level')!)).toBe('"info"');
  });

  test('are none where the value is of another kind, or empty', () => {
    for (const json of ['{}', '1', '"[1]"', '[]', '[ ]', 'null']) {
      expect(elements(...whole(json))).toEqual([]);
    }
    for (const json of ['[1]', '1', '"{}"', '{}', '{ }', 'null']) {
      expect(members(...whole(json))).toEqual([]);
    }
  });

  test('do not recurse: 200,000 levels are one element', () => {
    const [bytes, range] = whole(`[${'['.repeat(2e5)}${']'.repeat(2e5)},1]`);
    expect(elements(bytes, range).map(([start, end]) => end - start)).toEqual([4e5, 1]);
  });

  test('end on bytes that are no JSON', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const range: ByteRange = [0, bytes.length];
        for (const [start, end] of elements(bytes, range)) expect(end).toBeGreaterThan(start);
      }),
    );
  });

  test('tell the kind of a value by its first byte', () => {
    const kinds = ['{}', '[]', '""', '-1', '0', 'true', 'false', 'null'].map((json) =>
      kindAt(Buffer.from(json), 0),
    );
    expect(kinds).toEqual([
      'object',
      'array',
      'string',
      'number',
      'number',
      'boolean',
      'boolean',
      'null',
    ]);
  });
});
