import { expect, test } from 'vitest';
import { readObject, readPairs } from '#src/main/operator/call-arguments.ts';

const SCHEMA = {
  properties: {
    text: { type: 'string' },
    either: { type: ['string', 'number'] },
    count: { type: 'integer' },
    flag: { type: 'boolean' },
    tags: { type: 'array' },
    deep: { type: 'object' },
    any: {},
  },
};

test.each<[string[], object]>([
  [['text=1'], { text: '1' }],
  [['text={"a":1}', 'text2=x'], { text: '{"a":1}', text2: 'x' }],
  [['either=1'], { either: '1' }],
  [['count=1', 'flag=true'], { count: 1, flag: true }],
  [['count=one'], { count: 'one' }],
  [['tags=a', 'tags=2'], { tags: ['a', 2] }],
  [['tags=["a"]'], { tags: ['a'] }],
  [['deep={"a":{"b":1}}'], { deep: { a: { b: 1 } } }],
  [['any=null', 'other=[1]'], { any: null, other: [1] }],
  [['text=', 'any=a=b'], { text: '', any: 'a=b' }],
  [['toString=x'], { toString: 'x' }],
  [[], {}],
])('%j', (words, value) => {
  expect(readPairs(words, SCHEMA)).toEqual({ ok: true, value });
});

test('no key of an object’s own kind does anything else', () => {
  const read = readPairs(['__proto__={"x":1}'], {});
  const value = read.ok ? read.value : {};
  expect(JSON.stringify(value)).toBe('{"__proto__":{"x":1}}');
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

test.each([[['=x']], [['x']], [['count=1', 'count=2']], [['tags=["a"]', 'tags=["b"]']]])(
  '%j is refused',
  (words) => {
    expect(readPairs(words, SCHEMA).ok).toBe(false);
  },
);

test('whole arguments are a JSON object', () => {
  expect(readObject('{"a":1}', '--json')).toEqual({ ok: true, value: { a: 1 } });
  for (const text of ['', '1', 'null', '[]', '{'])
    expect(readObject(text, '--json').ok).toBe(false);
});
