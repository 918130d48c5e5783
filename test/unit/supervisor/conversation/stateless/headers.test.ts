/** Arguments that revision 2026-07-28 repeats in headers: which those are, and that odd declarations are refused. */
import { describe, expect, test } from 'vitest';
import { declaredHeaders } from '#src/shared/json/param-headers.ts';
import { paramHeaders } from '#src/workers/supervisor/conversation/stateless/param-headers.ts';

const toolWith = (inputSchema: unknown) => Buffer.from(JSON.stringify({ name: 't', inputSchema }));
const region = { type: 'string', 'x-mcp-header': 'Region' };

describe('declarations', () => {
  test('are found at any depth of properties', () => {
    const inner = {
      type: 'object',
      properties: { 'b.c': { type: 'integer', 'x-mcp-header': 'N' } },
    };
    const declared = declaredHeaders(
      toolWith({ type: 'object', properties: { region, a: inner } }),
    );
    expect(declared).toEqual({
      ok: true,
      headers: [
        { path: ['region'], header: 'Region' },
        { path: ['a', 'b.c'], header: 'N' },
      ],
    });
    const odd = { properties: { properties: region, 'x-mcp-header': { type: 'string' } } };
    expect(declaredHeaders(toolWith(odd))).toMatchObject({ headers: [{ path: ['properties'] }] });
    const data = { properties: { a: { type: 'object', default: region, enum: [region] } } };
    expect(declaredHeaders(toolWith(data))).toEqual({ ok: true, headers: [] });
  });

  test.each([
    ['empty', { properties: { a: { type: 'string', 'x-mcp-header': '' } } }],
    ['no text', { properties: { a: { type: 'string', 'x-mcp-header': 1 } } }],
    ['no token', { properties: { a: { type: 'string', 'x-mcp-header': 'a b' } } }],
    ['a line break', { properties: { a: { type: 'string', 'x-mcp-header': 'a\r\nb' } } }],
    ['twice', { properties: { region, b: { type: 'string', 'x-mcp-header': 'rEGION' } } }],
    ['a number', { properties: { a: { type: 'number', 'x-mcp-header': 'A' } } }],
    ['an object', { properties: { a: { type: 'object', 'x-mcp-header': 'A' } } }],
    ['no type', { properties: { a: { 'x-mcp-header': 'A' } } }],
    ['two types', { properties: { a: { type: ['string', 'null'], 'x-mcp-header': 'A' } } }],
    ['the root', { type: 'object', 'x-mcp-header': 'A' }],
    ['items', { properties: { a: { type: 'array', items: region } } }],
    ['oneOf', { properties: { a: { oneOf: [region] } } }],
    ['$defs', { $defs: { a: region }, properties: { b: { $ref: '#/$defs/a' } } }],
    ['patternProperties', { patternProperties: { '.': region } }],
    ['additionalProperties', { additionalProperties: region }],
    ['an unknown keyword', { 'x-other': [region] }],
    ['properties below those', { items: { properties: { region } } }],
  ])('are refused where they are wrong: %s', (_what, schema) => {
    expect(declaredHeaders(toolWith(schema))).toMatchObject({ ok: false });
    const escaped = JSON.stringify({ inputSchema: schema }).replace('x-mcp', 'x\\u002dmcp');
    expect(declaredHeaders(Buffer.from(escaped))).toMatchObject({ ok: false });
  });

  test('too deep is refused and not walked through', () => {
    const deep = Array.from({ length: 400 }).reduce<object>((inner) => ({ items: inner }), region);
    expect(declaredHeaders(toolWith(deep))).toMatchObject({ ok: false });
  });
});

test.each([
  ['{"a":"x","n":{"b":true}}', { 'mcp-param-a': 'x', 'mcp-param-b': 'true' }],
  ['{"a":"é"}', { 'mcp-param-a': '=?base64?w6k=?=' }],
  ['{"a":"\\u0078"}', { 'mcp-param-a': 'x' }],
  ['{"a":42.0}', { 'mcp-param-a': '42' }],
  ['{"a":-1.5e1}', { 'mcp-param-a': '-15' }],
  ['{"a":9007199254740993}', {}],
  ['{"a":1e999}', {}],
  ['{"a":null,"n":5}', {}],
  ['{"a":{},"n":[]}', {}],
  [`{"a":"${'x'.repeat(9000)}"}`, {}],
  ['{}', {}],
])('the arguments %.40s', (args, headers) => {
  const line = Buffer.from(args);
  const declared = [
    { path: ['a'], header: 'A' },
    { path: ['n', 'b'], header: 'B' },
  ];
  expect(paramHeaders(line, [0, line.length], declared)).toEqual(headers);
  expect(paramHeaders(line, null, declared)).toEqual({});
});
